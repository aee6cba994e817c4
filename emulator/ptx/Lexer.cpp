//===- Lexer.cpp - PTX text as tokens ----------------------------------------------------------------------------===//

#include "Lexer.h"
#include <bit>
#include <charconv>

namespace nncc::emu::ptx {

static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool startsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%';
}
static bool inWord(char c) { return startsWord(c) || isDigit(c); }

static int digit(char c) {
  if (isDigit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static std::string shown(char c) {
  if (c > ' ' && c < 127)
    return std::string("'") + c + "'";
  return "byte " + std::to_string(static_cast<unsigned char>(c));
}

bool Lexer::skipBlanks(Diagnostic &diagnostic) {
  for (; position < text.size(); ++position) {
    if (at() == '\n') {
      ++line;
    } else if (at() == '/' && at(1) == '/') {
      while (position + 1 < text.size() && at(1) != '\n')
        ++position;
    } else if (at() == '/' && at(1) == '*') {
      unsigned opened = line;
      for (position += 2; position < text.size() && !(at() == '*' && at(1) == '/'); ++position)
        line += at() == '\n';
      if (position >= text.size()) {
        diagnostic = {opened, "a comment is opened and never closed"};
        return false;
      }
      ++position;
    } else if (at() != ' ' && at() != '\t' && at() != '\r') {
      break;
    }
  }
  return true;
}

/// `0f3F800000`, `0d...`, `0x1F`, `0b101`, `017`, `42`, each integer with an optional U.
bool Lexer::number(Token &token, Diagnostic &diagnostic) {
  size_t start = position;
  unsigned base = 10, exactDigits = 0;
  token.kind = Token::Integer;
  if (at() == '0' && (at(1) == 'x' || at(1) == 'X')) {
    base = 16, position += 2;
  } else if (at() == '0' && (at(1) == 'f' || at(1) == 'F' || at(1) == 'd' || at(1) == 'D')) {
    token.kind = Token::Float;
    token.isDouble = at(1) == 'd' || at(1) == 'D';
    exactDigits = token.isDouble ? 16 : 8;
    base = 16, position += 2;
  } else if (at() == '0' && (at(1) == 'b' || at(1) == 'B')) {
    base = 2, position += 2;
  } else if (at() == '0' && isDigit(at(1))) {
    base = 8;
  }
  size_t first = position;
  bool fits = true;
  for (; digit(at()) < static_cast<int>(base); ++position) {
    uint64_t digitValue = static_cast<uint64_t>(digit(at()));
    fits &= token.value <= (UINT64_MAX - digitValue) / base;
    token.value = token.value * base + digitValue;
  }
  if (decimals && token.kind == Token::Integer && base != 16 && at() == '.' && isDigit(at(1))) {
    double value = 0;
    const char *end = std::from_chars(text.data() + start, text.data() + text.size(), value).ptr;
    token.kind = Token::Float, token.isDouble = true, token.value = std::bit_cast<uint64_t>(value);
    position = static_cast<size_t>(end - text.data());
    fits = true;
  }
  bool right = exactDigits ? position - first == exactDigits : position > first && fits;
  if (!exactDigits && at() == 'U')
    ++position;
  token.text = text.substr(start, position - start);
  if (right && !inWord(at()))
    return true;
  diagnostic = {line, "'" + std::string(text.substr(start, position - start + 1)) + "' is no number: " +
                          (exactDigits ? std::to_string(exactDigits) + " hexadecimal digits expected"
                                       : std::string("an integer of 64 bits expected"))};
  return false;
}

bool Lexer::next(Token &token, Diagnostic &diagnostic) {
  token = {};
  if (!skipBlanks(diagnostic))
    return false;
  token.line = line;
  if (position >= text.size())
    return true;
  size_t start = position;
  if (isDigit(at()))
    return number(token, diagnostic);
  if (startsWord(at()) || (at() == '.' && inWord(at(1)))) {
    token.kind = at() == '.' ? Token::Directive : Token::Word;
    start += token.kind == Token::Directive;
    for (++position; inWord(at()) || (at() == ':' && at(1) == ':' && inWord(at(2)));)
      position += at() == ':' ? 2 : 1;
    token.text = text.substr(start, position - start);
    return true;
  }
  if (at() == '"') {
    size_t end = text.find('"', position + 1);
    if (end == std::string_view::npos) {
      diagnostic = {line, "a text is opened and never closed"};
      return false;
    }
    token.kind = Token::Text;
    token.text = text.substr(start + 1, end - start - 1);
    for (char c : token.text)
      line += c == '\n';
    position = end + 1;
    return true;
  }
  if (std::string_view("{}()[]<>,;:=@!|+-*").find(at()) == std::string_view::npos) {
    diagnostic = {line, shown(at()) + " begins no token of PTX"};
    return false;
  }
  token.kind = Token::Punctuation;
  token.text = text.substr(position++, 1);
  return true;
}

} // namespace nncc::emu::ptx
