//===- Expression.h - sizes such as "floordiv(seq + 1, 2)" --------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_EXPRESSION_H
#define NNCCRT_CORE_EXPRESSION_H

#include "nnccrt/abi.h"

namespace nncc::rt {

/// Values of a model's symbols; -1 for those not known yet.
struct Symbols {
  const nnccrt_model *model;
  int64_t *values;
};

enum class Evaluation {
  Done,
  Unknown,  ///< of a symbol without value
  Overflow, ///< beyond 64 bits, or a division by zero
  Invalid,  ///< not an expression
};

/// The value of an expression as the compiler writes it (nncc::nn::Dim::str): sums and products of numbers, symbols (`batch`,
/// `'a name:0'`) and calls of floordiv, ceildiv, mod, min, max. With Unknown, `unknown` is the first symbol without a value.
Evaluation evaluate(const char *text, const Symbols &symbols, int64_t &value, int32_t &unknown);

/// Finds the value of the one symbol without a value that gives the expression this value; false: there is none, or several symbols
/// are unknown, or the expression is not linear in it.
bool solve(const char *text, Symbols &symbols, int64_t value);

} // namespace nncc::rt

#endif // NNCCRT_CORE_EXPRESSION_H
