//===- MachineCode.cpp - what the machine code of kernels can reach -------------------------------------------------------===//

#include "MachineCode.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

namespace nncc {

int showMachineCode(const char *argv0, const CompileOptions &options, Diagnostics &diagnostics) {
  auto fail = [&](llvm::StringRef file, llvm::StringRef why) {
    diagnostics.error(DiagnosticCode::CannotRead, file, "", why);
    diagnostics.print(llvm::errs());
    return static_cast<int>(diagnostics.exitCode());
  };
  std::string self = llvm::sys::fs::getMainExecutable(argv0, reinterpret_cast<void *>(&showMachineCode));
  llvm::StringRef tools = llvm::sys::path::parent_path(self);
  llvm::SmallString<256> script(llvm::sys::path::parent_path(tools)), compiler(tools);
  llvm::sys::path::append(script, "lib", "nncc", "static", "static.py");
  llvm::sys::path::append(compiler, "nncc");
  if (!llvm::sys::fs::exists(script))
    return fail(script, "it is installed with the tools, and not there");
  llvm::ErrorOr<std::string> python = llvm::sys::findProgramByName("python3");
  if (!python)
    return fail("python3", "--static needs it on PATH");

  std::string gpus = "--gpu=" + llvm::join(options.gpus, ","), nncc = ("--nncc=" + compiler).str();
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(*python, {*python, script, options.input, gpus, nncc}, std::nullopt, {}, 0, 0,
                                         &problem);
  return status < 0 ? fail(*python, problem) : status;
}

} // namespace nncc
