//===- Passes.h - passes that make kernel bodies for CPUs ---------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_CPU_PASSES_H
#define NNCC_CPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::cpu {

#define GEN_PASS_DECL
#include "nncc/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "nncc/CPU/Passes.h.inc"

} // namespace nncc::cpu

#endif // NNCC_CPU_PASSES_H
