//===- TensorAccess.h - which element of a tensor an index means, through what only moves elements ----------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_NN_TRANSFORMS_TENSORACCESS_H
#define NNCC_LIB_DIALECT_NN_TRANSFORMS_TENSORACCESS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/IR/Dim.h"

namespace nncc::nn {

/// A part of an index: (loop / divisor) % size, or a number below size.
struct IndexDigit {
  /// Nothing: `number`.
  std::optional<unsigned> loop;
  int64_t divisor = 1, number = 0;
  Dim size;
};

/// How an element of a tensor is reached from loops: an index of each dim is made of digits, the first one the most significant; none:
/// index 0. Reshapes regroup digits, transposes reorder them, slices of equal parts and broadcasts add and remove them.
class TensorAccess {
public:
  using Index = llvm::SmallVector<IndexDigit, 2>;

  TensorAccess() = default;
  TensorAccess(mlir::Value tensor, llvm::SmallVector<Index> indices) : tensor(tensor), indices(std::move(indices)) {}

  mlir::Value getTensor() const { return tensor; }
  llvm::ArrayRef<Index> getIndices() const { return indices; }

  /// The same elements in the operand of what made the tensor; nothing where that does more than move elements. `moves` is set when the
  /// step saves a movement (a reshape alone is none).
  std::optional<TensorAccess> stepBack(bool &moves) const;
  /// The same elements in the result of `user`, which has the tensor as its operand.
  std::optional<TensorAccess> stepForward(mlir::Operation *user, bool &moves) const;
  /// Under broadcasting: the access of an operand of an elementwise op whose result this is. Nothing when sizes may differ.
  std::optional<TensorAccess> ofOperand(mlir::Value operand) const;

  /// Whether every index is a loop, a quotient of a loop, or a number. `sizes` are those of the loops.
  bool isSimple(llvm::ArrayRef<Dim> sizes) const;
  /// The access that is so, of the tensor under a shape with a dim for each digit: `shape` is empty where it is the same tensor. Nothing
  /// when there is none.
  std::optional<TensorAccess> split(llvm::ArrayRef<Dim> sizes, llvm::SmallVectorImpl<Dim> &shape) const;
  /// The indices of a simple access of a tensor with these dims. Loops in `wanted` that have size 1 stand at dims of size 1; nothing when
  /// there are too few.
  std::optional<mlir::AffineMap> getMap(llvm::ArrayRef<Dim> sizes, llvm::ArrayRef<Dim> dims,
                                        llvm::ArrayRef<unsigned> wanted) const;

private:
  mlir::Value tensor;
  llvm::SmallVector<Index> indices;
};

/// Digits, the first one the most significant, as indices of dims of these sizes; nothing where they do not fit.
std::optional<llvm::SmallVector<TensorAccess::Index>> regroupDigits(llvm::ArrayRef<IndexDigit> digits,
                                                                    llvm::ArrayRef<Dim> sizes);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_TRANSFORMS_TENSORACCESS_H
