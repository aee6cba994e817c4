//===- Epilogue.h - what happens to sums before they are stored -----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_EPILOGUE_H
#define NNCC_LIB_CPU_CONTRACTION_EPILOGUE_H

#include "nncc/CPU/Contraction.h"
#include "nncc/Kernel/IndexMath.h"

namespace nncc::cpu {

using namespace kernel;

/// Adds the bias, runs the bodies of the fused linalg.generics, and stores what leaves the kernel. A result is seen as
/// a matrix: a row for each point of all dims but the last, whose elements are the columns.
class Epilogue {
public:
  /// `lanes` of a vector; 1: sums are scalars.
  Epilogue(IndexMath &m, const ContractionSite &site, int64_t lanes);

  /// Whether it is too long to be repeated for each vector of a register tile.
  bool isHeavy() const { return heavy; }

  /// Columns that are worked on together.
  struct Columns {
    mlir::Value first;
    /// The lanes that exist; null: all.
    mlir::Value mask;
    /// What depends on the column only: loaded once for all rows.
    llvm::DenseMap<mlir::OpOperand *, mlir::Value> operands;
    mlir::Value bias;
  };
  Columns load(IndexMath &m, mlir::Value first, mlir::Value mask) const;

  /// Finishes the sums of one row: `sum` has the type of the accumulator.
  void finish(IndexMath &m, mlir::Value sum, mlir::Value row, const Columns &columns) const;

private:
  mlir::Value loadOperand(IndexMath &m, mlir::linalg::GenericOp op, mlir::OpOperand &operand, mlir::Value row,
                          const Columns &columns) const;
  mlir::Value loadAt(IndexMath &m, mlir::Value tensor, mlir::AffineMap map, mlir::Value row,
                     const Columns &columns) const;
  void store(IndexMath &m, mlir::Value value, mlir::Value tensor, mlir::Value row, const Columns &columns) const;

  const ContractionSite &site;
  int64_t lanes;
  bool heavy = false;
  mlir::Value bias;
  /// Sizes of the result.
  llvm::SmallVector<mlir::Value> sizes;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_EPILOGUE_H
