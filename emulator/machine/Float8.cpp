//===- Float8.cpp - conversions between pairs of fp8 and wider floats --------------------------------------------===//

#include "Decoder.h"
#include "Numbers.h"
#include "Warp.h"
#include <algorithm>

namespace nncc::emu {

namespace {
/// e4m3 has no infinity: of its largest exponent only the last code is NaN. e5m2 is the upper byte of an f16.
struct Format {
  int mantissa, bias;
  double most;
  uint8_t nan;
};
} // namespace

static constexpr Format formats[] = {{3, 7, 448, 0x7f}, {2, 15, 57344, 0x7f}};

/// To nearest, ties to even; what is too large becomes the largest number: .satfinite.
static uint32_t encoded(const Format &f, float x, bool relu) {
  if (x != x)
    return f.nan;
  bool negative = std::signbit(x);
  if (negative && relu)
    return 0;
  double magnitude = std::fmin(std::fabs(static_cast<double>(x)), f.most);
  int exponent = magnitude > 0 ? std::max(std::ilogb(magnitude), 1 - f.bias) : 1 - f.bias;
  int units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, f.mantissa - exponent)));
  // A carry out of the mantissa is the next exponent; below the first exponent the hidden bit is missing.
  int code = ((exponent + f.bias) << f.mantissa) + units - (1 << f.mantissa);
  return static_cast<uint32_t>(code | negative << 7);
}

static uint16_t decoded(const Format &f, uint32_t code, bool relu) {
  code &= 0xff;
  if ((code & 0x7f) == f.nan || (f.mantissa == 2 && (code & 0x7f) > 0x7c))
    return canonicalHalfNan;
  if (code & 0x80 && relu)
    return 0;
  if (f.mantissa == 2)
    return static_cast<uint16_t>(code << 8);
  int exponent = code >> 3 & 15, mantissa = static_cast<int>(code & 7) | (exponent ? 8 : 0);
  float x = std::ldexp(static_cast<float>(mantissa), std::max(exponent, 1) - f.bias - f.mantissa);
  return toHalf(code & 0x80 ? -x : x);
}

// `mode`: the format, and 2 for .relu.
static void fromFloatsRun(Warp &w, const Inst &i) {
  const float *upper = w.in<float>(i.op[1]), *lower = w.in<float>(i.op[2]);
  const Format &f = formats[i.mode & 1];
  bool relu = i.mode & 2;
  uint16_t *d = w.out<uint16_t>(i.op[0]);
  activeLanes(w.exec, [&](unsigned l) {
    d[l] = static_cast<uint16_t>(encoded(f, upper[l], relu) << 8 | encoded(f, lower[l], relu));
  });
}

static void fromHalvesRun(Warp &w, const Inst &i) {
  const uint32_t *a = w.in<uint32_t>(i.op[1]);
  const Format &f = formats[i.mode & 1];
  bool relu = i.mode & 2;
  uint16_t *d = w.out<uint16_t>(i.op[0]);
  activeLanes(w.exec, [&](unsigned l) {
    float upper = fromHalf(static_cast<uint16_t>(a[l] >> 16)), lower = fromHalf(static_cast<uint16_t>(a[l]));
    d[l] = static_cast<uint16_t>(encoded(f, upper, relu) << 8 | encoded(f, lower, relu));
  });
}

static void toHalvesRun(Warp &w, const Inst &i) {
  const uint16_t *a = w.in<uint16_t>(i.op[1]);
  const Format &f = formats[i.mode & 1];
  bool relu = i.mode & 2;
  uint32_t *d = w.out<uint32_t>(i.op[0]);
  activeLanes(w.exec, [&](unsigned l) { d[l] = uint32_t(decoded(f, a[l] >> 8, relu)) << 16 | decoded(f, a[l], relu); });
}

static bool isByteFloat(const std::string &modifier) { return modifier == "e4m3x2" || modifier == "e5m2x2"; }

bool convertsByteFloats(const ptx::Instruction &text) {
  return std::any_of(text.modifiers.begin(), text.modifiers.end(), isByteFloat);
}

void buildByteFloats(Decoder &d, Inst &i) {
  i.kind = Class::Convert;
  bool narrows = !isByteFloat(d.text().modifiers.back());
  d.oneOf({"rn"}, -1);
  if (narrows)
    d.oneOf({"satfinite"}, -1);
  bool relu = d.has("relu");
  i.mode = static_cast<uint8_t>(d.oneOf({"e4m3x2", "e5m2x2"}, -1) | relu << 1);
  Type other = d.type();
  bool ofFloats = narrows && other == Type::F32;
  if (other != Type::F16x2 && !ofFloats)
    return d.fail("'" + d.spelled() + "': fp8 goes to and from .f16x2, and comes from .f32");
  if (!d.operands(2 + ofFloats, 2 + ofFloats))
    return;
  d.out(0, narrows ? Type::B16 : Type::B32);
  d.in(1, ofFloats ? Type::F32 : narrows ? Type::B32 : Type::B16);
  if (ofFloats)
    d.in(2, Type::F32);
  i.run = ofFloats ? fromFloatsRun : narrows ? fromHalvesRun : toHalvesRun;
}

} // namespace nncc::emu
