//===- BracketDepth.h - how deeply a text is nested -----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_SUPPORT_BRACKETDEPTH_H
#define NNCC_SUPPORT_BRACKETDEPTH_H

#include "llvm/ADT/StringRef.h"

namespace nncc {

/// The most brackets ( [ { < that are open at once, outside of quotes and of comments, which go from `comment` to the end of a
/// line. Parsers recurse: what is too deep for the stack has to be refused before.
unsigned bracketDepth(llvm::StringRef text, llvm::StringRef comment);

} // namespace nncc

#endif // NNCC_SUPPORT_BRACKETDEPTH_H
