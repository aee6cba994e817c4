//===- Trig.cpp - sin, cos, tan -------------------------------------------------------------------------------------------===//
//
// |x| = n pi/2 + r with |r| a little over pi/4 at most. Below 2^17, pi/2 in three floats does (Cody and Waite); from
// there on the bits of 2/pi that matter are multiplied out in integers (Payne and Hanek). That path costs more than all
// the rest, so it stands behind the only branch of these expansions: it is taken when any lane needs it. Coefficients:
// scripts/fit-math.py sin cos tan
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;

namespace nncc::kernel::lanes {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largeFrom = 0x1p+17;

struct Quadrant {
  Float r;
  /// Only the lowest two bits mean something.
  Int n;
};

/// For 0 <= a < 2^17. NaN and infinity give NaN.
Quadrant reduceSmall(Float a) {
  constexpr double roundingShift = 0x1.8p+23;
  Float shifted = fma(a, 0x1.45f306p-1, roundingShift);
  Float n = shifted - roundingShift;
  Float r = fma(n, -0x1.921fb6p+0, a); // exact: a multiple of 2^-24 below 1
  r = fma(n, 0x1.777a5cp-25, r);
  return {fma(n, 0x1.ee59dap-50, r), bits(shifted)};
}

/// For finite a >= 2^17; other lanes get any finite r.
Quadrant reduceLarge(Float a) {
  // 2/pi as a stream of bits, after 32 zeros.
  const int64_t words[] = {0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  // a = mantissa 2^e. A bit of 2/pi of weight 2^(2-e) or more gives multiples of 4 quadrants: start right behind it.
  Int mantissa = (bits(a) & 0x7fffff) | 0x800000;
  Int start = (bits(a) >> 23) - 120;
  Int word = start >> 5, within = start & 31;
  Int stream[4] = {word, word, word, word};
  for (int i = 0; i < 4; ++i) {
    stream[i] = constant(word, words[4 + i]);
    for (int first = 3; first >= 0; --first)
      stream[i] = select(word == first, constant(word, words[first + i]), stream[i]);
  }
  auto window = [&](int i) {
    return (stream[i] << within) | ((stream[i + 1] >> 1) >> (constant(within, 31) - within));
  };
  // The product, 2 bits of quadrant and 62 of fraction; what it lacks is below 2^-70.
  Int wide = toI64(mantissa);
  Int product = (toI64(mantissa * window(0)) << 32) + wide * toI64(window(1)) + ((wide * toI64(window(2))) >> 32);
  Int rounded = product + (int64_t(1) << 61);
  Int n = rounded >> 62;
  Int fraction = product - (n << 62);
  Float scaled = toFloat(fraction, toF64(a)) * 0x1.921fb54442d18p-62;
  return {toF32(scaled), toI32(n)};
}

Quadrant reduce(Float a) {
  Quadrant small = reduceSmall(a);
  Mask large = (a > largeFrom) & (a < infinity);
  auto careful = [&](OpBuilder &b, Location loc) {
    Site site{b, loc};
    auto here = [&](auto handle) { return decltype(handle){&site, handle.value}; };
    Quadrant exact = reduceLarge(here(a));
    Value r = select(here(large), exact.r, here(small.r)).value, n = select(here(large), exact.n, here(small.n)).value;
    scf::YieldOp::create(b, loc, ValueRange{r, n});
  };
  auto quick = [&](OpBuilder &b, Location loc) {
    scf::YieldOp::create(b, loc, ValueRange{small.r.value, small.n.value});
  };
  auto result = scf::IfOp::create(a.site->builder, a.site->loc, any(large), careful, quick);
  return {{a.site, result.getResult(0)}, {a.site, result.getResult(1)}};
}

/// sin(r + n pi/2) with the sign bit of `sign` turned over.
Float sine(Quadrant quadrant, Int sign) {
  Float r = quadrant.r, z = r * r;
  Float p = polynomial(z, {-0x1.555544p-3, 0x1.1106aep-7, -0x1.990f94p-13});
  Float sine = fma(p * z, r, r);
  Float cosine = fma(z, polynomial(z, {-0.5, 0x1.555548p-5, -0x1.6c0af4p-10, 0x1.999116p-16}), 1.0);
  Float value = select((quadrant.n & 1) == 0, sine, cosine);
  return asFloat(bits(value) ^ sign ^ ((quadrant.n & 2) << 30));
}

/// cos(r + n pi/2).
Float cosine(Quadrant quadrant) { return sine({quadrant.r, quadrant.n + 1}, constant(quadrant.n, 0)); }

Int signOf(Float x) { return bits(x) & 0x80000000; }

} // namespace

Float sin(Float x) { return sine(reduce(abs(x)), signOf(x)); }

Float cos(Float x) { return cosine(reduce(abs(x))); }

std::pair<Float, Float> sinCos(Float x) {
  Quadrant quadrant = reduce(abs(x));
  return {sine(quadrant, signOf(x)), cosine(quadrant)};
}

Float tan(Float x) {
  auto [r, n] = reduce(abs(x));
  Float z = r * r;
  Float p = polynomial(
      z, {0x1.555564p-2, 0x1.110c88p-3, 0x1.bb0b9cp-5, 0x1.5ab798p-6, 0x1.6d77ap-7, -0x1.4e34eap-12, 0x1.2c2972p-8});
  Float tangent = fma(p * z, r, r);
  Float value = select((n & 1) == 0, tangent, -1.0 / tangent);
  return asFloat(bits(value) ^ signOf(x));
}

} // namespace nncc::kernel::lanes
