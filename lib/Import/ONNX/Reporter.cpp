//===- Reporter.cpp - the problems of one model ---------------------------------------------------------------------------===//

#include "Reporter.h"
#include <exception>

using namespace llvm;

namespace nncc::import {

Diagnostic &Reporter::error(DiagnosticCode code, const Twine &place, const Twine &message) {
  ++problems;
  if (muted)
    return drop();
  bool isNew = seen.insert((toString(code) + place + "\n" + message).str()).second;
  if (isNew && errorCount() < maxErrors)
    return diagnostics.error(code, file, place, message);
  leftOut += isNew;
  return drop();
}

Diagnostic &Reporter::drop() {
  dropped.notes.clear();
  return dropped;
}

void Reporter::fileError(const FileError &problem, const Twine &place) {
  Diagnostic &added = error(problem.code, place, problem.message);
  for (const std::string &note : problem.notes)
    added.note(note);
}

void Reporter::unsupported(StringRef op, StringRef place, const Twine &why) {
  ++problems;
  Unsupported &entry = unsupportedOps[op.str()];
  if (entry.nodes++ == 0) {
    entry.first = place.str();
    entry.why = why.str();
  }
}

void Reporter::finish() {
  for (auto &[op, entry] : unsupportedOps) {
    Diagnostic &added = diagnostics.error(DiagnosticCode::UnsupportedOperator, file, entry.first,
                                          "unsupported operator " + op + ", " + Twine(entry.nodes) +
                                              (entry.nodes == 1 ? " node" : " nodes"));
    if (!entry.why.empty())
      added.note(entry.why);
  }
  unsupportedOps.clear();
  if (leftOut)
    diagnostics.warning(DiagnosticCode::TooManyProblems, file, "", Twine(leftOut) + " more problems are not listed");
  leftOut = 0;
}

bool Reporter::guarded(DiagnosticCode code, const Twine &place, function_ref<void()> run) {
  try {
    run();
    return true;
  } catch (const std::exception &e) {
    error(code, place, StringRef(e.what()).trim());
  } catch (...) {
    error(code, place, "the ONNX library refuses it");
  }
  return false;
}

} // namespace nncc::import
