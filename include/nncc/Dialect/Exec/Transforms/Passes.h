//===- Passes.h - passes on the exec level ----------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_H
#define NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::exec {

#define GEN_PASS_DECL
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

} // namespace nncc::exec

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_H
