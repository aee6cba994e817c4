//===- Dim.h - symbolic sizes -----------------------------------------------------------------------------------*- C++ -*-===//
///
/// \file
/// The size of one dim of an nn tensor: a number, an expression of named symbols, or unknown. Expressions are kept as polynomials
/// with integer coefficients in a canonical order, so that equal sizes compare equal however they were computed.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_IR_DIM_H
#define NNCC_DIALECT_NN_IR_DIM_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nncc::nn {

/// A number, a polynomial of symbols (`2 * batch + 1`, `floordiv(seq + 1, 2)`), or unknown. Unknown absorbs every operation and
/// equals nothing, not even itself. Arithmetic that overflows 64 bits gives unknown.
class Dim {
public:
  /// The product of its factors, each a symbol or the text of a call (`floordiv(a, b)`, `ceildiv`, `mod`, `min`, `max`).
  using Monomial = std::vector<std::string>;

  Dim(int64_t value = 0);
  static Dim symbol(llvm::StringRef name);
  static Dim unknown();
  /// Parses what str() prints, and affine expressions as exporters write them ("past + 1", "2*N"). A text that is no expression is
  /// a symbol of that name; empty text is unknown.
  static Dim parse(llvm::StringRef text);
  /// The size of dim `index` of `type`.
  static Dim of(mlir::RankedTensorType type, int64_t index);

  bool isUnknown() const { return unknownFlag; }
  bool isStatic() const;
  bool isStatic(int64_t value) const { return isStatic() && getStatic() == value; }
  int64_t getStatic() const;
  /// Canonical text; "" for unknown.
  std::string str() const;

  Dim operator+(const Dim &other) const;
  Dim operator-(const Dim &other) const;
  Dim operator*(const Dim &other) const;
  /// Exact polynomial division where there is one, else a call. `divisor` must not be zero: that gives unknown.
  Dim floorDiv(const Dim &divisor) const;
  Dim ceilDiv(const Dim &divisor) const;
  Dim mod(const Dim &divisor) const;
  static Dim min(const Dim &a, const Dim &b);
  static Dim max(const Dim &a, const Dim &b);
  bool operator==(const Dim &other) const;
  bool operator!=(const Dim &other) const { return !(*this == other); }

  /// True when the expression cannot be below `bound` for any symbols >= 0 (numbers, products and sums of non-negative terms).
  bool isAtLeast(int64_t bound) const;

  /// Builds the value bottom-up: `number` for integers, `name` for symbols, `op` for "+", "*", "floordiv", "ceildiv", "mod", "min"
  /// and "max". The expression must be known.
  template <typename T>
  T evaluate(llvm::function_ref<T(int64_t)> number, llvm::function_ref<T(llvm::StringRef)> name,
             llvm::function_ref<T(llvm::StringRef, T, T)> op) const;
  /// The names of all symbols in it.
  void collectSymbols(llvm::SmallVectorImpl<std::string> &names) const;

private:
  static Dim call(llvm::StringRef function, const Dim &a, const Dim &b);
  /// The arguments of a call factor.
  static bool splitCall(llvm::StringRef factor, llvm::StringRef &function, Dim &a, Dim &b);
  static std::string unquote(llvm::StringRef factor);
  std::optional<Dim> divideExactly(const Dim &divisor) const;

  std::map<Monomial, int64_t> terms; // no zero coefficients; the empty monomial is the constant
  bool unknownFlag = false;
};

/// The sizes of all dims.
llvm::SmallVector<Dim> getDims(mlir::RankedTensorType type);
/// The type with these sizes: static where they are numbers, encoded where they are expressions.
mlir::RankedTensorType makeTensorType(llvm::ArrayRef<Dim> dims, mlir::Type elementType);

template <typename T>
T Dim::evaluate(llvm::function_ref<T(int64_t)> number, llvm::function_ref<T(llvm::StringRef)> name,
                llvm::function_ref<T(llvm::StringRef, T, T)> op) const {
  auto evaluateFactor = [&](const std::string &factor) -> T {
    llvm::StringRef function;
    Dim a, b;
    return splitCall(factor, function, a, b)
               ? op(function, a.evaluate<T>(number, name, op), b.evaluate<T>(number, name, op))
               : name(unquote(factor));
  };
  std::optional<T> sum;
  for (const auto &[monomial, coefficient] : terms) {
    auto factor = monomial.begin();
    T product = coefficient != 1 || monomial.empty() ? number(coefficient) : evaluateFactor(*factor++);
    for (; factor != monomial.end(); ++factor)
      product = op("*", product, evaluateFactor(*factor));
    sum = sum ? op("+", *sum, product) : product;
  }
  return sum ? *sum : number(0);
}

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_IR_DIM_H
