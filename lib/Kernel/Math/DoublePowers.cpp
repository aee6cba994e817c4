//===- DoublePowers.cpp - powers, roots and logarithms of f64 to other bases --------------------------------------===//

#include "Double.h"
#include "DoubleParts.h"

using namespace mlir;

namespace nncc::kernel::lanes::f64 {

/// 2^n exp(f ln 2), f exact and its product with ln 2 in two parts.
Float exp2(Float x) {
  Float within = atMost(atLeast(x, -1100), 1100);
  Float n = roundToInteger(within), f = within - n;
  Pair r = multiplyExactly(f, constant(x, ln2));
  return timesPowerOf2(1 + expm1OfSmall(r.high + multiplyAdd(f, ln2Rest, r.low)), n);
}

/// log(x) times a factor, which is high + low.
static Float scaledLog(Float x, double high, double low) {
  Pair logarithm = logOf(x);
  Pair product = multiplyExactly(logarithm.high, constant(x, high));
  Float rest = multiplyAdd(logarithm.high, low, multiplyAdd(logarithm.low, high, product.low));
  return logWithSpecials(x, product.high + rest);
}

Float log2(Float x) { return scaledLog(x, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56); }

Float log10(Float x) { return scaledLog(x, 0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57); }

/// exp(y log|x|), with as many digits of the logarithm as its product has before the point.
Float pow(Float x, Float y) {
  Float magnitude = abs(x);
  Pair logarithm = logOf(magnitude);
  Pair product = multiplyExactly(y, logarithm.high);
  Float rest = multiplyAdd(y, logarithm.low, product.low);
  Float result = expOf(product.high, select(abs(product.high) < 800, rest, 0)); // what has overflowed has no rest
  // Whether y is a whole number, and an odd one.
  Float half = y * 0.5;
  Float whole{y.site, math::FloorOp::create(y.site->builder, y.site->loc, y.value)};
  Float wholeHalf{y.site, math::FloorOp::create(y.site->builder, y.site->loc, half.value)};
  Mask isWhole = whole == y, isEvenHalf = wholeHalf == half;
  Float isOdd = select(isEvenHalf, constant(y, 0), select(isWhole, constant(y, 1), constant(y, 0)));
  Mask isOddMask = isOdd == 1;
  // A base of zero or infinity.
  Float growing = select(y > 0, constant(y, infinity), constant(y, 0));
  Float shrinking = select(y > 0, constant(y, 0), constant(y, infinity));
  result = select(magnitude == infinity, growing, result);
  result = select(magnitude == 0, shrinking, result);
  // An exponent of infinity.
  Float above = select(magnitude > 1, growing, shrinking);
  result = select(abs(y) == infinity, select(magnitude == 1, constant(y, 1), above), result);
  // The sign, and what has none.
  Mask isDefined = isWhole | (magnitude == infinity) | (magnitude == 0);
  Float negative = select(isOddMask, -result, select(isDefined, result, nan));
  Mask hasSign = bits(x) < 0;
  result = select(hasSign, negative, result);
  result = select(isNaN(x), x, select(isNaN(y), y, result));
  result = select(x == 1, 1, result);
  return select(y == 0, 1, result);
}

/// The sign by the exponent itself: as an f64 it may no longer be odd.
Float powi(Float x, Int n) {
  Float power = pow(abs(x), toFloat(n, x));
  return select((n & 1) == 1, copySign(power, x), power);
}

/// exp(log(x) / 3), and a step of Newton's whose error is computed exactly. Scaled, so that no cube overflows or is subnormal.
Float cbrt(Float x) {
  Float magnitude = abs(x);
  Mask isLarge = magnitude > 1;
  Float scaled = magnitude * select(isLarge, constant(x, 0x1p-300), constant(x, 0x1p+300));
  Float root = expOf(logOf(scaled).high * (1.0 / 3), constant(x, 0));
  Pair square = multiplyExactly(root, root), cube = multiplyExactly(square.high, root);
  Float error = (cube.high - scaled) + multiplyAdd(square.low, root, cube.low);
  root = root - error / (3 * square.high);
  root = root * select(isLarge, constant(x, 0x1p+100), constant(x, 0x1p-100));
  root = select(magnitude < infinity, root, magnitude); // infinity and NaN
  return copySign(select(magnitude == 0, 0, root), x);
}

} // namespace nncc::kernel::lanes::f64
