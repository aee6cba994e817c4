//===- Sanitize.h - instrumentation of kernels ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_TARGET_SANITIZE_H
#define NNCC_LIB_TARGET_SANITIZE_H

#include "nncc/Target/Codegen.h"
#include "llvm/Passes/PassBuilder.h"

namespace nncc::target {

/// Makes the pipelines of `builder` instrument the functions of `module` at their end, where clang does.
void addSanitizer(llvm::PassBuilder &builder, llvm::Module &module, Sanitizer sanitizer);

} // namespace nncc::target

#endif // NNCC_LIB_TARGET_SANITIZE_H
