//===- MLIRDiagnostics.cpp - errors of MLIR as diagnostics of nncc --------------------------------------------------------===//

#include "nncc/Support/MLIRDiagnostics.h"

using namespace mlir;

namespace nncc {

StringRef nodeName(Location loc) {
  StringRef name;
  loc->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner)) {
      name = named.getName().getValue();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

MLIRDiagnosticsScope::MLIRDiagnosticsScope(MLIRContext *context, Diagnostics &diagnostics, StringRef file,
                                           DiagnosticCode code)
    : ScopedDiagnosticHandler(context) {
  setHandler([&diagnostics, file = file.str(), code](mlir::Diagnostic &reported) {
    if (reported.getSeverity() != DiagnosticSeverity::Error && reported.getSeverity() != DiagnosticSeverity::Warning)
      return success();
    bool isError = reported.getSeverity() == DiagnosticSeverity::Error;
    nncc::Diagnostic &added = isError
                                  ? diagnostics.error(code, file, nodeName(reported.getLocation()), reported.str())
                                  : diagnostics.warning(code, file, nodeName(reported.getLocation()), reported.str());
    for (mlir::Diagnostic &note : reported.getNotes())
      added.note(note.str());
    return success();
  });
}

} // namespace nncc
