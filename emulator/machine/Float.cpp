//===- Float.cpp - f32 and f64 arithmetic ------------------------------------------------------------------------===//
///
/// \file
/// Rounding to nearest is the host's own; other directions are in Directed.cpp. What PTX calls approximate is computed in double and rounded once:
/// closer than any card, so a kernel that needs a card's own bits of ex2.approx is not served.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Directed.h"
#include "Numbers.h"

namespace nncc::emu {

template <bool ftz> static float before(float x) { return ftz ? flushed(x) : x; }
template <bool ftz, bool sat> static float after(float x) {
  x = ftz ? flushed(x) : x;
  return sat ? saturated(x) : canonical(x);
}

template <auto op, unsigned arity, bool ftz, bool sat> static Handler single() {
  if constexpr (arity == 1)
    return mapUnary<float, float, [](float a) { return after<ftz, sat>(op(before<ftz>(a))); }>;
  else if constexpr (arity == 2)
    return mapBinary<float, float, float,
                     [](float a, float b) { return after<ftz, sat>(op(before<ftz>(a), before<ftz>(b))); }>;
  else
    return mapTernary<float, float, float, float, [](float a, float b, float c) {
      return after<ftz, sat>(op(before<ftz>(a), before<ftz>(b), before<ftz>(c)));
    }>;
}

template <auto op, unsigned arity> static Handler single(bool ftz, bool sat) {
  if (ftz)
    return sat ? single<op, arity, true, true>() : single<op, arity, true, false>();
  return sat ? single<op, arity, false, true>() : single<op, arity, false, false>();
}

template <auto op, unsigned arity> static Handler whole() {
  if constexpr (arity == 1)
    return mapUnary<double, double, op>;
  else if constexpr (arity == 2)
    return mapBinary<double, double, double, op>;
  else
    return mapTernary<double, double, double, double, op>;
}

static Type floatOperands(Decoder &d, Inst &i, size_t arity) {
  Type t = d.type();
  i.kind = t == Type::F64 ? Class::Double : Class::Float;
  if (t != Type::F32 && t != Type::F64)
    d.fail("'" + d.spelled() + "' does not take ." + std::string(ptx::nameOf(t)));
  else if (d.operands(arity + 1, arity + 1)) {
    d.out(0, t);
    for (size_t k = 1; k <= arity; ++k)
      d.in(k, t);
  }
  return t;
}

constexpr auto addOp = [](auto a, auto b) { return a + b; };
constexpr auto subOp = [](auto a, auto b) { return a - b; };
constexpr auto mulOp = [](auto a, auto b) { return a * b; };
constexpr auto divOp = [](auto a, auto b) { return a / b; };
constexpr auto fmaOp = [](auto a, auto b, auto c) { return std::fma(a, b, c); };
constexpr auto rcpOp = [](auto a) { return 1 / a; };
constexpr auto sqrtOp = [](auto a) { return std::sqrt(a); };

/// The operations that IEEE 754 rounds correctly, and their approximations.
template <DirectedOp which, auto op, unsigned arity> static void buildRounded(Decoder &d, Inst &i) {
  // .approx and .full bound the error; the rounded result is within any bound.
  int rounding = d.oneOf({"rn", "rz", "rm", "rp", "approx", "full"}, 0);
  bool ftz = d.has("ftz"), sat = d.has("sat");
  Type t = floatOperands(d, i, arity);
  if (t == Type::F64 && (sat || (ftz && rounding < 4)))
    return d.fail("'" + d.spelled() + "': f64 takes neither .ftz nor .sat");
  if (rounding > 0 && rounding < 4) {
    i.mode = static_cast<uint8_t>(which);
    i.offset = rounding | (ftz ? 4 : 0) | (sat ? 8 : 0);
    i.run = t == Type::F64 ? directedDouble : directedFloat;
    return;
  }
  i.run = t == Type::F64 ? whole<op, arity>() : single<op, arity>(ftz, sat);
  if (rounding >= 4 || arity == 1)
    i.kind = Class::Special;
}

static double lowest(double a, double b) {
  return a != a ? b : b != b ? a : a == b ? (std::signbit(a) ? a : b) : a < b ? a : b;
}
static double highest(double a, double b) {
  return a != a ? b : b != b ? a : a == b ? (std::signbit(a) ? b : a) : a > b ? a : b;
}
template <bool isMin> static float extreme(float a, float b) {
  bool first = a == b ? std::signbit(a) == isMin : isMin ? a < b : a > b;
  return a != a ? b : b != b ? a : first ? a : b;
}
template <bool isMin> static float extremeNan(float a, float b) {
  return a != a || b != b ? NAN : extreme<isMin>(a, b);
}

template <bool isMin> static void buildExtreme(Decoder &d, Inst &i) {
  bool ftz = d.has("ftz"), nan = d.has("NaN");
  Type t = floatOperands(d, i, 2);
  if (t == Type::F64)
    i.run = whole<(isMin ? lowest : highest), 2>();
  else
    i.run = nan ? single<extremeNan<isMin>, 2>(ftz, false) : single<extreme<isMin>, 2>(ftz, false);
  if (t == Type::F64 && (ftz || nan))
    d.fail("'" + d.spelled() + "': f64 takes neither .ftz nor .NaN");
}

/// abs and neg change the sign alone, also of NaN.
static void buildSign(Decoder &d, Inst &i) {
  bool isAbs = d.text().opcode == "abs", ftz = d.has("ftz");
  Type t = floatOperands(d, i, 1);
  if (t == Type::F64)
    i.run = isAbs ? whole<[](double a) { return std::fabs(a); }, 1>() : whole<[](double a) { return -a; }, 1>();
  else if (ftz)
    i.run = isAbs ? mapUnary<float, float, [](float a) { return std::fabs(flushed(a)); }>
                  : mapUnary<float, float, [](float a) { return -flushed(a); }>;
  else
    i.run = isAbs ? mapUnary<float, float, [](float a) { return std::fabs(a); }>
                  : mapUnary<float, float, [](float a) { return -a; }>;
}

/// The magnitude of the second with the sign of the first.
static void buildCopysign(Decoder &d, Inst &i) {
  Type t = floatOperands(d, i, 2);
  i.run = t == Type::F64 ? mapBinary<double, double, double, [](double a, double b) { return std::copysign(b, a); }>
                         : mapBinary<float, float, float, [](float a, float b) { return std::copysign(b, a); }>;
}

template <auto op> static void buildApproximate(Decoder &d, Inst &i) {
  if (!d.has("approx"))
    d.fail("'" + d.spelled() + "' lacks .approx");
  bool ftz = d.has("ftz");
  Type t = floatOperands(d, i, 1);
  i.kind = Class::Special;
  if (t == Type::F64 && d.text().opcode == "rsqrt")
    i.run = whole<[](double a) { return 1 / std::sqrt(a); }, 1>();
  else if (t == Type::F64)
    d.fail("'" + d.spelled() + "' is for f32");
  else
    i.run = single<[](float a) { return static_cast<float>(op(static_cast<double>(a))); }, 1>(ftz, false);
}

std::span<const Builder> floatBuilders() {
  static constexpr Builder table[] = {{"add", buildRounded<DirectedOp::Add, addOp, 2>},
                                      {"sub", buildRounded<DirectedOp::Sub, subOp, 2>},
                                      {"mul", buildRounded<DirectedOp::Mul, mulOp, 2>},
                                      {"div", buildRounded<DirectedOp::Div, divOp, 2>},
                                      {"fma", buildRounded<DirectedOp::Fma, fmaOp, 3>},
                                      {"mad", buildRounded<DirectedOp::Fma, fmaOp, 3>},
                                      {"rcp", buildRounded<DirectedOp::Rcp, rcpOp, 1>},
                                      {"sqrt", buildRounded<DirectedOp::Sqrt, sqrtOp, 1>},
                                      {"min", buildExtreme<true>},
                                      {"max", buildExtreme<false>},
                                      {"abs", buildSign},
                                      {"neg", buildSign},
                                      {"copysign", buildCopysign},
                                      {"rsqrt", buildApproximate<[](double a) { return 1 / std::sqrt(a); }>},
                                      {"sin", buildApproximate<[](double a) { return std::sin(a); }>},
                                      {"cos", buildApproximate<[](double a) { return std::cos(a); }>},
                                      {"lg2", buildApproximate<[](double a) { return std::log2(a); }>},
                                      {"ex2", buildApproximate<[](double a) { return std::exp2(a); }>},
                                      {"tanh", buildApproximate<[](double a) { return std::tanh(a); }>}};
  return table;
}

} // namespace nncc::emu
