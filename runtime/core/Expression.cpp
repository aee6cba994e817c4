//===- Expression.cpp - sizes such as "floordiv(seq + 1, 2)" ----------------------------------------------------===//

#include "Expression.h"
#include <cstring>

namespace nncc::rt {

namespace {
/// Recursive descent: sum := ['-'] product (('+' | '-') product)*; product := factor ('*' factor)*. The first problem wins.
class Evaluator {
public:
  Evaluator(const char *text, const Symbols &symbols) : rest(text), symbols(symbols) {}

  Evaluation run(int64_t &value, int32_t &unknown) {
    value = sum();
    skipSpace();
    if (*rest)
      note(Evaluation::Invalid);
    unknown = firstUnknown;
    return result;
  }

private:
  static constexpr unsigned maxDepth = 64;

  void note(Evaluation problem) {
    // Invalid ends everything; an unknown symbol does not keep the rest from being read.
    if (result == Evaluation::Done || problem == Evaluation::Invalid)
      result = problem;
    if (problem == Evaluation::Invalid)
      rest = "";
  }

  void skipSpace() {
    while (*rest == ' ')
      ++rest;
  }
  bool eat(char c) {
    skipSpace();
    if (*rest != c)
      return false;
    ++rest;
    return true;
  }
  void expect(char c) {
    if (!eat(c))
      note(Evaluation::Invalid);
  }

  int64_t checked(bool overflow, int64_t value) {
    if (overflow)
      note(Evaluation::Overflow);
    return overflow ? 0 : value;
  }
  int64_t add(int64_t a, int64_t b) {
    int64_t value = 0;
    bool overflow = __builtin_add_overflow(a, b, &value);
    return checked(overflow, value);
  }
  int64_t subtract(int64_t a, int64_t b) {
    int64_t value = 0;
    bool overflow = __builtin_sub_overflow(a, b, &value);
    return checked(overflow, value);
  }
  int64_t multiply(int64_t a, int64_t b) {
    int64_t value = 0;
    bool overflow = __builtin_mul_overflow(a, b, &value);
    return checked(overflow, value);
  }
  int64_t floorDivide(int64_t a, int64_t b) {
    if (b == 0 || (a == INT64_MIN && b == -1))
      return checked(true, 0);
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
  }

  int64_t sum() {
    if (++depth > maxDepth) {
      note(Evaluation::Invalid);
      return 0;
    }
    int64_t value = eat('-') ? subtract(0, product()) : product();
    while (true) {
      if (eat('+'))
        value = add(value, product());
      else if (eat('-'))
        value = subtract(value, product());
      else
        break;
    }
    --depth;
    return value;
  }

  int64_t product() {
    int64_t value = factor();
    while (eat('*'))
      value = multiply(value, factor());
    return value;
  }

  int64_t factor() {
    if (eat('(')) {
      int64_t value = sum();
      expect(')');
      return value;
    }
    if (eat('\'')) {
      const char *start = rest;
      const char *end = std::strchr(rest, '\'');
      if (!end) {
        note(Evaluation::Invalid);
        return 0;
      }
      rest = end + 1;
      return symbol(start, static_cast<size_t>(end - start));
    }
    return *rest >= '0' && *rest <= '9' ? number() : word();
  }

  int64_t number() {
    int64_t value = 0;
    for (; *rest >= '0' && *rest <= '9'; ++rest)
      value = add(multiply(value, 10), *rest - '0');
    return value;
  }

  int64_t word() {
    const char *start = rest;
    while ((*rest >= 'a' && *rest <= 'z') || (*rest >= 'A' && *rest <= 'Z') || (*rest >= '0' && *rest <= '9') ||
           *rest == '_' || *rest == '.')
      ++rest;
    size_t length = static_cast<size_t>(rest - start);
    auto is = [&](const char *name) { return std::strlen(name) == length && std::memcmp(start, name, length) == 0; };
    if (is("floordiv"))
      return call([this](int64_t a, int64_t b) { return floorDivide(a, b); });
    if (is("ceildiv"))
      return call(
          [this](int64_t a, int64_t b) { return add(floorDivide(a, b), b != 0 && a != INT64_MIN && a % b != 0); });
    if (is("mod"))
      return call([this](int64_t a, int64_t b) { return subtract(a, multiply(b, floorDivide(a, b))); });
    if (is("min"))
      return call([](int64_t a, int64_t b) { return a < b ? a : b; });
    if (is("max"))
      return call([](int64_t a, int64_t b) { return a > b ? a : b; });
    return symbol(start, length);
  }

  template <typename Function> int64_t call(const Function &function) {
    expect('(');
    int64_t a = sum();
    expect(',');
    int64_t b = sum();
    expect(')');
    return result == Evaluation::Done ? function(a, b) : 0;
  }

  int64_t symbol(const char *name, size_t length) {
    for (uint32_t i = 0; i < symbols.model->num_symbols; ++i) {
      const char *candidate = symbols.model->symbols[i];
      if (std::strlen(candidate) != length || std::memcmp(candidate, name, length) != 0)
        continue;
      if (symbols.values[i] < 0) {
        if (firstUnknown < 0)
          firstUnknown = static_cast<int32_t>(i);
        note(Evaluation::Unknown);
        return 0;
      }
      return symbols.values[i];
    }
    note(Evaluation::Invalid);
    return 0;
  }

  const char *rest;
  const Symbols &symbols;
  Evaluation result = Evaluation::Done;
  int32_t firstUnknown = -1;
  unsigned depth = 0;
};
} // namespace

Evaluation evaluate(const char *text, const Symbols &symbols, int64_t &value, int32_t &unknown) {
  return Evaluator(text, symbols).run(value, unknown);
}

bool solve(const char *text, Symbols &symbols, int64_t value) {
  int64_t ignored = 0, at0 = 0, at1 = 0, at = 0;
  int32_t unknown = -1, none = -1;
  if (evaluate(text, symbols, ignored, unknown) != Evaluation::Unknown || unknown < 0)
    return false;
  // A line through two points; the check at the end refuses what is not one.
  int64_t &candidate = symbols.values[unknown];
  candidate = 0;
  bool known = evaluate(text, symbols, at0, none) == Evaluation::Done;
  candidate = 1;
  known = known && evaluate(text, symbols, at1, none) == Evaluation::Done;
  int64_t slope = 0, distance = 0;
  if (known && !__builtin_sub_overflow(at1, at0, &slope) && !__builtin_sub_overflow(value, at0, &distance) &&
      slope != 0 && !(slope == -1 && distance == INT64_MIN) && distance % slope == 0 && distance / slope >= 0) {
    candidate = distance / slope;
    if (evaluate(text, symbols, at, none) == Evaluation::Done && at == value)
      return true;
  }
  candidate = -1;
  return false;
}

} // namespace nncc::rt
