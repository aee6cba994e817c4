//===- Passes.h - nn to linalg ----------------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_CONVERSION_NNTOLINALG_PASSES_H
#define NNCC_CONVERSION_NNTOLINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc {

#define GEN_PASS_DECL
#include "nncc/Conversion/NNToLinalg/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "nncc/Conversion/NNToLinalg/Passes.h.inc"

} // namespace nncc

#endif // NNCC_CONVERSION_NNTOLINALG_PASSES_H
