//===- OwnOptions.h - command lines without the options of libraries --------------------------------------------*- C++ -*-===//

#ifndef NNCC_TOOLS_RUNNING_OWNOPTIONS_H
#define NNCC_TOOLS_RUNNING_OWNOPTIONS_H

#include "llvm/Support/CommandLine.h"

namespace nncc {

/// Libraries register options of their own at start, and lld when it first links, some of the names that ours have. Called before a tool
/// makes its options, none of the libraries' are there; called when it has read them, they are gone before lld links.
inline void forgetOptions() {
  llvm::SmallVector<llvm::cl::Option *> known;
  for (auto &entry : llvm::cl::getRegisteredOptions())
    if (!entry.first.starts_with("help") && entry.first != "version")
      known.push_back(entry.second);
  for (llvm::cl::Option *option : known)
    option->removeArgument();
}

} // namespace nncc

#endif // NNCC_TOOLS_RUNNING_OWNOPTIONS_H
