//===- Steps.h - one step in K of a register tile -------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_STEPS_H
#define NNCC_LIB_CPU_CONTRACTION_STEPS_H

#include "ElementKind.h"
#include <memory>

namespace nncc::cpu {

/// Sums of a register tile are ordered by row, then by vector. While products are added there may be other accumulators in their place:
/// what the instructions want.
class Steps {
public:
  Steps(IndexMath &m, const ElementKind &kind, int64_t vectors) : m(m), kind(kind), vectors(vectors) {}
  static std::unique_ptr<Steps> create(IndexMath &m, const ElementKind &kind, int64_t vectors);
  virtual ~Steps() = default;

  virtual llvm::SmallVector<mlir::Value> begin(mlir::ValueRange sums) { return llvm::to_vector(sums); }
  /// Adds the products of one step: `rows` and `columns` are positions in the operands, a row each and a vector each. A row is
  /// broadcast and used up before the next one is loaded: with all broadcasts first the registers do not suffice.
  virtual llvm::SmallVector<mlir::Value> step(mlir::Value left, mlir::ValueRange rows, mlir::Value right,
                                              mlir::ValueRange columns, llvm::ArrayRef<mlir::Value> masks,
                                              mlir::ValueRange accumulators) = 0;
  /// `sums` are those that begin got.
  virtual llvm::SmallVector<mlir::Value> finish(mlir::ValueRange accumulators, mlir::ValueRange) {
    return llvm::to_vector(accumulators);
  }

protected:
  IndexMath &m;
  const ElementKind &kind;
  int64_t vectors;
};

/// Registers that a tile needs besides its rows x vectors sums.
struct RegisterNeeds {
  int64_t perSum = 1, perVector = 1, other = 1;
  static RegisterNeeds of(const ElementKind &kind);
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_STEPS_H
