//===- OwnOptions.h - command lines without the options of libraries --------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_OWNOPTIONS_H
#define NNCC_TOOLS_RUNNING_OWNOPTIONS_H

#include "nncc/Support/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

namespace nncc {

/// Libraries register options of their own at start, and lld when it first links, some of the names that ours have. Called before a tool
/// makes its options, none of the libraries' are there; called when it has read them, they are gone before lld links.
inline void forgetOptions() {
  llvm::SmallVector<llvm::cl::Option *> known;
  for (auto &entry : llvm::cl::getRegisteredOptions())
    if (!entry.first.starts_with("help") && entry.first != "version")
      known.push_back(entry.second);
  for (llvm::cl::Option *option : known)
    option->removeArgument();
}

/// What the parser of command lines says, a problem a line, as one error.
inline void reportUsage(llvm::StringRef tool, llvm::StringRef problems, Diagnostics &diagnostics) {
  llvm::SmallVector<llvm::StringRef> lines;
  problems.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef &line : lines)
    line.consume_front((tool + ": ").str());
  Diagnostic &error = diagnostics.error(DiagnosticCode::BadOption, tool, "", lines.empty() ? problems : lines.front());
  for (llvm::StringRef line : llvm::drop_begin(lines, lines.empty() ? 0 : 1))
    error.note(line);
}

/// Reads a command line; what is wrong with it is a usage error of `tool`.
inline bool readOptions(int argc, char **argv, llvm::StringRef tool, llvm::StringRef overview,
                        Diagnostics &diagnostics) {
  std::string problem;
  llvm::raw_string_ostream os(problem);
  if (llvm::cl::ParseCommandLineOptions(argc, argv, overview, &os))
    return true;
  reportUsage(tool, problem, diagnostics);
  return false;
}

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_OWNOPTIONS_H
