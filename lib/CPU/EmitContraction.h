//===- EmitContraction.h - kernels whose root is a matrix product or a convolution ----------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_EMITCONTRACTION_H
#define NNCC_LIB_CPU_EMITCONTRACTION_H

#include "nncc/CPU/Contraction.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::cpu {

/// The contraction of a kernel and what is fused behind it. The root is null when the kernel has none, or has more than these
/// computations: then `values` is of no use either.
ContractionSite findContraction(exec::KernelOp kernel);

/// Writes both functions of a kernel that is a contraction at the end of the builder's block, and gives the bytes of scratch.
llvm::FailureOr<int64_t> emitContractionKernel(mlir::OpBuilder &b, exec::KernelOp kernel, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_EMITCONTRACTION_H
