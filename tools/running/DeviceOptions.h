//===- DeviceOptions.h - command-line options about GPUs, of tools that run models ------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_DEVICEOPTIONS_H
#define NNCC_TOOLS_RUNNING_DEVICEOPTIONS_H

#include "Program.h"
#include "llvm/Support/CommandLine.h"

namespace nncc {

/// --target, --gpu, --device, --memory-limit and --emulate. Made between the two calls of forgetOptions.
class DeviceOptions {
public:
  explicit DeviceOptions(llvm::cl::OptionCategory &category);

  /// Hands on what was given; false, with the problem told, when it makes no sense. `tool`: for messages.
  bool read(llvm::StringRef tool, CompileOptions &compiling, LoadOptions &load, Diagnostics &diagnostics) const;

private:
  llvm::cl::opt<std::string> target;
  llvm::cl::list<std::string> gpus;
  llvm::cl::opt<std::string> device, emulate;
  llvm::cl::opt<uint64_t> memoryLimit;
};

/// Loads the emulator as the CUDA driver of this process, posing as `card` ("t4"). `argv0` says where the tools are.
bool emulate(const char *argv0, llvm::StringRef card, Diagnostics &diagnostics);

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_DEVICEOPTIONS_H
