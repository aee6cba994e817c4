//===- Lexer.h - PTX text as tokens ------------------------------------------------------------------------------===//

#ifndef NNCCEMU_PTX_LEXER_H
#define NNCCEMU_PTX_LEXER_H

#include "nnccemu/Ptx.h"

namespace nncc::emu::ptx {

struct Token {
  enum Kind : uint8_t { End, Word, Directive, Integer, Float, Text, Punctuation };
  Kind kind = End;
  unsigned line = 1;
  std::string_view text; ///< without the dot of a directive and the quotes of a text
  uint64_t value = 0;
  bool isDouble = false;

  bool is(char c) const { return kind == Punctuation && text[0] == c; }
};

/// Tokens are views into `text`, which must outlive them.
class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}

  /// False with a diagnostic where no token can be made.
  bool next(Token &token, Diagnostic &diagnostic);
  /// From here on `1.5` is a number; in `.version 7.8` it is two tokens.
  void takeDecimals() { decimals = true; }

private:
  bool skipBlanks(Diagnostic &diagnostic);
  bool number(Token &token, Diagnostic &diagnostic);
  char at(size_t offset = 0) const { return position + offset < text.size() ? text[position + offset] : '\0'; }

  std::string_view text;
  size_t position = 0;
  unsigned line = 1;
  bool decimals = false;
};

} // namespace nncc::emu::ptx

#endif
