//===- Log.cpp - log, log2, log10, log1p ----------------------------------------------------------------------------------===//
//
// x = 2^e m with m in [sqrt 1/2, sqrt 2), log x = e ln 2 + log(1 + f) with f = m - 1. Coefficients: scripts/fit-math.py log
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"
#include <limits>

namespace nncc::cpu::lanes {
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
  return polynomial(f, {-0.5, 0x1.555554p-2, -0x1.000228p-2, 0x1.99a036p-3, -0x1.54722ap-3, 0x1.22d5f6p-3, -0x1.0d8196p-3,
                        0x1.057638p-3, -0x1.390c66p-4});
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

} // namespace nncc::cpu::lanes
