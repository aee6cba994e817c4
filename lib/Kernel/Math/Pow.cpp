//===- Pow.cpp - pow, cbrt, rsqrt -----------------------------------------------------------------------------------------===//
//
// x^y = 2^(y log2 x) takes a logarithm of more bits than a float has: f64 lanes throughout. No fma there, so that the
// bits are the same everywhere; f64 has bits enough. Coefficients: scripts/fit-math.py pow-log pow-exp
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"
#include <limits>

namespace nncc::kernel::lanes {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

/// log2 of an f32 >= 0 that was widened, to 2^-36.
Float log2F64(Float x) {
  // x = 2^e m, m in [sqrt 1/2, sqrt 2); log m = 2 atanh((m - 1) / (m + 1)). Exponents are in the high half of the bits.
  Int exponent = shiftRightSigned(toI32(bits(x) >> 32) - 0x3fe6a09e, 20);
  Float m = asFloat(bits(x) - (toI64(exponent) << 52));
  Float s = (m - 1) / (m + 1), z = s * s;
  Float p = polynomial(z, {0x1.555554fddb13cp-2, 0x1.999a7a33cd3ecp-3, 0x1.2438e8f5bdd5p-3, 0x1.e2f44970b22e1p-4});
  constexpr double twoLog2e = 0x1.71547652b82fep+1;
  Float result = toFloat(exponent, x) + twoLog2e * (s + s * (z * p));
  result = select(x < infinity, result, x); // infinity and NaN
  return select(x == 0, -infinity, result);
}

/// 2^x to 2^-29 of it; what is outside of f32 may be infinite or zero.
Float exp2F64(Float x) {
  constexpr double roundingShift = 0x1.8p+52;
  Float clamped = atMost(atLeast(x, -200), 200);
  Float shifted = clamped + roundingShift;
  Float r = clamped - (shifted - roundingShift);
  Float power = polynomial(r, {0x1.0000000260b3fp+0, 0x1.62e430c7e13dep-1, 0x1.ebfbdade39d4dp-3, 0x1.c6aed4c7b108dp-5,
                               0x1.3b2dbabe11467p-7, 0x1.5f4556f0439bbp-10, 0x1.41d305c34b18ap-13});
  return power * asFloat((bits(shifted) + 1023) << 52);
}

/// x^y for y in f64, with what is known of y.
Float power(Float x, Float y, Mask integer, Mask odd) {
  Float a = abs(x);
  Float result = toF32(exp2F64(y * log2F64(toF64(a))));
  result = select(a == 1, 1, result); // 0 times infinity in the exponent; 1 to the NaN
  result = select(integer, result, select((x < 0) & (a < infinity), notANumber, result));
  result = select(odd, copySign(result, x), result);
  return select(y == 0, 1, result);
}

} // namespace

Float pow(Float x, Float y) {
  // From 2^25 on every float is an even integer, infinity too.
  constexpr double roundingShift = 0x1p+52, allEven = 0x1p+25;
  Float wide = toF64(y), magnitude = atMost(abs(wide), allEven);
  Float shifted = magnitude + roundingShift;
  Mask integer = shifted - roundingShift == magnitude;
  Int lowest = toI32(bits(shifted)) & 1;
  Mask odd = integer & (lowest == 1);
  return power(x, wide, integer, odd);
}

std::optional<Float> powOfConstant(Float x, double y) {
  if (y == -1)
    return 1 / x;
  if (y == 1)
    return x;
  if (y == 2)
    return x * x;
  if (y == 3)
    return x * x * x;
  if (y == 4)
    return (x * x) * (x * x);
  return std::nullopt;
}

Float powi(Float x, Int n) {
  Mask odd = (n & 1) == 1;
  Mask integer = n == n;
  return power(x, toFloat(n, toF64(x)), integer, odd);
}

Float cbrt(Float x) {
  Float a = abs(x);
  Mask subnormal = a < 0x1p-126;
  Float scaled = select(subnormal, a * 0x1p+24, a);
  // A third of the exponent, good to 5 %; a step of Halley's in f32, to 2^-13; one in f64.
  Float guess = asFloat(toInt(toFloat(bits(scaled), x) * 0x1.555556p-2 + 709958144));
  auto step = [](Float y, Float v) {
    Float cube = 0.25 * y * y * y, quarter = 0.25 * v; // in quarters nothing overflows
    return y * ((cube + 2 * quarter) / (2 * cube + quarter));
  };
  Float root = toF32(step(toF64(step(guess, scaled)), toF64(scaled)));
  root = select(subnormal, root * 0x1p-8, root);
  root = select(a < infinity, root, a); // infinity and NaN
  return copySign(select(a == 0, 0, root), x);
}

Float rsqrt(Float x) { return 1 / sqrt(x); }

} // namespace nncc::kernel::lanes
