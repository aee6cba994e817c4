//===- LibrarySymbols.h - what a model object may leave undefined ---------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_TARGET_LIBRARYSYMBOLS_H
#define NNCC_LIB_TARGET_LIBRARYSYMBOLS_H

#include "nncc/Target/Codegen.h"

namespace nncc::target {

/// True for functions of libm that code generation calls.
bool isMathSymbol(llvm::StringRef name);
/// True for what is in libc or libm on every Linux, or comes with the sanitizer.
bool isLibrarySymbol(llvm::StringRef name, Sanitizer sanitizer);

/// A shared object that says it is libm and has these functions, for a link that must not depend on the libm of this
/// machine.
llvm::Expected<ObjectBytes> makeMathLibrary(llvm::ArrayRef<std::string> functions);

} // namespace nncc::target

#endif // NNCC_LIB_TARGET_LIBRARYSYMBOLS_H
