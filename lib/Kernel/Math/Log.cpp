//===- Log.cpp - log, log2, log10, log1p ----------------------------------------------------------------------------------===//
//
// x = 2^e m with m in [sqrt 1/2, sqrt 2), log x = e ln 2 + log(1 + f) with f = m - 1. Coefficients: scripts/fit-math.py
// log
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"
#include <limits>

namespace nncc::kernel::lanes {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two floats; the first has 16 bits, so that its product with an exponent is exact.
constexpr double ln2High = 0x1.62e4p-1, ln2Low = 0x1.7f7d1cp-20;

/// The bits of a float near sqrt 1/2; what is subtracted from an exponent field to have m straddle 1.
constexpr int64_t sqrtHalfBits = 0x3f3504f3;

struct Split {
  Float e, f;
};

/// For positive finite x.
Split split(Float x) {
  Mask subnormal = x < 0x1p-126;
  x = select(subnormal, x * 0x1p+23, x);
  Int offset = bits(x) - sqrtHalfBits;
  Float e = toFloat(shiftRightSigned(offset, 23), x);
  Float m = asFloat((offset & 0x7fffff) + sqrtHalfBits);
  return {select(subnormal, e - 23, e), m - 1};
}

/// (log(1 + f) - f) / f^2.
Float logTail(Float f) {
  return polynomial(f, {-0.5, 0x1.555554p-2, -0x1.000228p-2, 0x1.99a036p-3, -0x1.54722ap-3, 0x1.22d5f6p-3,
                        -0x1.0d8196p-3, 0x1.057638p-3, -0x1.390c66p-4});
}

/// `result`, or what log gives at zero, below it, at infinity and NaN.
Float withSpecials(Float x, Float result) {
  result = select(x < infinity, result, x); // infinity and NaN
  result = select(x < 0, notANumber, result);
  return select(x == 0, -infinity, result);
}

} // namespace

Float log(Float x) {
  auto [e, f] = split(x);
  Float log1pf = fma(f * f, logTail(f), f);
  return withSpecials(x, fma(e, ln2High, fma(e, ln2Low, log1pf)));
}

Float log2(Float x) {
  constexpr double high = 0x1.715476p+0, low = 0x1.4ae0cp-26; // 1 / ln 2
  auto [e, f] = split(x);
  Float tail = f * f * logTail(f);
  return withSpecials(x, e + fma(f, high, fma(f, low, tail * high)));
}

Float log10(Float x) {
  constexpr double high = 0x1.bcb7b2p-2, low = -0x1.5b235ep-27;   // 1 / ln 10
  constexpr double twoHigh = 0x1.344p-2, twoLow = 0x1.3509f8p-18; // log10 2; the first product is exact
  auto [e, f] = split(x);
  Float tail = f * f * logTail(f);
  Float rest = fma(f, low, fma(tail, high, e * twoLow));
  return withSpecials(x, fma(e, twoHigh, fma(f, high, rest)));
}

Float log1p(Float x) {
  // 1 + x = 2^k (1 + f): f = 2^-k x + (2^-k - 1) rounds once, and where it matters not at all. The exponents come from
  // 1 + x, which may be rounded. Quarters, because 2^-128 is no normal float.
  Int offset = bits(x + 1) - sqrtHalfBits;
  Int exponent = shiftRightSigned(offset, 23);
  Float fourth = asFloat((constant(exponent, 129) - exponent) << 23); // 2^(2-k)
  Float f = fma(0.25 * x, fourth, fma(fourth, 0.25, -1.0));
  Float e = toFloat(exponent, x);
  Float result = fma(e, ln2High, fma(e, ln2Low, fma(f * f, logTail(f), f)));
  result = select(x < infinity, result, x);
  result = select(x < -1, notANumber, result);
  result = select(x == -1, -infinity, result);
  return select(abs(x) < 0x1p-25, x, result); // the quarters lose bits of subnormals and the sign of zero
}

} // namespace nncc::kernel::lanes
