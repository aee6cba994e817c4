//===- Diagnostics.cpp - what nncc tells its user, and its exit codes -----------------------------------------------------===//

#include "nncc/Support/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc {

std::string toString(DiagnosticCode code) { return "NN" + std::to_string(int(code)); }

StringRef meaning(DiagnosticCode code) {
  switch (code) {
#define NNCC_DIAGNOSTIC(NAME, NUMBER, MEANING)                                                                         \
  case DiagnosticCode::NAME:                                                                                           \
    return MEANING;
#include "nncc/Support/Diagnostics.def"
#undef NNCC_DIAGNOSTIC
  }
  return "";
}

ExitCode exitCode(DiagnosticCode code) {
  switch (int(code) / 1000) {
  case 1:
    return ExitCode::Ok;
  case 8:
    return ExitCode::Comparison;
  case 2:
    return ExitCode::Usage;
  case 3:
    return ExitCode::InputOutput;
  case 4:
    return ExitCode::InvalidModel;
  case 5:
    return ExitCode::Unsupported;
  case 6:
    return ExitCode::Limit;
  default:
    return ExitCode::Internal;
  }
}

Diagnostic &Diagnostics::add(Severity severity, DiagnosticCode code, const Twine &file, const Twine &place,
                             const Twine &message) {
  errors += severity == Severity::Error;
  diagnostics.push_back({severity, code, file.str(), place.str(), message.str(), {}});
  return diagnostics.back();
}

Diagnostic &Diagnostics::error(DiagnosticCode code, const Twine &file, const Twine &place, const Twine &message) {
  return add(Severity::Error, code, file, place, message);
}

Diagnostic &Diagnostics::warning(DiagnosticCode code, const Twine &file, const Twine &place, const Twine &message) {
  return add(Severity::Warning, code, file, place, message);
}

ExitCode Diagnostics::exitCode() const {
  constexpr ExitCode kGravestFirst[] = {ExitCode::Internal,  ExitCode::Usage,        ExitCode::InputOutput,
                                        ExitCode::Limit,     ExitCode::InvalidModel, ExitCode::Unsupported,
                                        ExitCode::Comparison};
  const ExitCode *gravest = std::end(kGravestFirst);
  for (const Diagnostic &diagnostic : diagnostics)
    if (diagnostic.severity == Severity::Error)
      gravest = std::min(gravest, llvm::find(kGravestFirst, nncc::exitCode(diagnostic.code)));
  return gravest == std::end(kGravestFirst) ? ExitCode::Ok : *gravest;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------------------------------------------------------===//

std::string printable(StringRef text, size_t maxLength) {
  std::string result;
  auto append = [&](StringRef part) {
    while (!part.empty()) {
      unsigned char first = part[0];
      const auto *bytes = reinterpret_cast<const UTF8 *>(part.data());
      size_t length = first < 0x80 ? 1 : getNumBytesForUTF8(first);
      // U+0080 to U+009F are control characters that terminals obey.
      bool control = first < 0x20 || first == 0x7f || (first == 0xc2 && part.size() > 1 && uint8_t(part[1]) < 0xa0);
      if (control || length > part.size() || !isLegalUTF8Sequence(bytes, bytes + length)) {
        result += "\\x" + utohexstr(first, /*LowerCase=*/true, /*Width=*/2);
        length = 1;
      } else {
        result += part.take_front(length);
      }
      part = part.drop_front(length);
    }
  };
  if (text.size() <= maxLength) {
    append(text);
    return result;
  }
  append(text.take_front(maxLength / 2));
  result += "[... " + std::to_string(text.size() - maxLength / 2 * 2) + " bytes ...]";
  append(text.take_back(maxLength / 2));
  return result;
}

void Diagnostics::print(raw_ostream &os) const {
  constexpr size_t kMaxMessage = 4000;
  for (const Diagnostic &diagnostic : diagnostics) {
    for (StringRef prefix : {StringRef(diagnostic.file), StringRef(diagnostic.place)})
      if (!prefix.empty())
        os << printable(prefix) << ":";
    if (!diagnostic.file.empty() || !diagnostic.place.empty())
      os << " ";
    os << (diagnostic.severity == Severity::Error ? "error: " : "warning: ")
       << printable(diagnostic.message, kMaxMessage) << " [" << toString(diagnostic.code) << "]\n";
    for (StringRef note : diagnostic.notes)
      os << "  note: " << printable(note, kMaxMessage) << "\n";
  }
}

void Diagnostics::printJSON(raw_ostream &os) const {
  json::OStream json(os, 2);
  json.array([&] {
    for (const Diagnostic &diagnostic : diagnostics)
      json.object([&] {
        json.attribute("severity", diagnostic.severity == Severity::Error ? "error" : "warning");
        json.attribute("code", toString(diagnostic.code));
        json.attribute("file", json::fixUTF8(diagnostic.file));
        json.attribute("place", json::fixUTF8(diagnostic.place));
        json.attribute("message", json::fixUTF8(diagnostic.message));
        json.attributeArray("notes", [&] {
          for (StringRef note : diagnostic.notes)
            json.value(json::fixUTF8(note));
        });
      });
  });
  os << "\n";
}

} // namespace nncc
