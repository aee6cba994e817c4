//===- BracketDepth.cpp - how deeply a text is nested ---------------------------------------------------------------------===//

#include "nncc/Support/BracketDepth.h"
#include <algorithm>

using namespace llvm;

namespace nncc {

unsigned bracketDepth(StringRef text, StringRef comment) {
  unsigned depth = 0, deepest = 0;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool isArrow = c == '>' && i && (text[i - 1] == '=' || text[i - 1] == '-');
    if (quote) {
      i += c == '\\';
      quote = c == quote ? 0 : quote;
    } else if (c == '"') {
      quote = c;
    } else if (text.substr(i).starts_with(comment)) {
      i = std::min(text.find('\n', i), text.size());
    } else if (StringRef("([{<").contains(c)) {
      deepest = std::max(deepest, ++depth);
    } else if (StringRef(")]}>").contains(c) && !isArrow) {
      depth -= depth != 0;
    }
  }
  return deepest;
}

} // namespace nncc
