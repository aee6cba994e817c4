//===- Builtins.h - functions that the back end calls and old libraries lack ----------------------------*- C++ -*-===//

#ifndef NNCC_LIB_TARGET_BUILTINS_H
#define NNCC_LIB_TARGET_BUILTINS_H

#include "nncc/Target/Codegen.h"
#include <optional>

namespace nncc::target {

/// The names of all undefined symbols.
llvm::Expected<std::vector<std::string>> getUndefinedSymbols(llvm::ArrayRef<char> object);

/// An object with the conversions to and from 16-bit floats, if one of `objects` calls them. The back end calls them for what a CPU
/// cannot do itself; libgcc has them only since version 12 or 13, and rounding must not depend on the library.
llvm::Expected<std::optional<ObjectBytes>> compileBuiltinsFor(llvm::ArrayRef<ObjectBytes> objects);

} // namespace nncc::target

#endif // NNCC_LIB_TARGET_BUILTINS_H
