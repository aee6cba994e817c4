//===- Passes.h - passes on kernel bodies, whatever they run on -----------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_PASSES_H
#define NNCC_KERNEL_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::kernel {

#define GEN_PASS_DECL
#include "nncc/Kernel/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "nncc/Kernel/Passes.h.inc"

} // namespace nncc::kernel

#endif // NNCC_KERNEL_PASSES_H
