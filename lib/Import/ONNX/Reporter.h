//===- Reporter.h - the problems of one model -------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_REPORTER_H
#define NNCC_LIB_IMPORT_ONNX_REPORTER_H

#include "nncc/Support/Diagnostics.h"
#include "nncc/Support/SourceFiles.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace nncc::import {

/// Collects problems up to a limit, and operators that are not supported: those become one line each, with the number
/// of nodes.
class Reporter {
public:
  Reporter(Diagnostics &diagnostics, llvm::StringRef file, size_t maxErrors)
      : diagnostics(diagnostics), file(file), maxErrors(maxErrors), errorsBefore(diagnostics.errorCount()) {}

  /// The same problem at the same place is listed once.
  Diagnostic &error(DiagnosticCode code, const llvm::Twine &place, const llvm::Twine &message);
  Diagnostic &warning(DiagnosticCode code, const llvm::Twine &place, const llvm::Twine &message) {
    return diagnostics.warning(code, file, place, message);
  }
  void fileError(const FileError &problem, const llvm::Twine &place);
  /// An operator that nncc cannot compile, met at the node `place`; `why` may be empty.
  void unsupported(llvm::StringRef op, llvm::StringRef place, const llvm::Twine &why);

  /// While muted, errors count as problems and are not listed: what follows from another problem would only mislead.
  void mute(bool isMuted) { muted = isMuted; }
  bool isMuted() const { return muted; }

  bool failed() const { return errorCount() != 0; }
  bool anyUnsupported() const { return !unsupportedOps.empty(); }
  /// What a first look found, before a closer one counts again.
  void forgetUnsupported() { unsupportedOps.clear(); }
  size_t errorCount() const { return diagnostics.errorCount() - errorsBefore; }
  /// Grows with every error and every unsupported node, listed or not.
  size_t problemCount() const { return problems; }
  /// Lists the unsupported operators, and says how many problems were left out.
  void finish();

  /// Runs code of the ONNX library; an exception becomes an error at `place`, and false is returned.
  bool guarded(DiagnosticCode code, const llvm::Twine &place, llvm::function_ref<void()> run);

  llvm::StringRef fileName() const { return file; }
  Diagnostics &all() { return diagnostics; }

  struct Unsupported {
    size_t nodes = 0;
    std::string first;
    std::string why;
  };
  using UnsupportedOps = std::map<std::string, Unsupported>; // sorted: the same list for every order of nodes
  const UnsupportedOps &getUnsupported() const { return unsupportedOps; }
  /// After a look that was given up.
  void setUnsupported(UnsupportedOps known) { unsupportedOps = std::move(known); }

private:
  /// Takes the notes of a problem that is not told.
  Diagnostic &drop();

  Diagnostics &diagnostics;
  std::string file;
  size_t maxErrors, errorsBefore;
  size_t leftOut = 0;
  bool muted = false;
  size_t problems = 0;
  llvm::StringSet<> seen;
  Diagnostic dropped{Severity::Error, DiagnosticCode::Internal, {}, {}, {}, {}}; // its text is nobody's
  UnsupportedOps unsupportedOps;
};

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_REPORTER_H
