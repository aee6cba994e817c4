//===- Info.cpp - nncc info -------------------------------------------------------------------------------------------===//

#include "Info.h"
#include "Describe.h"
#include "Program.h"

namespace nncc {

/// The model of an object; neither weights nor this machine are asked for.
static std::unique_ptr<Program> loadObject(const CommandLine &line, Diagnostics &diagnostics) {
  LoadOptions options;
  options.describeOnly = true;
  return Program::load(line.compile, options, diagnostics);
}

static void printLibraries(const CommandLine &line, Diagnostics &diagnostics) {
  std::optional<std::string> flags = linkFlags(line.compile.input, /*usesGPU=*/false, diagnostics);
  auto program = flags ? loadObject(line, diagnostics) : nullptr;
  if (program && program->model().cuda)
    flags = linkFlags(line.compile.input, /*usesGPU=*/true, diagnostics);
  if (program && flags)
    llvm::outs() << *flags << "\n";
}

void runInfo(const CommandLine &line, Diagnostics &diagnostics) {
  llvm::StringRef input = line.compile.input;
  bool isObject = input.ends_with(".o") || input.ends_with(".so");
  if (line.libs) {
    if (isObject)
      printLibraries(line, diagnostics);
    else
      diagnostics.error(DiagnosticCode::BadOption, input, "", "--libs takes an object or a shared object");
    return;
  }
  if (isObject) {
    auto program = loadObject(line, diagnostics);
    ModelInfo info;
    if (program && survives([&] { info = describe(program->model()); }, input, diagnostics))
      printInfo(info, llvm::outs());
  } else if (std::optional<ModelInfo> info = describe(line.compile, diagnostics)) {
    printInfo(*info, llvm::outs());
  }
}

} // namespace nncc
