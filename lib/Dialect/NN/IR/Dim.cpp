//===- Dim.cpp - symbolic sizes -------------------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Dim.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace nncc::nn {

static bool isIdentifier(StringRef text) {
  return !text.empty() && (isAlpha(text[0]) || text[0] == '_') &&
         all_of(text, [](char c) { return isAlnum(c) || c == '_' || c == '.'; }) && text != "floordiv" &&
         text != "ceildiv" && text != "mod" && text != "min" && text != "max";
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
/// Recursive descent over: sum := product (('+' | '-') product)*; product := factor (('*' | '/' | '//') factor)*.
class Parser {
public:
  explicit Parser(StringRef text) : rest(text) {}

  std::optional<Dim> parse() {
    std::optional<Dim> result = sum();
    rest = rest.ltrim();
    return rest.empty() ? result : std::nullopt;
  }

private:
  static constexpr unsigned kMaxDepth = 64; // a name of a file is hostile

  bool eat(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }

  std::optional<Dim> sum() {
    if (++depth > kMaxDepth)
      return std::nullopt;
    bool negative = eat("-");
    std::optional<Dim> left = product();
    if (left && negative)
      left = Dim(0) - *left;
    while (left) {
      bool plus = eat("+");
      if (!plus && !eat("-"))
        break;
      std::optional<Dim> right = product();
      if (!right)
        return std::nullopt;
      left = plus ? *left + *right : *left - *right;
    }
    --depth;
    return left;
  }

  std::optional<Dim> product() {
    std::optional<Dim> left = factor();
    while (left) {
      bool times = eat("*");
      if (!times && !eat("//") && !eat("/"))
        break;
      std::optional<Dim> right = factor();
      if (!right)
        return std::nullopt;
      left = times ? *left * *right : left->floorDiv(*right);
    }
    return left;
  }

  std::optional<Dim> factor() {
    if (eat("(")) {
      std::optional<Dim> inner = sum();
      return inner && eat(")") ? inner : std::nullopt;
    }
    rest = rest.ltrim();
    if (rest.consume_front("'")) {
      auto [name, tail] = rest.split('\'');
      if (name.size() == rest.size())
        return std::nullopt;
      rest = tail;
      return Dim::symbol(name);
    }
    StringRef word = rest.take_while([](char c) { return isAlnum(c) || c == '_' || c == '.'; });
    rest = rest.drop_front(word.size());
    int64_t number = 0;
    if (!word.empty() && isDigit(word[0]))
      return word.getAsInteger(10, number) ? std::nullopt : std::optional<Dim>(Dim(number));
    if (word == "floordiv" || word == "ceildiv" || word == "mod" || word == "min" || word == "max")
      return call(word);
    return isIdentifier(word) ? std::optional<Dim>(Dim::symbol(word)) : std::nullopt;
  }

  std::optional<Dim> call(StringRef function) {
    if (!eat("("))
      return std::nullopt;
    std::optional<Dim> a = sum();
    if (!a || !eat(","))
      return std::nullopt;
    std::optional<Dim> b = sum();
    if (!b || !eat(")"))
      return std::nullopt;
    if (function == "floordiv")
      return a->floorDiv(*b);
    if (function == "ceildiv")
      return a->ceilDiv(*b);
    if (function == "mod")
      return a->mod(*b);
    return function == "min" ? Dim::min(*a, *b) : Dim::max(*a, *b);
  }

  StringRef rest;
  unsigned depth = 0;
};
} // namespace

