//===- nncc.cpp - the compiler's command line -----------------------------------------------------------------------------===//

#include "CommandLine.h"
#include "Info.h"
#include "nncc/Compiler/Compiler.h"
#include "nncc/Support/OutputFile.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/PrettyStackTrace.h"
#include <csignal>

using namespace nncc;

/// A rule for make: the output depends on the model and its external data.
static void writeDependencies(const CommandLine &line, const CompileResult &result, Diagnostics &diagnostics) {
  std::string path = line.dependencyFile;
  if (path.empty()) {
    llvm::SmallString<128> beside(result.output);
    llvm::sys::path::replace_extension(beside, ".d");
    path = beside.str().str();
  }
  auto escaped = [](llvm::StringRef name) {
    std::string text;
    for (char c : name) {
      if (c == ' ' || c == '#')
        text += '\\';
      text += c == '$' ? std::string("$$") : std::string(1, c);
    }
    return text;
  };
  if (!checkOutputPaths({result.output, result.header, result.weights, path}, result.inputs, diagnostics))
    return;
  llvm::Error problem = writeOutputFile(path, [&](llvm::raw_pwrite_stream &os) {
    os << escaped(result.output) << ":";
    for (const std::string &input : result.inputs)
      os << " \\\n  " << escaped(input);
    os << "\n";
    return llvm::Error::success();
  });
  if (problem)
    diagnostics.error(DiagnosticCode::CannotWrite, path, "", llvm::toString(std::move(problem)));
}

int main(int argc, char **argv) {
  llvm::setBugReportMsg("nncc crashed. Please report it with the model, the options and these lines:\n");
  llvm::InitLLVM init(argc, argv);
  std::signal(SIGXFSZ, SIG_IGN); // a file beyond the limit (ulimit -f) is an error of a write, not a crash
  Diagnostics diagnostics;
  std::optional<CommandLine> line = parseCommandLine(argc, argv, diagnostics);
  if (line && line->command == Command::GPUs) {
    printGPUs(llvm::outs());
  } else if (line && line->command == Command::Check) {
    check(line->compile, diagnostics);
  } else if (line && line->command == Command::Info) {
    runInfo(*line, diagnostics);
  } else if (line) {
    std::optional<CompileResult> result = compile(line->compile, diagnostics);
    for (const std::string &remark : result ? result->remarks : std::vector<std::string>())
      llvm::errs() << remark << "\n";
    if (result && line->dependencies)
      writeDependencies(*line, *result, diagnostics);
  }
  flushStandardOutput(diagnostics);
  if (line && line->jsonDiagnostics)
    diagnostics.printJSON(llvm::errs());
  else
    diagnostics.print(llvm::errs());
  return static_cast<int>(diagnostics.exitCode());
}
