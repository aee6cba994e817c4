//===- LaterOptions.cpp - what the design promises and this version does not have -------------------------------------===//

#include "LaterOptions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using llvm::StringRef;

namespace nncc {

namespace {
struct Later {
  StringRef option; ///< without dashes; with a value when only that is refused
  StringRef reason;
};
} // namespace

static constexpr StringRef kPrecision = "everything is computed in the model's own precision";

static constexpr Later kLater[] = {
    {"fp16", kPrecision},
    {"bf16", kPrecision},
    {"keep-f32", kPrecision},
    {"fdenormal-fp-math", "subnormal numbers are those of IEEE 754"},
    {"opt-dim", "kernels are made for all sizes that --dim allows"},
};

std::optional<std::string> findLaterOption(llvm::ArrayRef<const char *> arguments) {
  if (arguments.size() > 1 && StringRef(arguments[1]) == "verify" && !llvm::sys::fs::exists("verify"))
    return "'nncc verify' is not supported by this version; nncc-run --test-data=DIR compares with references, at any "
           "-O";
  for (StringRef argument : llvm::drop_begin(arguments)) {
    if (!argument.starts_with("-"))
      continue;
    StringRef given = argument.ltrim('-');
    auto [name, value] = given.split('=');
    if (name == "report" && value.ends_with(".html"))
      return (argument + ": reports are JSON in this version: --report=" + value.drop_back(5) + ".json").str();
    for (const Later &later : kLater)
      if (later.option == name || later.option == given)
        return (argument + " is not supported by this version: " + later.reason).str();
  }
  return std::nullopt;
}

} // namespace nncc
