//===- Linker.h - lld and the ELF format, as Link uses them ---------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_TARGET_LINKER_H
#define NNCC_LIB_TARGET_LINKER_H

#include "nncc/Target/Codegen.h"

namespace nncc::target {

/// Runs lld on `objects`, alone in the process, and returns what it wrote.
llvm::Expected<ObjectBytes> runLinker(llvm::ArrayRef<llvm::StringRef> arguments,
                                      llvm::ArrayRef<llvm::ArrayRef<char>> objects);

/// Turns the empty .lrodata of an object into `bytes` of address space without contents, for the linker to place.
llvm::Error reserveWeights(ObjectBytes &object, uint64_t bytes);

/// Makes .lrodata of an object or a shared object say that its `bytes` bytes of contents are what follows the image in
/// the file; pads the image up to there. In a shared object the section must be reserved, in a segment of its own.
llvm::Error placeWeightsAtEnd(ObjectBytes &image, uint64_t bytes);

} // namespace nncc::target

#endif // NNCC_LIB_TARGET_LINKER_H
