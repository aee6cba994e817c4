//===- Double.cpp - elementary functions of f64 -------------------------------------------------------------------===//
//
// For machines without a library. Of a few units in the last place, by series whose coefficients are exact fractions: they are longer than
// fitted polynomials, and f64 is rare. Scalars only: some have branches and loops.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "Double.h"
#include "DoubleParts.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <cmath>

using namespace mlir;

namespace nncc::kernel::lanes::f64 {
namespace {

constexpr double log2OfE = 0x1.71547652b82fep+0, pi = 0x1.921fb54442d18p+1;
constexpr double halfPi = 0x1.921fb54442d18p+0, halfPiRest = 0x1.1a62633145c07p-54,
                 halfPiLast = -0x1.f1976b7ed8fbcp-110;

/// The sum of coefficient(i) x^i, i < count.
Float series(Float x, int count, llvm::function_ref<double(int)> coefficient) {
  Float sum = constant(x, coefficient(count - 1));
  for (int i = count - 2; i >= 0; --i)
    sum = multiplyAdd(sum, x, coefficient(i));
  return sum;
}

double factorial(int n) { return std::tgamma(n + 1.0); }

Int toI64(Float x) {
  return {x.site, arith::FPToSIOp::create(x.site->builder, x.site->loc, x.site->builder.getI64Type(), x.value)};
}

} // namespace

Float expm1OfSmall(Float x) {
  return x * series(x, 14, [](int i) { return 1 / factorial(i + 1); });
}

Float timesPowerOf2(Float result, Float n) {
  Int all = toI64(atMost(atLeast(n, -1100), 1100)), half = shiftRightSigned(all, 1);
  return result * powerOf2(half) * powerOf2(all - half);
}

Float expOf(Float x, Float rest) {
  x = atMost(atLeast(x, -750), 710);
  Float n = roundToInteger(x * log2OfE);
  Float r = multiplyAdd(n, -ln2Rest, multiplyAdd(n, -ln2, x)) + rest;
  return timesPowerOf2(1 + expm1OfSmall(r), n);
}

Pair logOf(Float x) {
  Mask isSmall = x < 0x1p-1022;
  x = select(isSmall, x * 0x1p54, x);
  Int all = bits(x);
  constexpr int64_t sqrtHalf = 0x3fe6a09e667f3bcd;
  Int exponent = shiftRightSigned(all - sqrtHalf, 52);
  Float f = asFloat(all - (exponent << 52)) - 1; // exact
  Float e = toFloat(exponent, x) - select(isSmall, constant(x, 54), constant(x, 0));
  // log(1 + f) = 2 atanh(s)
  Float d = f + 2, dRest = f - (d - 2), s = f / d;
  Float sRest = (multiplyAdd(-s, d, f) - s * dRest) / d;
  // 2 (s + s^3 / 3) with what is rounded off, and the rest
  Pair z = multiplyExactly(s, s), cube = multiplyExactly(s, z.high);
  constexpr double twoThirds = 0x1.5555555555555p-1, twoThirdsRest = 0x1.5555555555555p-55;
  Pair third = multiplyExactly(cube.high, constant(x, twoThirds));
  Float thirdRest =
      multiplyAdd(cube.high, twoThirdsRest, multiplyAdd(multiplyAdd(s, z.low, cube.low), twoThirds, third.low));
  Float rest = 2 * cube.high * z.high * series(z.high, 11, [](int i) { return 1.0 / (2 * i + 5); });
  Pair head = addExactly(2 * s, third.high);
  Pair mantissa = addExactly(head.high, head.low + (rest + thirdRest + 2 * sRest * (1 + z.high)));
  Pair power = multiplyExactly(e, constant(e, ln2));
  Float powerRest = multiplyAdd(e, ln2Rest, power.low);
  Pair sum = addExactly(power.high, mantissa.high);
  // Where the power is zero the mantissa is the larger.
  Mask isMantissa = e == 0;
  Float low = select(isMantissa, mantissa.low, sum.low + (powerRest + mantissa.low));
  return addExactly(select(isMantissa, mantissa.high, sum.high), low);
}

Float logWithSpecials(Float x, Float result) {
  result = select(x == infinity, x, result);
  result = select(x == 0, -infinity, result);
  result = select(x < 0, nan, result);
  return select(isNaN(x), x, result);
}

namespace {

//===----------------------------------------------------------------------------------------------------------------===//
// Reduction by pi / 2
//===----------------------------------------------------------------------------------------------------------------===//

/// 2 / pi behind the binary point, and 64 zeros before.
constexpr uint64_t twoOverPi[] = {0,
                                  0xa2f9836e4e441529,
                                  0xfc2757d1f534ddc0,
                                  0xdb6295993c439041,
                                  0xfe5163abdebbc561,
                                  0xb7246e3a424dd2e0,
                                  0x06492eea09d1921c,
                                  0xfe1deb1cb129a73e,
                                  0xe88235f52ebb4484,
                                  0xe99c7026b45f7e41,
                                  0x3991d639835339f4,
                                  0x9c845f8bbdf9283b,
                                  0x1ff897ffde05980f,
                                  0xef2f118b5a0a6d1f,
                                  0x6d367ecf27cb09b7,
                                  0x4f463f669e5fea2d,
                                  0x7527bac7ebe5f17b,
                                  0x3d0739f78a5292ea,
                                  0x6bfb5fb11f8d5d08,
                                  0x56033046fc7b6bab,
                                  0xf0cfbc209af4361d};

struct Reduced {
  Float rest; // in [-pi / 4, pi / 4]
  Int quadrant;
};

Float unsignedToFloat(Int x, Float like) {
  return {x.site, arith::UIToFPOp::create(x.site->builder, x.site->loc, like.value.getType(), x.value)};
}

std::pair<Int, Int> multiplyWide(Int a, Int b) {
  auto product = arith::MulUIExtendedOp::create(a.site->builder, a.site->loc, a.value, b.value);
  return {{a.site, product.getLow()}, {a.site, product.getHigh()}};
}

Int carryOf(Int sum, Int part) {
  OpBuilder &b = sum.site->builder;
  Value isLess = arith::CmpIOp::create(b, sum.site->loc, arith::CmpIPredicate::ult, sum.value, part.value);
  return {sum.site, arith::ExtUIOp::create(b, sum.site->loc, b.getI64Type(), isLess)};
}

/// Of a large x, a whole number m times 2^e: the digits of 2 / pi that matter are 192 from a place on that depends on e; those before
/// make multiples of four quadrants.
Reduced reduceLarge(Float x) {
  Int all = bits(x), one = constant(all, 1);
  Int exponent = ((all >> 52) & 0x7ff) - 1075;
  Int mantissa = (all & 0xfffffffffffff) | (one << 52);
  Int first = exponent + 62, word = first >> 6, shift = first & 63;
  auto digit = [&](int64_t offset) {
    Int found = constant(all, 0);
    for (auto [number, value] : llvm::enumerate(twoOverPi))
      found = select(word + offset == int64_t(number), constant(all, int64_t(value)), found);
    return found;
  };
  Int w[4] = {digit(0), digit(1), digit(2), digit(3)};
  auto shifted = [&](int i) { return (w[i] << shift) | ((w[i + 1] >> 1) >> (constant(shift, 63) - shift)); };
  Int w2 = shifted(0), w1 = shifted(1), w0 = shifted(2);
  auto [p0, c0] = multiplyWide(mantissa, w0);
  auto [p1, c1] = multiplyWide(mantissa, w1);
  Int r1 = p1 + c0;
  Int r2 = mantissa * w2 + c1 + carryOf(r1, c0);
  Int sign = all >> 63;
  Int quadrant = (r2 + (one << 61)) >> 62;
  Int fraction = (r2 << 2) | (r1 >> 62), below = (r1 << 2) | (p0 >> 62);
  Float high = toFloat(fraction, x) * 0x1p-64, low = unsignedToFloat(below, x) * 0x1p-128;
  Float rest = multiplyAdd(high + low, halfPi, high * halfPiRest);
  Mask isNegative = sign == 1;
  return {select(isNegative, -rest, rest), select(isNegative, constant(all, 0) - quadrant, quadrant)};
}

Reduced reduce(Float x) {
  OpBuilder &b = x.site->builder;
  Location loc = x.site->loc;
  Mask isLarge{x.site, (abs(x) > 0x1p44).value};
  auto branch = scf::IfOp::create(b, loc, TypeRange{b.getF64Type(), b.getI64Type()}, isLarge.value,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  auto yield = [&](Block *block, Reduced (*compute)(Float)) {
    b.setInsertionPointToStart(block);
    Reduced reduced = compute(x);
    scf::YieldOp::create(b, loc, ValueRange{reduced.rest.value, reduced.quadrant.value});
  };
  yield(branch.thenBlock(), reduceLarge);
  yield(branch.elseBlock(), [](Float x) -> Reduced {
    Float n = roundToInteger(x * 0x1.45f306dc9c883p-1);
    Float rest = multiplyAdd(n, -halfPiLast, multiplyAdd(n, -halfPiRest, multiplyAdd(n, -halfPi, x)));
    return {rest, f64::toI64(n)};
  });
  b.setInsertionPointAfter(branch);
  Mask isNumber = abs(x) < infinity;
  Float rest{x.site, branch.getResult(0)};
  return {select(isNumber, rest, nan), {x.site, branch.getResult(1)}};
}

Float sinOfSmall(Float x) {
  Float z = x * x;
  return multiplyAdd(x * z, series(z, 9, [](int i) { return (i % 2 ? 1 : -1) / factorial(2 * i + 3); }), x);
}

Float cosOfSmall(Float x) {
  return series(x * x, 10, [](int i) { return (i % 2 ? -1 : 1) / factorial(2 * i); });
}

Float sinOfQuadrant(const Reduced &reduced, Int quadrant) {
  Int one = constant(quadrant, 1);
  Float result = select((quadrant & one) == 1, cosOfSmall(reduced.rest), sinOfSmall(reduced.rest));
  return select((quadrant & 2) == 2, -result, result);
}

/// atan(x) for 0 <= x <= 1; above tan(pi / 8) what it lacks of pi / 4.
Float atanOfSmall(Float x) {
  Mask isLarge = x > 0x1.a827999fcef32p-2;
  Float t = select(isLarge, (x - 1) / (x + 1), x), z = t * t;
  Float angle = multiplyAdd(t * z, series(z, 22, [](int i) { return (i % 2 ? 1.0 : -1.0) / (2 * i + 3); }), t);
  return select(isLarge, 0.5 * halfPi + (angle + 0.5 * halfPiRest), angle);
}

/// exp(-x^2), of which x^2 is rounded once only.
Float expOfMinusSquare(Float x) {
  Pair square = multiplyExactly(x, x);
  return expOf(-square.high, -square.low);
}

} // namespace

//===----------------------------------------------------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------------------------------------------------===//

Float exp(Float x) { return expOf(x, constant(x, 0)); }

/// 2^n (exp(r) - 1) + (2^n - 1) where the difference matters.
Float expm1(Float x) {
  Float within = atMost(atLeast(x, -40), 40), n = roundToInteger(within * log2OfE);
  Float r = multiplyAdd(n, -ln2Rest, multiplyAdd(n, -ln2, within));
  Float power = timesPowerOf2(constant(x, 1), n);
  Float small = multiplyAdd(power, expm1OfSmall(r), power - 1);
  return select(abs(x) < 40, select(x == 0, x, small), exp(x) - 1);
}

Float log(Float x) {
  Pair sum = logOf(x);
  return logWithSpecials(x, sum.high + sum.low);
}

/// log(1 + x), where 1 + x is rounded: what the rounding took is put back as a factor.
Float log1p(Float x) {
  Float u = x + 1, rounded = log(u) * (x / (u - 1));
  Float result = select(u == 1, x, rounded);
  result = select(x == infinity, x, result);
  return select(u == 0, -infinity, result);
}

Float sin(Float x) {
  Reduced reduced = reduce(x);
  return select(x == 0, x, sinOfQuadrant(reduced, reduced.quadrant));
}

Float cos(Float x) {
  Reduced reduced = reduce(x);
  return sinOfQuadrant(reduced, reduced.quadrant + 1);
}

std::pair<Float, Float> sinCos(Float x) {
  Reduced reduced = reduce(x);
  return {select(x == 0, x, sinOfQuadrant(reduced, reduced.quadrant)), sinOfQuadrant(reduced, reduced.quadrant + 1)};
}

Float tan(Float x) {
  Reduced reduced = reduce(x);
  Float sine = sinOfSmall(reduced.rest), cosine = cosOfSmall(reduced.rest);
  Mask isOdd = (reduced.quadrant & 1) == 1;
  return select(x == 0, x, select(isOdd, -cosine, sine) / select(isOdd, sine, cosine));
}

Float atan(Float x) {
  Float magnitude = abs(x);
  Mask isLarge = magnitude > 1;
  Float small = atanOfSmall(select(isLarge, 1 / magnitude, magnitude));
  return copySign(select(isLarge, halfPi - (small - halfPiRest), small), x);
}

/// Of the angle whose sine is x, and whose cosine is its partner.
static Float partnerOf(Float x) { return sqrt((1 - x) * (1 + x)); }

Float asin(Float x) { return select(abs(x) == 1, copySign(constant(x, halfPi), x), atan(x / partnerOf(x))); }

/// Twice the angle of half: no digits cancel at 1.
Float acos(Float x) { return 2 * atan(sqrt((1 - x) / (1 + x))); }

/// Of the smaller by the larger magnitude, and what that lacks of a quarter turn, or of a half one.
Float atan2(Float y, Float x) {
  Float height = abs(y), width = abs(x);
  Mask isSteep = height > width;
  Float smaller = select(isSteep, width, height), larger = select(isSteep, height, width);
  Float ratio = select(smaller == larger, constant(x, 1), smaller / larger); // of two infinities
  Float angle = atanOfSmall(select(larger == 0, 0, ratio));                  // of two zeros
  angle = select(isSteep, halfPi - (angle - halfPiRest), angle);
  Mask isLeft = bits(x) < 0;
  angle = select(isLeft, 2 * halfPi - (angle - 2 * halfPiRest), angle);
  return select(isNaN(x), x, select(isNaN(y), y, copySign(angle, y)));
}

Float sinh(Float x) {
  Float magnitude = abs(x), e = expm1(magnitude);
  // Of large ones the square of a half, so that nothing overflows before the result does.
  Float half = exp(magnitude * 0.5), large = half * 0.5 * half;
  return copySign(select(magnitude > 700, large, (e + e / (e + 1)) * 0.5), x);
}

Float cosh(Float x) {
  Float magnitude = abs(x), e = exp(magnitude), half = exp(magnitude * 0.5);
  return select(magnitude > 700, half * 0.5 * half, (e + 1 / e) * 0.5);
}

Float tanh(Float x) {
  Float e = expm1(atMost(abs(x), 40) * 2);
  return copySign(select(isNaN(x), x, e / (e + 2)), x);
}

Float asinh(Float x) {
  Float magnitude = abs(x), square = magnitude * magnitude;
  Float small = log1p(magnitude + square / (1 + sqrt(square + 1)));
  return copySign(select(magnitude > 0x1p500, log(magnitude) + ln2, small), x);
}

Float acosh(Float x) {
  Float y = x - 1, small = log1p(y + sqrt(y * (y + 2)));
  return select(x < 1, nan, select(x > 0x1p500, log(x) + ln2, small));
}

Float atanh(Float x) {
  Float magnitude = abs(x);
  return copySign(log1p(2 * magnitude / (1 - magnitude)) * 0.5, x);
}

/// erf(x) for 0 <= x <= 1, by a series whose terms are all positive.
static Float erfOfSmall(Float x) {
  constexpr double twoOverRootPi = 0x1.20dd750429b6dp+0;
  // 1 + 2 x^2 / 3 (1 + 2 x^2 / 5 (1 + ..))
  Float square = x * x, sum = constant(x, 1);
  for (int i = 22; i > 0; --i)
    sum = multiplyAdd(square * (2.0 / (2 * i + 1)), sum, 1);
  return twoOverRootPi * x * expOfMinusSquare(x) * sum;
}

/// erfc(x) for x >= 0.5: the trapezoidal rule for its integral from -infinity to infinity of e^(-t^2) x / (pi (t^2 + x^2)) e^(-x^2), with steps of
/// a half. Where the rule meets the poles at t = +-ix it has 2 / (e^(4 pi x) - 1) too much; what else it errs by is e^(-4 pi^2), a hundredth of a
/// unit in the last place.
static Float erfcOfLarge(Float x) {
  constexpr int count = 13; // e^(-6.5^2) is nothing
  constexpr double step = 0.5;
  Float square = x * x, sum = constant(x, 0);
  for (int i = count - 1; i > 0; --i)
    sum = sum + 2 * std::exp(-i * i * step * step) / (square + i * i * step * step);
  sum = sum + 1 / square;
  Float integral = expOfMinusSquare(x) * (x * (step / pi)) * sum;
  // Behind 6 that is nothing, and soon more than there is.
  Float tooMuch = 2 / (exp(4 * pi * atMost(x, 6)) - 1);
  return select(x < 6, integral - tooMuch, integral);
}

Float erfc(Float x) {
  constexpr double bound = 0.5, last = 30; // erfc(28) is 0
  Float magnitude = abs(x);
  Float small = 1 - erfOfSmall(atMost(magnitude, bound)), large = erfcOfLarge(atMost(atLeast(magnitude, bound), last));
  Float result = select(magnitude < bound, small, large);
  return select(isNaN(x), x, select(x < 0, 2 - result, result));
}

Float erf(Float x) {
  Float magnitude = abs(x), near = erfOfSmall(atMost(magnitude, 1));
  Float far = 1 - erfcOfLarge(atMost(atLeast(magnitude, 1), 7));
  return copySign(select(isNaN(x), x, select(magnitude < 1, near, far)), x);
}

/// What is left of |x| when the largest y 2^k that fits is taken away, again and again: each difference is exact.
Float rem(Float x, Float y) {
  OpBuilder &b = x.site->builder;
  Location loc = x.site->loc;
  Float divisor = abs(y);
  auto exponentOf = [](Float a) {
    Mask isSmall = a < 0x1p-1022;
    Int field = bits(select(isSmall, a * 0x1p54, a)) >> 52;
    return select(isSmall, field - 54, field);
  };
  auto loop = scf::WhileOp::create(b, loc, b.getF64Type(), abs(x).value);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, b.getF64Type(), loc);
  Float left{x.site, before->getArgument(0)};
  Mask goesOn = ((divisor < left) | (divisor == left)) & (left < infinity) & (divisor > 0);
  scf::ConditionOp::create(b, loc, goesOn.value, left.value);
  Block *body = b.createBlock(&loop.getAfter(), {}, b.getF64Type(), loc);
  Float rest{x.site, body->getArgument(0)};
  Int shift = exponentOf(rest) - exponentOf(divisor), half = shiftRightSigned(shift, 1);
  Float part = divisor * powerOf2(half) * powerOf2(shift - half);
  part = select(part > rest, part * 0.5, part);
  scf::YieldOp::create(b, loc, (rest - part).value);
  b.setInsertionPointAfter(loop);
  Float result{x.site, loop.getResult(0)};
  Mask isDefined = (abs(x) < infinity) & (divisor > 0);
  return copySign(select(isDefined, result, nan), x);
}

} // namespace nncc::kernel::lanes::f64
