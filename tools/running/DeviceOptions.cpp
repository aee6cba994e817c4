//===- DeviceOptions.cpp - command-line options about GPUs, of tools that run models --------------------------------------===//

#include "DeviceOptions.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cstdlib>
#include <dlfcn.h>

namespace cl = llvm::cl;
using llvm::StringRef;

namespace nncc {

DeviceOptions::DeviceOptions(cl::OptionCategory &category)
    : target("target", cl::desc("What a model compiled here runs on: cpu (default), cuda, or cuda,cpu"),
             cl::init("cpu"), cl::cat(category)),
      gpus("gpu", cl::CommaSeparated, cl::desc("GPUs of a model compiled here (default: that of --emulate, or nncc's)"),
           cl::value_desc("gpu,..."), cl::cat(category)),
      device("device", cl::desc("Where to run: auto (default), cpu, cuda, cuda:1"), cl::cat(category)),
      emulate("emulate", cl::desc("Run on the emulator, which poses as this card: --emulate=t4"),
              cl::value_desc("card"), cl::cat(category)),
      memoryLimit("memory-limit", cl::desc("Bytes that the model may take on a GPU"), cl::init(0), cl::cat(category)) {}

bool DeviceOptions::read(StringRef tool, CompileOptions &compiling, LoadOptions &load, Diagnostics &diagnostics) const {
  auto usage = [&](const llvm::Twine &message) {
    diagnostics.error(DiagnosticCode::BadOption, tool, "", message);
    return false;
  };
  if (target == "cuda")
    compiling.target = TargetKind::CUDA;
  else if (target == "cuda,cpu" || target == "cpu,cuda")
    compiling.target = TargetKind::CUDAAndCPU;
  else if (target != "cpu")
    return usage("--target=" + target + " is not supported: it is cpu, cuda or cuda,cpu");
  compiling.gpus.assign(gpus.begin(), gpus.end());
  if (compiling.gpus.empty() && !emulate.empty())
    compiling.gpus = {emulate};
  load.device = device;
  load.memoryLimit = memoryLimit;
  load.emulate = emulate;
  return true;
}

/// Beside the tools, built or installed: not where a linker looks for the real one.
bool emulate(const char *argv0, StringRef card, Diagnostics &diagnostics) {
  std::string self = llvm::sys::fs::getMainExecutable(argv0, reinterpret_cast<void *>(&emulate));
  llvm::SmallString<256> path(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
  llvm::sys::path::append(path, "lib", "nncc", "libcuda.so.1");
  if (const char *given = std::getenv("NNCC_EMU_LIBRARY"))
    path = given;
  setenv("NNCC_EMU", card.str().c_str(), /*overwrite=*/1);
  // The runtime asks for "libcuda.so.1" by name: it gets what is loaded under that name already.
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    return true;
  diagnostics.error(DiagnosticCode::CannotRead, path, "", StringRef(dlerror()))
      .note("the emulator is built with -DNNCC_EMULATOR=ON");
  return false;
}

} // namespace nncc
