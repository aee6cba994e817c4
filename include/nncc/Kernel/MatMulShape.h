//===- MatMulShape.h - exec.matmul as a batch of matrix products ----------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_MATMULSHAPE_H
#define NNCC_KERNEL_MATMULSHAPE_H

#include "nncc/Kernel/ContractionSite.h"
#include "nncc/Kernel/IndexMath.h"

namespace nncc::kernel {

/// What is known of the products while compiling; sizes may be dynamic.
struct MatMulShape {
  int64_t batch, rows, columns, depth;
  /// The right operand is one matrix for the whole batch: then the batch is just more rows.
  bool isPlain;

  static MatMulShape of(exec::MatMulOp op);
};

/// The sizes in a function, and where the matrices are.
struct MatMulSizes {
  MatMulSizes(IndexMath &m, const ContractionSite &site);

  mlir::Value batch, rows, columns, depth;
  /// Of the dims that make the batch, in the result.
  llvm::SmallVector<mlir::Value> batchDims;

  /// Elements before matrix `index` of a batch in an operand whose batch dims are `shape`, which may have 1, and whose matrices have
  /// `matrix` elements.
  mlir::Value getOffset(IndexMath &m, mlir::Value index, llvm::ArrayRef<int64_t> shape, mlir::Value matrix) const;
};

} // namespace nncc::kernel

#endif // NNCC_KERNEL_MATMULSHAPE_H
