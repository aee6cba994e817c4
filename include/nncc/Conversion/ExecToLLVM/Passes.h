//===- Passes.h - the schedule to the LLVM dialect --------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_CONVERSION_EXECTOLLVM_PASSES_H
#define NNCC_CONVERSION_EXECTOLLVM_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc {

#define GEN_PASS_DECL
#include "nncc/Conversion/ExecToLLVM/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "nncc/Conversion/ExecToLLVM/Passes.h.inc"

} // namespace nncc

#endif // NNCC_CONVERSION_EXECTOLLVM_PASSES_H
