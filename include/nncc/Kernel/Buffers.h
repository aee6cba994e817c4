//===- Buffers.h - where the tensors of a kernel live while its code is written -------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_BUFFERS_H
#define NNCC_KERNEL_BUFFERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Kernel/KernelFunction.h"

namespace nncc::kernel {

/// Whether `op` only gives the elements of a tensor another shape: they stay where they are.
bool isReshape(mlir::Operation *op);

/// Maps the values of a kernel to those of a function that is being written for it: tensors to row-major memrefs,
/// scalars to scalars. Ops are to be visited in the order of the body.
class Buffers {
public:
  Buffers(mlir::OpBuilder &b, exec::KernelOp kernel, const KernelFunction &function);

  /// The values of the kernel, as far as they have been visited.
  mlir::IRMapping values;

  /// Maps what becomes a result of the kernel, through reshapes, to the memory of that result.
  void assignResults();
  /// Copies to the results what assignResults could not map: arguments, and values that are two results.
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> getCopies() const;

  /// The memory of a result of the kernel.
  mlir::Value getResult(unsigned number) const { return function.results[number].value; }

  /// The sizes of a tensor, which need not have a buffer.
  Sizes getSizes(mlir::Value tensor);
  /// The sizes of the loops of `op`.
  Sizes getLoopSizes(mlir::linalg::LinalgOp op);
  mlir::Value toIndex(mlir::OpFoldResult size);

  /// Maps the tensor to scratch memory, unless it has a buffer. Fails with a diagnostic when its size is not static.
  llvm::LogicalResult allocate(mlir::Value tensor);
  /// Bytes of scratch in use.
  int64_t getScratchBytes() const { return scratchBytes; }
  /// Scratch memory of a static shape, 64-byte aligned.
  mlir::Value allocateScratch(mlir::Location loc, mlir::MemRefType type);

  /// The scalar ops, the reshapes of tensors that have buffers, empty tensors. False: `op` computes a tensor.
  bool visitSimpleOp(mlir::Operation *op);

private:
  mlir::OpFoldResult map(mlir::OpFoldResult size) const;
  mlir::Value view(mlir::Location loc, mlir::Value memref, mlir::RankedTensorType type, const Sizes &sizes);

  mlir::OpBuilder &b;
  exec::KernelOp kernel;
  const KernelFunction &function;
  int64_t scratchBytes = 0;
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> copies;
};

/// Writes what an exec.grid does at one point. Its results have buffers.
void cloneGridBody(mlir::OpBuilder &b, exec::GridOp grid, mlir::ValueRange point, const Buffers &buffers);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_BUFFERS_H