Dim Dim::parse(StringRef text) {
  text = text.trim();
  if (text.empty())
    return unknown();
  if (std::optional<Dim> dim = Parser(text).parse())
    return *dim;
  return symbol(text);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Construction and printing
//===----------------------------------------------------------------------------------------------------------------------===//

Dim::Dim(int64_t value) {
  if (value)
    terms[{}] = value;
}

Dim Dim::unknown() {
  Dim result;
  result.unknownFlag = true;
  return result;
}

Dim Dim::symbol(StringRef name) {
  Dim result;
  // Quoted where it would not read as a name. A quote inside cannot be escaped; it becomes two of another kind.
  std::string text = name.str();
  if (!isIdentifier(name)) {
    for (char &c : text)
      if (c == '\'')
        c = '`';
    text = "'" + text + "'";
  }
  result.terms[{text}] = 1;
  return result;
}

std::string Dim::unquote(StringRef factor) {
  return factor.starts_with("'") ? factor.drop_front().drop_back().str() : factor.str();
}

bool Dim::isStatic() const {
  return !unknownFlag && (terms.empty() || (terms.size() == 1 && terms.begin()->first.empty()));
}

int64_t Dim::getStatic() const {
  assert(isStatic() && "not a number");
  return terms.empty() ? 0 : terms.begin()->second;
}

std::string Dim::str() const {
  if (unknownFlag)
    return "";
  if (terms.empty())
    return "0";
  std::string text;
  // The constant last: "past + 1".
  auto append = [&](const Monomial &monomial, int64_t coefficient) {
    bool negative = coefficient < 0 && coefficient != INT64_MIN;
    if (!text.empty())
      text += negative ? " - " : " + ";
    else if (negative)
      text += "-";
    int64_t magnitude = negative ? -coefficient : coefficient;
    if (magnitude != 1 || monomial.empty())
      text += std::to_string(magnitude) + (monomial.empty() ? "" : " * ");
    text += join(monomial, " * ");
  };
  for (const auto &[monomial, coefficient] : terms)
    if (!monomial.empty())
      append(monomial, coefficient);
  if (auto constant = terms.find({}); constant != terms.end())
    append({}, constant->second);
  return text;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------------------------------------------------------===//

// Sizes come from files, and grow with every op of a chain: beyond these limits a size is unknown rather than a burden.
static constexpr size_t kMaxTerms = 64;
static constexpr size_t kMaxFactors = 16;
static constexpr size_t kMaxCallText = 1024;

Dim Dim::operator+(const Dim &other) const {
  if (unknownFlag || other.unknownFlag)
    return unknown();
  Dim result = *this;
  for (const auto &[monomial, coefficient] : other.terms) {
    int64_t &sum = result.terms[monomial];
    if (AddOverflow(sum, coefficient, sum))
      return unknown();
    if (!sum)
      result.terms.erase(monomial);
  }
  return result.terms.size() > kMaxTerms ? unknown() : result;
}

Dim Dim::operator-(const Dim &other) const { return *this + other * Dim(-1); }

Dim Dim::operator*(const Dim &other) const {
  if (unknownFlag || other.unknownFlag)
    return unknown();
  if (terms.size() * other.terms.size() > kMaxTerms)
    return unknown();
  Dim result;
  for (const auto &[a, ca] : terms)
    for (const auto &[b, cb] : other.terms) {
      if (a.size() + b.size() > kMaxFactors)
        return unknown();
      Monomial product = a;
      product.insert(product.end(), b.begin(), b.end());
      llvm::sort(product);
      int64_t coefficient = 0;
      int64_t &sum = result.terms[product];
      if (MulOverflow(ca, cb, coefficient) || AddOverflow(sum, coefficient, sum))
        return unknown();
      if (!sum)
        result.terms.erase(product);
    }
  return result;
}

/// Long division by a single term, or by a polynomial that goes in exactly once with a numeric quotient.
std::optional<Dim> Dim::divideExactly(const Dim &divisor) const {
  if (divisor.terms.size() != 1) {
    // (2a + 2b) / (a + b): try the ratio of the first terms.
    if (divisor.terms.empty() || terms.size() != divisor.terms.size())
      return std::nullopt;
    Dim first, firstDivisor;
    first.terms.insert(*terms.begin());
    firstDivisor.terms.insert(*divisor.terms.begin());
    std::optional<Dim> ratio = first.divideExactly(firstDivisor);
    return ratio && *ratio * divisor == *this ? ratio : std::nullopt;
  }
  const auto &[factors, coefficient] = *divisor.terms.begin();
  Dim result;
  for (const auto &[monomial, value] : terms) {
    Monomial left = monomial;
    if (value % coefficient != 0)
      return std::nullopt;
    for (const std::string &factor : factors) {
      auto found = llvm::find(left, factor);
      if (found == left.end())
        return std::nullopt;
      left.erase(found);
    }
    result.terms[left] = value / coefficient;
  }
  return result;
}

Dim Dim::call(StringRef function, const Dim &a, const Dim &b) {
  Dim result;
  std::string text = (function + "(" + a.str() + ", " + b.str() + ")").str();
  if (text.size() > kMaxCallText)
    return unknown();
  result.terms[{text}] = 1;
  return result;
}

bool Dim::splitCall(StringRef factor, StringRef &function, Dim &a, Dim &b) {
  if (factor.starts_with("'") || !factor.ends_with(")"))
    return false;
  auto [name, arguments] = factor.drop_back().split('(');
  function = name;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == '\'')
      quoted = !quoted;
    if (quoted)
      continue;
    depth += (arguments[i] == '(') - (arguments[i] == ')');
    if (arguments[i] == ',' && depth == 0) {
      a = parse(arguments.take_front(i));
      b = parse(arguments.drop_front(i + 1));
      return true;
    }
  }
  return false;
}

