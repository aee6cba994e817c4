//===- ContractionSite.h - a matrix product or a convolution and what is fused into it ------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_CONTRACTIONSITE_H
#define NNCC_KERNEL_CONTRACTIONSITE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Kernel/IndexMath.h"

namespace nncc::kernel {

/// A contraction with everything that is fused into it, seen from the function that is being written.
struct ContractionSite {
  /// exec.matmul or exec.conv.
  mlir::Operation *root = nullptr;
  /// The linalg.generics fused behind the root, in the order of the body. Each one's dims are all parallel, its results
  /// and every operand that the root or the epilogue computes have the identity map; other operands may be broadcast
  /// (any projected permutation).
  llvm::SmallVector<mlir::linalg::GenericOp> epilogue;
  /// What the kernel's values are in that function: operands of the root and of the epilogue -> memrefs (row-major,
  /// contiguous) or scalars; results that leave the kernel -> the memrefs to fill. A result without an entry stays in
  /// registers.
  mlir::IRMapping values;
};

/// Whether `generic` may be part of the epilogue of `root`, when the generics in `before` are.
bool canFuseBehindContraction(mlir::Operation *root, llvm::ArrayRef<mlir::linalg::GenericOp> before,
                              mlir::linalg::GenericOp generic);

/// The contraction that a kernel consists of, without values; its root is null where the kernel has none, or has other
/// computations too.
ContractionSite findContraction(exec::KernelOp op);

/// Of the bodies of an epilogue, for one element; a function counts as twenty.
int64_t countInstructions(llvm::ArrayRef<mlir::linalg::GenericOp> epilogue);

/// Whether a map picks no dim but the last: the operand is a vector along the columns, or one element.
bool dependsOnColumnOnly(mlir::AffineMap map);

/// Where a result of `sizes` has its element, when all dims but the last count as rows.
llvm::SmallVector<mlir::Value> getPosition(IndexMath &m, llvm::ArrayRef<mlir::Value> sizes, mlir::Value row,
                                           mlir::Value column);

/// A memref that leaves the kernel, which has the sizes of the result; null: `site` has no values.
mlir::Value findResult(const ContractionSite &site);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_CONTRACTIONSITE_H
