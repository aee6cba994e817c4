//===- Info.cpp - nncc info -------------------------------------------------------------------------------------------===//

#include "Info.h"
#include "Describe.h"
#include "Program.h"

namespace nncc {

void runInfo(const CommandLine &line, Diagnostics &diagnostics) {
  llvm::StringRef input = line.compile.input;
  bool isObject = input.ends_with(".o") || input.ends_with(".so");
  if (line.libs) {
    if (!isObject)
      diagnostics.error(DiagnosticCode::BadOption, input, "", "--libs takes an object or a shared object");
    else if (std::optional<std::string> flags = linkFlags(input, diagnostics))
      llvm::outs() << *flags << "\n";
    return;
  }
  if (isObject) {
    if (auto program = Program::load(line.compile, {.weights = "", .describeOnly = true}, diagnostics))
      printInfo(describe(program->model()), llvm::outs());
  } else if (std::optional<ModelInfo> info = describe(line.compile, diagnostics)) {
    printInfo(*info, llvm::outs());
  }
}

} // namespace nncc
