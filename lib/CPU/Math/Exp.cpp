//===- Exp.cpp - exp, exp2, expm1 -----------------------------------------------------------------------------------------===//
//
// x = n ln 2 + r with |r| <= ln 2 / 2, e^x = 2^n e^r. Coefficients: scripts/fit-math.py exp exp2
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::cpu::lanes {
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

/// x 2^n for a `biased` of n + 254: by two factors, because 2^n alone may be no f32. Only the second can round.
Float scale(Float x, Int biased) {
  Int half = biased >> 1;
  return x * asFloat(half << 23) * asFloat((biased - half) << 23);
}

} // namespace

Float exp(Float x) {
  // Beyond these bounds the result is infinity and zero; the scale has no more exponents either.
  Reduced reduced = reduce(atMost(atLeast(x, -104), 89), 254);
  return scale(expm1Reduced(reduced.r) + 1, reduced.biased);
}

Float expNormal(Float x) {
  Reduced reduced = reduce(x, 127);
  return (expm1Reduced(reduced.r) + 1) * asFloat(reduced.biased << 23);
}

} // namespace nncc::cpu::lanes
