//===- Passes.h - passes that make kernel bodies for GPUs ---------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_GPU_PASSES_H
#define NNCC_GPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::gpu {

#define GEN_PASS_DECL
#include "nncc/GPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "nncc/GPU/Passes.h.inc"

} // namespace nncc::gpu

#endif // NNCC_GPU_PASSES_H
