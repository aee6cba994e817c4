//===- Attention.h - kernels whose root is an attention -------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_ATTENTION_H
#define NNCC_LIB_CPU_ATTENTION_H

#include "KernelWriter.h"

namespace nncc::cpu {

/// A writer for a kernel that is an exec.attention; null: the kernel is something else.
std::unique_ptr<KernelWriter> createAttentionWriter(exec::KernelOp kernel, const CPUTarget &target);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_ATTENTION_H
