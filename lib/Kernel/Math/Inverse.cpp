//===- Inverse.cpp - asin, acos, atan, atan2 ------------------------------------------------------------------------------===//
//
// Coefficients: scripts/fit-math.py asin atan
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"
#include <limits>

namespace nncc::kernel::lanes {
namespace {

// pi/2 and pi in two floats.
constexpr double halfPiHigh = 0x1.921fb6p+0, halfPiLow = -0x1.777a5cp-25;
constexpr double piHigh = 2 * halfPiHigh, piLow = 2 * halfPiLow;

Float fromHalfPi(Float x) { return halfPiHigh - (x - halfPiLow); }
Float fromPi(Float x) { return piHigh - (x - piLow); }

struct Folded {
  Mask small;
  /// asin of `magnitude` up to 1/2, of sqrt((1 - magnitude) / 2) above: pi/4 less half of what is asked for.
  Float arc;
};

/// NaN above 1.
Folded arcSine(Float magnitude) {
  Mask small = magnitude < 0.5;
  Float half = 0.5 * (1 - magnitude); // exact
  Float z = select(small, magnitude * magnitude, half);
  Float s = select(small, magnitude, sqrt(half));
  Float p = polynomial(z, {0x1.5555c8p-3, 0x1.330204p-4, 0x1.747bb8p-5, 0x1.8c3e4cp-6, 0x1.595c6cp-5});
  return {small, fma(p * z, s, s)};
}

/// atan on [0, 1].
Float arcTangent(Float t) {
  Float z = t * t;
  Float p = polynomial(z, {-0x1.55553ep-2, 0x1.9991e4p-3, -0x1.2420aap-3, 0x1.c08f82p-4, -0x1.58177p-4, 0x1.da6b22p-5,
                           -0x1.fe1d9p-6, 0x1.64edeep-7, -0x1.d4f3cap-10});
  return fma(p * z, t, t);
}

} // namespace

Float asin(Float x) {
  auto [small, arc] = arcSine(abs(x));
  Float large = halfPiHigh - 2 * arc + halfPiLow; // the difference is exact for small results, which need it
  return copySign(select(small, arc, large), x);
}

Float acos(Float x) {
  auto [small, arc] = arcSine(abs(x));
  Float large = select(x < 0, fromPi(2 * arc), 2 * arc);
  return select(small, fromHalfPi(copySign(arc, x)), large);
}

Float atan(Float x) {
  Float a = abs(x);
  Mask steep = a > 1;
  Float arc = arcTangent(select(steep, 1 / a, a));
  return copySign(select(steep, fromHalfPi(arc), arc), x);
}

Float atan2(Float y, Float x) {
  constexpr double largest = std::numeric_limits<float>::max();
  Float a = abs(y), b = abs(x);
  Mask steep = a > b;
  Float numerator = select(steep, b, a), denominator = select(steep, a, b);
  // 0 / 0 counts as 0 (the numerator decides, so that a NaN stays one), infinity / infinity as 1.
  Float t = numerator / select(denominator == 0, 1, denominator);
  t = select((numerator > largest) & (denominator > largest), 1, t);
  Float arc = arcTangent(t);
  arc = select(steep, fromHalfPi(arc), arc);
  arc = select(bits(x) < 0, fromPi(arc), arc); // -0 too
  return copySign(arc, y);
}

} // namespace nncc::kernel::lanes
