//===- Names.cpp - what files are called ----------------------------------------------------------------------------------===//

#include "Names.h"
#include "llvm/Support/Path.h"

using llvm::StringRef;

namespace nncc {

std::string modelNameFor(StringRef input) {
  StringRef stem = llvm::sys::path::stem(input);
  for (StringRef dump : {".nn", ".nn-opt", ".linalg", ".exec"})
    if (stem.consume_back(dump))
      break;
  return stem.str();
}

StringRef extensionOf(EmitStage stage) {
  switch (stage) {
  case EmitStage::Object:
    return ".o";
  case EmitStage::SharedObject:
    return ".so";
  case EmitStage::Assembly:
    return ".s";
  case EmitStage::PTX:
    return ".ptx";
  case EmitStage::LLVM:
    return ".ll";
  case EmitStage::NN:
    return ".nn.mlir";
  case EmitStage::NNOpt:
    return ".nn-opt.mlir";
  case EmitStage::Linalg:
    return ".linalg.mlir";
  case EmitStage::Exec:
    return ".exec.mlir";
  case EmitStage::Tiled:
    return ".tiled.mlir";
  case EmitStage::Vector:
    return ".vector.mlir";
  }
  return "";
}

std::string withExtension(StringRef path, StringRef extension) {
  llvm::SmallString<128> changed(path);
  llvm::sys::path::replace_extension(changed, extension);
  return changed.str().str();
}

} // namespace nncc
