//===- Names.h - what files are called --------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_COMPILER_NAMES_H
#define NNCC_LIB_COMPILER_NAMES_H

#include "nncc/Compiler/Compiler.h"

namespace nncc {

/// "resnet50" for dir/resnet50.onnx, and for resnet50.exec.mlir, a dump of it.
std::string modelNameFor(llvm::StringRef input);
/// ".o", ".exec.mlir".
llvm::StringRef extensionOf(EmitStage stage);
/// `path` with another extension.
std::string withExtension(llvm::StringRef path, llvm::StringRef extension);

} // namespace nncc

#endif // NNCC_LIB_COMPILER_NAMES_H
