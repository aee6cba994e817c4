//===- GPUTable.h - the GPUs that nncc knows ------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TARGET_GPUTABLE_H
#define NNCC_TARGET_GPUTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace nncc::target {

/// A card, and the family (compute capability without its point) whose image it runs.
struct GPUCard {
  llvm::StringLiteral name; ///< as -gpu= takes it: "rtx2080ti"
  unsigned sm;
};

/// All cards, the oldest first.
llvm::ArrayRef<GPUCard> getGPUCards();
/// The families that images are made for, ascending. Those of Jetson are not among them: objects are for x86-64.
llvm::ArrayRef<unsigned> getGPUFamilies();

/// The families of a list of names, as -gpu= takes them, ascending, each once: cards, `sm_80`, `all`. No names: sm_50, 75, 80 and 90, of which
/// each card since Maxwell runs one. An unknown name is an error with the list.
llvm::Expected<std::vector<unsigned>> resolveGPUs(llvm::ArrayRef<std::string> names);

/// The table of docs/GPUs.md.
void printGPUTable(llvm::raw_ostream &out);

} // namespace nncc::target

#endif // NNCC_TARGET_GPUTABLE_H
