//===- KernelFunction.h - the functions that a kernel becomes -------------------------------------------*- C++ -*-===//
//
// Of each phase one for the device, with a parameter a slot, and one for the host that computes how it is launched; of a
// kernel one for the host that computes how large its workspace is. All see the kernel's values alike; on the host the
// memory of tensors cannot be read.
//
//===----------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_KERNELFUNCTION_H
#define NNCC_LIB_GPU_KERNELFUNCTION_H

#include "nncc/Kernel/KernelFunction.h"

namespace nncc::gpu {

using namespace kernel;

/// In front of the workspace there are counters of 32 bits, all zero, which a kernel leaves so (NNCCRT_CUDA_COUNTER_BYTES).
inline constexpr int64_t counterBytes = 4096;

/// A function of the device whose body is to be written; its scratch is the workspace.
struct DeviceFunction : KernelFunction {
  /// The thread in its block and the block in the grid, index.
  mlir::Value thread, block;
  /// The dynamic shared memory of the block: a memref<?xi8, 3>, 16-byte aligned.
  mlir::Value shared;
};

/// Asks for registers such that a processor has room for `blocks` blocks; 0: the assembler decides, and may rather spill than take more.
void setBlocksPerProcessor(const DeviceFunction &function, int64_t blocks);

/// How many blocks are launched (0: none), and the bytes of shared memory that each has (null: none); index.
struct LaunchShape {
  mlir::Value blocks, sharedBytes;
};

/// Adds the function `name` to the end of the builder's block and leaves the builder before its return. `threads` is the size of a
/// block: between two tensors of the kernel nothing may overlap but what `may_alias` and `must_alias` allow.
DeviceFunction createDeviceFunction(mlir::OpBuilder &b, exec::KernelOp kernel, llvm::StringRef name, unsigned threads);

/// The functions of the host, as nnccrt_cuda_phase and nnccrt_cuda_kernel have them. The builder is left before the return.
KernelFunction createShapeFunction(mlir::OpBuilder &b, exec::KernelOp kernel, llvm::StringRef name);
void setShape(mlir::OpBuilder &b, KernelFunction &function, const LaunchShape &shape, unsigned threads);
KernelFunction createWorkspaceFunction(mlir::OpBuilder &b, exec::KernelOp kernel, llvm::StringRef name);
void setWorkspaceBytes(mlir::OpBuilder &b, KernelFunction &function, mlir::Value bytes);

/// The attribute of a device function that says how many threads a block has.
inline constexpr llvm::StringLiteral threadsAttrName = "nncc.threads";

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_KERNELFUNCTION_H
