//===- Diagnostics.h - what nncc tells its user, and its exit codes ---------------------------------------------*- C++ -*-===//
///
/// \file
/// Every error has a stable code, the place in the model (an ONNX node, a tensor), and notes with what was found, what
/// was expected and what to do. They are collected, never thrown: a user learns of all problems at once.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_SUPPORT_DIAGNOSTICS_H
#define NNCC_SUPPORT_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <deque>
#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace nncc {

enum class ExitCode {
  Ok = 0,
  Comparison = 1,   ///< a comparison failed
  Usage = 2,        ///< the command line is wrong
  InputOutput = 3,  ///< a file cannot be read or written
  InvalidModel = 4, ///< the model breaks the rules of ONNX
  Unsupported = 5,  ///< the model is valid, nncc cannot compile it
  Limit = 6,        ///< a documented limit
  Internal = 70,    ///< a mistake of nncc
};

enum class DiagnosticCode {
#define NNCC_DIAGNOSTIC(NAME, NUMBER, MEANING) NAME = (NUMBER),
#include "nncc/Support/Diagnostics.def"
#undef NNCC_DIAGNOSTIC
};

/// "NN4107".
std::string toString(DiagnosticCode code);
/// The one-line description of Diagnostics.def.
llvm::StringRef meaning(DiagnosticCode code);
/// How a run ends that meets this diagnostic; Ok for warnings.
ExitCode exitCode(DiagnosticCode code);

enum class Severity { Warning, Error };

struct Diagnostic {
  Severity severity;
  DiagnosticCode code;
  std::string file;  ///< the model as the user named it; may be empty
  std::string place; ///< an ONNX node or tensor; may be empty
  std::string message;
  std::vector<std::string> notes;

  Diagnostic &note(const llvm::Twine &text) {
    notes.push_back(text.str());
    return *this;
  }
};

/// All diagnostics of one run.
class Diagnostics {
public:
  /// References stay valid.
  Diagnostic &error(DiagnosticCode code, const llvm::Twine &file, const llvm::Twine &place, const llvm::Twine &message);
  Diagnostic &warning(DiagnosticCode code, const llvm::Twine &file, const llvm::Twine &place,
                      const llvm::Twine &message);

  bool hasErrors() const { return errors != 0; }
  size_t errorCount() const { return errors; }
  const std::deque<Diagnostic> &all() const { return diagnostics; }
  /// The code of the gravest error, in the order internal, usage, input / output, limit, invalid model, unsupported; Ok
  /// when there is none.
  ExitCode exitCode() const;

  /// As a compiler prints them: `model.onnx:/layer1/Conv_3: error: ... [NN4109]`, then its notes. Bytes of the model
  /// that are not printable text are escaped.
  void print(llvm::raw_ostream &os) const;
  /// A JSON array of objects {severity, code, file, place, message, notes}.
  void printJSON(llvm::raw_ostream &os) const;

private:
  Diagnostic &add(Severity severity, DiagnosticCode code, const llvm::Twine &file, const llvm::Twine &place,
                  const llvm::Twine &message);

  std::deque<Diagnostic> diagnostics;
  size_t errors = 0;
};

/// `text` as one printable line: control characters and bytes that are not UTF-8 become `\xNN`, and the middle of a
/// long text is left out. For names and messages that come from a model.
std::string printable(llvm::StringRef text, size_t maxLength = 400);

} // namespace nncc

#endif // NNCC_SUPPORT_DIAGNOSTICS_H