Dim Dim::floorDiv(const Dim &divisor) const {
  if (unknownFlag || divisor.unknownFlag || divisor.isStatic(0))
    return unknown();
  if (isStatic() && divisor.isStatic()) {
    if (getStatic() == INT64_MIN)
      return unknown();
    return divideFloorSigned(getStatic(), divisor.getStatic());
  }
  if (std::optional<Dim> quotient = divideExactly(divisor))
    return *quotient;
  return call("floordiv", *this, divisor);
}

Dim Dim::ceilDiv(const Dim &divisor) const {
  if (unknownFlag || divisor.unknownFlag || divisor.isStatic(0))
    return unknown();
  if (isStatic() && divisor.isStatic()) {
    if (getStatic() == INT64_MIN)
      return unknown();
    return divideCeilSigned(getStatic(), divisor.getStatic());
  }
  if (std::optional<Dim> quotient = divideExactly(divisor))
    return *quotient;
  return call("ceildiv", *this, divisor);
}

Dim Dim::mod(const Dim &divisor) const {
  if (unknownFlag || divisor.unknownFlag || divisor.isStatic(0))
    return unknown();
  if (isStatic() && divisor.isStatic() && divisor.getStatic() > 0)
    return llvm::mod(getStatic(), divisor.getStatic());
  if (divideExactly(divisor))
    return 0;
  return call("mod", *this, divisor);
}

Dim Dim::min(const Dim &a, const Dim &b) {
  if (a.unknownFlag || b.unknownFlag)
    return unknown();
  if ((a - b).isAtLeast(0))
    return b;
  if ((b - a).isAtLeast(0))
    return a;
  return a.str() < b.str() ? call("min", a, b) : call("min", b, a);
}

Dim Dim::max(const Dim &a, const Dim &b) {
  if (a.unknownFlag || b.unknownFlag)
    return unknown();
  if ((a - b).isAtLeast(0))
    return a;
  if ((b - a).isAtLeast(0))
    return b;
  return a.str() < b.str() ? call("max", a, b) : call("max", b, a);
}

bool Dim::operator==(const Dim &other) const { return !unknownFlag && !other.unknownFlag && terms == other.terms; }

bool Dim::isAtLeast(int64_t bound) const {
  if (unknownFlag)
    return false;
  // A call is what its arguments make it, a symbol a size.
  auto mayBeNegative = [](StringRef factor) {
    StringRef function;
    Dim a, b;
    if (!splitCall(factor, function, a, b))
      return false;
    if (function == "max")
      return !a.isAtLeast(0) && !b.isAtLeast(0);
    return !a.isAtLeast(0) || !b.isAtLeast(function == "min" ? 0 : 1);
  };
  int64_t constant = 0;
  for (const auto &[monomial, coefficient] : terms) {
    if (monomial.empty())
      constant = coefficient;
    else if (coefficient < 0)
      return false;
    else if (any_of(monomial, mayBeNegative))
      return false;
  }
  return constant >= bound;
}

void Dim::collectSymbols(SmallVectorImpl<std::string> &names) const {
  evaluate<int>([](int64_t) { return 0; },
                [&](StringRef name) {
                  if (!is_contained(names, name))
                    names.push_back(name.str());
                  return 0;
                },
                [](StringRef, int, int) { return 0; });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------------------------------------------------------===//

Dim Dim::of(mlir::RankedTensorType type, int64_t index) {
  if (!type.isDynamicDim(index))
    return type.getDimSize(index);
  auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  return dims ? parse(dims.getNames()[index].getValue()) : unknown();
}

SmallVector<Dim> getDims(mlir::RankedTensorType type) {
  SmallVector<Dim> dims;
  for (int64_t i = 0; i < type.getRank(); ++i)
    dims.push_back(Dim::of(type, i));
  return dims;
}

mlir::RankedTensorType makeTensorType(ArrayRef<Dim> dims, mlir::Type elementType) {
  mlir::MLIRContext *context = elementType.getContext();
  SmallVector<int64_t> shape;
  SmallVector<mlir::StringAttr> names;
  bool anyName = false;
  for (const Dim &dim : dims) {
    bool isStatic = dim.isStatic() && dim.getStatic() >= 0;
    shape.push_back(isStatic ? dim.getStatic() : mlir::ShapedType::kDynamic);
    names.push_back(mlir::StringAttr::get(context, isStatic ? "" : dim.str()));
    anyName |= !names.back().empty();
  }
  return mlir::RankedTensorType::get(shape, elementType,
                                     anyName ? mlir::Attribute(DimsAttr::get(context, names)) : mlir::Attribute());
}

} // namespace nncc::nn
