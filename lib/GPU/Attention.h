//===- Attention.h - scaled dot-product attention ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_ATTENTION_H
#define NNCC_LIB_GPU_ATTENTION_H

#include "KernelWriter.h"

namespace nncc::gpu {

/// Appends the phases of an exec.attention, of any sizes, maps and types. The result has memory. No score leaves a block.
void addAttention(KernelPlan &plan, exec::AttentionOp op);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_H
