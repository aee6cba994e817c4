//===- LaterOptions.h - what the design promises and this version does not have -----------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_NNCC_LATEROPTIONS_H
#define NNCC_TOOLS_NNCC_LATEROPTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace nncc {

/// Why a command line cannot be obeyed that names something of a later version: its users are told so, instead of "unknown option".
std::optional<std::string> findLaterOption(llvm::ArrayRef<const char *> arguments);

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_LATEROPTIONS_H
