//===- DoubleParts.h - what functions of f64 are made of ------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_KERNEL_MATH_DOUBLEPARTS_H
#define NNCC_LIB_KERNEL_MATH_DOUBLEPARTS_H

#include "Arithmetic.h"
#include <limits>

namespace nncc::kernel::lanes::f64 {

inline constexpr double infinity = std::numeric_limits<double>::infinity(),
                        nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double ln2 = 0x1.62e42fefa39efp-1, ln2Rest = 0x1.abc9e3b39803fp-56;

/// a * b + c, rounded once.
inline Float multiplyAdd(Float a, Float b, Float c) {
  return {a.site, mlir::math::FmaOp::create(a.site->builder, a.site->loc, a.value, b.value, c.value)};
}
inline Float multiplyAdd(Float a, double b, Float c) { return multiplyAdd(a, constant(a, b), c); }
inline Float multiplyAdd(Float a, Float b, double c) { return multiplyAdd(a, b, constant(a, c)); }

inline Float roundToInteger(Float x) {
  return {x.site, mlir::math::RoundEvenOp::create(x.site->builder, x.site->loc, x.value)};
}

/// 2^n where that is normal.
inline Float powerOf2(Int n) { return asFloat((n + 1023) << 52); }

/// A value and what was rounded off it.
struct Pair {
  Float high, low;
};

/// a + b exactly, |a| >= |b|.
inline Pair addExactly(Float a, Float b) {
  Float sum = a + b;
  return {sum, b - (sum - a)};
}

inline Pair multiplyExactly(Float a, Float b) {
  Float product = a * b;
  return {product, multiplyAdd(a, b, -product)};
}

/// exp(x) - 1 for |x| <= ln(2) / 2.
Float expm1OfSmall(Float x);
/// x * 2^n for whole n, rounded once where `x` is normal: in two steps, because 2^n itself may be no normal number.
Float timesPowerOf2(Float x, Float n);
/// exp(x + rest), |rest| far below |x|.
Float expOf(Float x, Float rest);
/// log(x) for finite x > 0, as a sum.
Pair logOf(Float x);
/// `result`, which is a logarithm of x, where x has one.
Float logWithSpecials(Float x, Float result);

} // namespace nncc::kernel::lanes::f64

#endif // NNCC_LIB_KERNEL_MATH_DOUBLEPARTS_H
