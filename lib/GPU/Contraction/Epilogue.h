//===- Epilogue.h - what happens to sums before they are stored -----------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_EPILOGUE_H
#define NNCC_LIB_GPU_CONTRACTION_EPILOGUE_H

#include "Memory.h"
#include "nncc/Kernel/ContractionSite.h"
#include "nncc/Kernel/VectorBody.h"

namespace nncc::gpu {

using kernel::ContractionSite;

/// Adds the bias, runs the bodies of the fused linalg.generics, and stores what leaves the kernel. A result is seen as a matrix: a row for each
/// point of all dims but the last, whose elements are the columns. A thread works on `lanes` adjacent columns at once.
class Epilogue {
public:
  Epilogue(IndexMath &m, const ContractionSite &site, int64_t lanes);

  /// Whether it is too long to be repeated for each row of a thread.
  bool isHeavy() const;

  /// Columns that are worked on together.
  struct Columns {
    mlir::Value first;
    /// Columns there are, counted from `first`: an index; null: all lanes exist, and what they read and write is aligned.
    mlir::Value count;
    /// The lanes that exist (vector<lanes x i1>, or i1 for one lane); null: all.
    mlir::Value mask;
    /// What depends on the column only: loaded once for all rows.
    llvm::DenseMap<mlir::OpOperand *, mlir::Value> operands;
    mlir::Value bias;
  };
  /// `first` (an index) is a column of the result. `end`: the first one that is not to be written; null: all lanes are below it, and `first` is a
  /// multiple of the number of lanes.
  Columns load(IndexMath &m, mlir::Value first, mlir::Value end) const;

  /// Finishes the sums of one row, an index: `sum` has the type of the accumulator.
  void finish(IndexMath &m, mlir::Value sum, mlir::Value row, const Columns &columns) const;

private:
  /// How an operand is reached from a point of the result.
  struct Access {
    mlir::Value offset;
    bool isVector;
  };
  Access getAccess(IndexMath &m, mlir::Value memref, mlir::AffineMap map, mlir::Value row,
                   const Columns &columns) const;
  mlir::Value loadAt(IndexMath &m, mlir::Value tensor, mlir::AffineMap map, mlir::Value row,
                     const Columns &columns) const;
  void store(IndexMath &m, mlir::Value value, mlir::Value tensor, mlir::Value row, const Columns &columns) const;
  mlir::Value addBias(IndexMath &m, mlir::Value sum, const Columns &columns) const;

  const ContractionSite &site;
  int64_t lanes;
  /// Sizes of the result.
  llvm::SmallVector<mlir::Value> sizes;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_EPILOGUE_H
