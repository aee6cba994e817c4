//===- EmitContraction.h - kernels whose root is a matrix product or a convolution ----------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_EMITCONTRACTION_H
#define NNCC_LIB_CPU_EMITCONTRACTION_H

#include "KernelWriter.h"

namespace nncc::cpu {

/// A writer for a kernel that is a contraction and what can be fused behind it; null: the kernel is something else.
std::unique_ptr<KernelWriter> createContractionWriter(exec::KernelOp kernel, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_EMITCONTRACTION_H
