//===- MLIRDiagnostics.h - errors of MLIR as diagnostics of nncc ------------------------------------------------*- C++ -*-===//

#ifndef NNCC_SUPPORT_MLIRDIAGNOSTICS_H
#define NNCC_SUPPORT_MLIRDIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "nncc/Support/Diagnostics.h"

namespace nncc {

/// The ONNX node's name in a location: the outermost of nested names; empty when there is none.
llvm::StringRef nodeName(mlir::Location loc);

/// While it lives, errors and warnings that MLIR reports become diagnostics with this code; remarks and notes of their
/// own are dropped.
class MLIRDiagnosticsScope : public mlir::ScopedDiagnosticHandler {
public:
  MLIRDiagnosticsScope(mlir::MLIRContext *context, Diagnostics &diagnostics, llvm::StringRef file, DiagnosticCode code);
};

} // namespace nncc

#endif // NNCC_SUPPORT_MLIRDIAGNOSTICS_H
