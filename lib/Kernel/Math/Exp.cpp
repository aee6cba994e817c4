//===- Exp.cpp - exp, exp2, expm1 -----------------------------------------------------------------------------------------===//
//
// x = n ln 2 + r with |r| <= ln 2 / 2, e^x = 2^n e^r. Coefficients: scripts/fit-math.py exp exp2
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::kernel::lanes {
namespace {

constexpr double log2e = 0x1.715476p+0;
// ln 2 in two floats. The first product of the reduction is exact under fma: what is left of x has at most 24 bits.
constexpr double ln2High = 0x1.62e43p-1, ln2Low = -0x1.05c61p-29;

/// Adding it rounds to an integer, which stands in the low bits of the sum.
constexpr double roundingShift = 0x1.8p+23;

struct Reduced {
  Float n, r;
  /// n + bias in the low bits; above them a constant.
  Int biased;
};

/// `bias` rides on the rounding shift, so that exponents are built without another addition.
Reduced reduce(Float x, int bias) {
  Float shifted = fma(x, log2e, roundingShift + bias);
  Float n = shifted - (roundingShift + bias);
  Float r = fma(n, -ln2High, x);
  return {n, fma(n, -ln2Low, r), bits(shifted)};
}

/// e^r - 1.
Float expm1Reduced(Float r) {
  Float q = polynomial(r, {0x1.fffffcp-2, 0x1.555488p-3, 0x1.555842p-5, 0x1.1240dep-7, 0x1.6ae808p-10});
  return fma(r * r, q, r);
}

/// 2^r for |r| <= 1/2.
Float exp2Reduced(Float r) {
  return polynomial(r, {1, 0x1.62e43p-1, 0x1.ebfbep-3, 0x1.c6afdcp-5, 0x1.3b2db8p-7, 0x1.5ee22ep-10, 0x1.40ba7ep-13});
}

/// x 2^n for a `biased` of n + 254: by two factors, because 2^n alone may be no f32. Only the second can round.
Float scale(Float x, Int biased) {
  Int half = biased >> 1;
  return x * asFloat(half << 23) * asFloat((biased - half) << 23);
}

} // namespace

Float exp(Float x) {
  // Beyond these bounds the result is infinity and zero; the scale has no more exponents either. A product that underflows takes Intel's
  // CPUs a hundred cycles, and masked softmaxes are full of them: there the zero is chosen.
  Mask isZero = x < -104;
  Reduced reduced = reduce(atMost(select(isZero, 0, x), 89), 254);
  return select(isZero, 0, scale(expm1Reduced(reduced.r) + 1, reduced.biased));
}

Float halfExp(Float x) {
  Reduced reduced = reduce(atMost(atLeast(x, -104), 90), 253);
  return scale(expm1Reduced(reduced.r) + 1, reduced.biased);
}

Float expTimes(Float x, Float factor) {
  Reduced reduced = reduce(atMost(atLeast(x, -104), 89), 254);
  return scale((expm1Reduced(reduced.r) + 1) * factor, reduced.biased);
}

Float exp2(Float x) {
  Float clamped = atMost(atLeast(x, -151), 129);
  Float shifted = clamped + (roundingShift + 254);
  Float r = clamped - (shifted - (roundingShift + 254)); // exact
  return scale(exp2Reduced(r), bits(shifted));
}

Float exp2OfProduct(Float a, Float b) {
  Float shifted = fma(a, b, roundingShift + 127);
  Float r = fma(a, b, (roundingShift + 127) - shifted);
  return exp2Reduced(r) * asFloat(bits(shifted) << 23);
}

Float expm1(Float x) {
  // 2^n e^r - 1 = 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)): half of 2^128 is a float. At -30 the result has become -1.
  Reduced reduced = reduce(atMost(atLeast(x, -30), 89), 126);
  Float half = asFloat(reduced.biased << 23);
  Float result = 2 * fma(half, expm1Reduced(reduced.r), half - 0.5);
  return select(abs(x) < 0x1p-25, x, result); // the halves lose a bit of subnormals and the sign of zero
}

} // namespace nncc::kernel::lanes
