//===- Convert.cpp - cvt -----------------------------------------------------------------------------------------===//

#include "Directed.h"
#include <algorithm>
#include <limits>

namespace nncc::emu {

using ptx::bytesOf;

namespace {
struct Conversion {
  Type to, from;
  Rounding rounding;
  bool toInteger, ftz, sat, relu;
};
} // namespace

// What the handler needs to know is packed in `offset`.
static int64_t packed(const Conversion &c, unsigned toBytes, unsigned fromBytes) {
  return static_cast<int64_t>(c.to) | static_cast<int64_t>(c.from) << 8 | static_cast<int64_t>(c.rounding) << 16 |
         int64_t(c.toInteger) << 24 | int64_t(c.ftz) << 25 | int64_t(c.sat) << 26 | int64_t(c.relu) << 27 |
         int64_t(toBytes) << 32 | int64_t(fromBytes) << 40;
}

static Conversion unpacked(int64_t bits) {
  return {static_cast<Type>(bits & 255),
          static_cast<Type>(bits >> 8 & 255),
          static_cast<Rounding>(bits >> 16 & 255),
          bool(bits >> 24 & 1),
          bool(bits >> 25 & 1),
          bool(bits >> 26 & 1),
          bool(bits >> 27 & 1)};
}

static uint64_t readLane(const Warp &w, Slot slot, unsigned bytes, unsigned lane) {
  uint64_t value = 0;
  std::memcpy(&value, w.in<std::byte>(slot) + lane * bytes, bytes);
  return value;
}

static double loaded(Type t, uint64_t bits, bool ftz) {
  if (t == Type::F64)
    return std::bit_cast<double>(bits);
  float f = t == Type::F16    ? fromHalf(static_cast<uint16_t>(bits))
            : t == Type::BF16 ? fromBrain(static_cast<uint16_t>(bits))
                              : std::bit_cast<float>(static_cast<uint32_t>(bits));
  return t == Type::F32 && ftz ? flushed(f) : f;
}

static int64_t extended(Type t, uint64_t bits) {
  unsigned shift = 64 - 8 * bytesOf(t);
  return ptx::isSigned(t) ? static_cast<int64_t>(bits << shift) >> shift : static_cast<int64_t>(bits << shift >> shift);
}

static double toIntegral(double x, Rounding r) {
  switch (r) {
  case Rounding::Zero:
    return std::trunc(x);
  case Rounding::Down:
    return std::floor(x);
  case Rounding::Up:
    return std::ceil(x);
  default:
    return std::nearbyint(x);
  }
}

static uint64_t stored(const Conversion &c, double x) {
  if (c.sat)
    x = x > 0 ? (x < 1 ? x : 1) : 0;
  if (c.relu && x <= 0)
    x = 0;
  switch (c.to) {
  case Type::F64:
    return std::bit_cast<uint64_t>(x);
  case Type::F16:
    return toHalf(oddFloat(x), c.rounding);
  case Type::BF16:
    return toBrain(oddFloat(x), c.rounding);
  case Type::TF32:
    return std::bit_cast<uint32_t>(toTf32(static_cast<float>(x), c.rounding));
  default: {
    float f = c.rounding == Rounding::Nearest || x != x ? canonical(static_cast<float>(x)) : floatFrom(x, c.rounding);
    return std::bit_cast<uint32_t>(c.ftz ? flushed(f) : f);
  }
  }
}

/// Out of range gives the nearest there is, NaN gives 0.
static uint64_t clampedInteger(Type t, double x) {
  unsigned bits = 8 * bytesOf(t);
  if (x != x)
    return 0;
  if (ptx::isSigned(t)) {
    double limit = std::ldexp(1.0, static_cast<int>(bits) - 1);
    int64_t most = static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1);
    return static_cast<uint64_t>(x >= limit ? most : x < -limit ? -most - 1 : static_cast<int64_t>(x));
  }
  uint64_t most = bits == 64 ? UINT64_MAX : (uint64_t(1) << bits) - 1;
  return x >= std::ldexp(1.0, static_cast<int>(bits)) ? most : x <= 0 ? 0 : static_cast<uint64_t>(x);
}

static uint64_t saturatedInteger(const Conversion &c, int64_t value) {
  unsigned bits = 8 * bytesOf(c.to);
  bool fromUnsigned = !ptx::isSigned(c.from);
  if (ptx::isSigned(c.to)) {
    int64_t most = static_cast<int64_t>((uint64_t(1) << (bits - 1)) - 1);
    if (fromUnsigned)
      return std::min(static_cast<uint64_t>(value), static_cast<uint64_t>(most));
    return static_cast<uint64_t>(std::clamp(value, -most - 1, most));
  }
  uint64_t most = bits == 64 ? UINT64_MAX : (uint64_t(1) << bits) - 1;
  return !fromUnsigned && value < 0 ? 0 : std::min(static_cast<uint64_t>(value), most);
}

static uint64_t convertLane(const Conversion &c, uint64_t bits) {
  bool fromFloat = ptx::isFloat(c.from), toFloat = ptx::isFloat(c.to);
  if (fromFloat) {
    double x = loaded(c.from, bits, c.ftz);
    if (toFloat)
      return stored(c, c.toInteger ? toIntegral(x, c.rounding) : x);
    uint64_t r = clampedInteger(c.to, toIntegral(x, c.rounding));
    return static_cast<uint64_t>(extended(c.to, r));
  }
  int64_t value = extended(c.from, bits);
  if (!toFloat)
    return static_cast<uint64_t>(extended(c.to, c.sat ? saturatedInteger(c, value) : static_cast<uint64_t>(value)));
  bool isSigned = ptx::isSigned(c.from);
  if (c.to == Type::F64)
    return std::bit_cast<uint64_t>(isSigned ? doubleFrom(value, c.rounding)
                                            : doubleFrom(static_cast<uint64_t>(value), c.rounding));
  if (c.to == Type::F32) {
    float f = isSigned ? floatFrom(value, c.rounding) : floatFrom(static_cast<uint64_t>(value), c.rounding);
    return std::bit_cast<uint32_t>(c.sat ? saturated(f) : f);
  }
  // The highest 32 bits and a sticky one below them; the rest of the way is one rounding.
  bool negative = isSigned && value < 0;
  uint64_t magnitude = negative ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  int shift = std::max(0, static_cast<int>(std::bit_width(magnitude)) - 32);
  uint64_t sticky = magnitude & ((uint64_t(1) << shift) - 1) ? 1 : 0;
  double top = std::ldexp(static_cast<double>(magnitude >> shift | sticky), shift);
  float odd = oddFloat(negative ? -top : top);
  return c.to == Type::F16 ? toHalf(odd, c.rounding) : toBrain(odd, c.rounding);
}

static void convertRun(Warp &w, const Inst &i) {
  Conversion c = unpacked(i.offset);
  unsigned toBytes = i.offset >> 32 & 255, fromBytes = i.offset >> 40 & 255;
  std::byte *out = w.out<std::byte>(i.op[0]);
  activeLanes(w.exec, [&](unsigned l) {
    uint64_t value = convertLane(c, readLane(w, i.op[1], fromBytes, l));
    std::memcpy(out + l * toBytes, &value, toBytes);
  });
}

/// cvt.rn.f16x2.f32 d, a, b: a is the upper half.
static void convertPairRun(Warp &w, const Inst &i) {
  Conversion c = unpacked(i.offset);
  const uint32_t *a = w.in<uint32_t>(i.op[1]), *b = w.in<uint32_t>(i.op[2]);
  eachLane<uint32_t>(w, i.op[0], [&](unsigned l) {
    return static_cast<uint32_t>(convertLane(c, a[l]) << 16 | (convertLane(c, b[l]) & 0xffff));
  });
}

/// The lower part of a register R as a number S, in a register D.
template <class D, class R, class S> static Handler integers() {
  return mapUnary<D, R, [](R a) { return static_cast<D>(static_cast<S>(a)); }>;
}

template <class D, class R> static Handler integersFrom(Type from) {
  switch (from) {
  case Type::U8:
    return integers<D, R, uint8_t>();
  case Type::S8:
    return integers<D, R, int8_t>();
  case Type::U16:
    return integers<D, R, uint16_t>();
  case Type::S16:
    return integers<D, R, int16_t>();
  case Type::U32:
    return integers<D, R, uint32_t>();
  case Type::S32:
    return integers<D, R, int32_t>();
  default:
    return integers<D, R, R>();
  }
}

template <class D> static Handler integersTo(Type from, unsigned fromBytes) {
  return fromBytes == 8   ? integersFrom<D, uint64_t>(from)
         : fromBytes == 4 ? integersFrom<D, uint32_t>(from)
         : fromBytes == 2 ? integersFrom<D, uint16_t>(from)
                          : nullptr;
}

/// f16 to and from f32, eight lanes an instruction of the host.
static void widenHalves(Warp &w, const Inst &i) {
  const uint16_t *a = w.in<uint16_t>(i.op[1]);
  alignas(32) float wide[numLanes];
  for (unsigned l = 0; l < numLanes; l += 8)
    _mm256_store_ps(wide + l, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(a + l))));
  eachLane<float>(w, i.op[0], [&](unsigned l) { return wide[l]; });
}

static void narrowToHalves(const float *a, uint16_t *narrow) {
  for (unsigned l = 0; l < numLanes; l += 8) {
    __m256 x = _mm256_loadu_ps(a + l);
    __m128i nan = _mm_set1_epi16(canonicalHalfNan), bits = _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
    __m256i unordered = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    __m128i mask = _mm_packs_epi32(_mm256_castsi256_si128(unordered), _mm256_extracti128_si256(unordered, 1));
    _mm_store_si128(reinterpret_cast<__m128i *>(narrow + l), _mm_blendv_epi8(bits, nan, mask));
  }
}

static void narrowHalves(Warp &w, const Inst &i) {
  alignas(32) uint16_t narrow[numLanes];
  narrowToHalves(w.in<float>(i.op[1]), narrow);
  eachLane<uint16_t>(w, i.op[0], [&](unsigned l) { return narrow[l]; });
}

static void narrowPairs(Warp &w, const Inst &i) {
  alignas(32) uint16_t upper[numLanes], lower[numLanes];
  narrowToHalves(w.in<float>(i.op[1]), upper);
  narrowToHalves(w.in<float>(i.op[2]), lower);
  eachLane<uint32_t>(w, i.op[0], [&](unsigned l) { return uint32_t(upper[l]) << 16 | lower[l]; });
}

/// Truncated, the nearest there is beyond the range, 0 for NaN.
template <class D> static D truncated(float x) {
  // The limits as floats: both are powers of two, or 0.
  constexpr float low = std::is_signed_v<D> ? -2147483648.0f : 0.0f,
                  high = std::is_signed_v<D> ? 2147483648.0f : 4294967296.0f;
  int64_t value = x >= high ? int64_t(std::numeric_limits<D>::max())
                  : x < low ? int64_t(std::numeric_limits<D>::min())
                  : x == x  ? static_cast<int64_t>(x)
                            : 0;
  return static_cast<D>(value);
}

/// The conversions of address arithmetic and of mixed precision, a vector at a time.
static Handler fastPath(const Conversion &c, unsigned toBytes, unsigned fromBytes) {
  if (c.sat || c.relu || c.ftz || toBytes != bytesOf(c.to))
    return nullptr;
  bool toFloat = ptx::isFloat(c.to), fromFloat = ptx::isFloat(c.from);
  if (!toFloat && !fromFloat)
    return toBytes == 8   ? integersTo<uint64_t>(c.from, fromBytes)
           : toBytes == 4 ? integersTo<uint32_t>(c.from, fromBytes)
           : toBytes == 2 ? integersTo<uint16_t>(c.from, fromBytes)
                          : nullptr;
  if (fromBytes != bytesOf(c.from))
    return nullptr;
  if (c.from == Type::F32 && !toFloat && c.rounding == Rounding::Zero && bytesOf(c.to) == 4)
    return ptx::isSigned(c.to) ? mapUnary<int32_t, float, truncated<int32_t>>
                               : mapUnary<uint32_t, float, truncated<uint32_t>>;
  if (c.toInteger || c.rounding != Rounding::Nearest)
    return nullptr;
  if (c.to == Type::F32 && c.from == Type::F16)
    return widenHalves;
  if (c.to == Type::F16 && c.from == Type::F32)
    return narrowHalves;
  if (c.to == Type::F32 && c.from == Type::BF16)
    return mapUnary<float, uint16_t, [](uint16_t a) { return canonical(fromBrain(a)); }>;
  if (c.to == Type::BF16 && c.from == Type::F32)
    return mapUnary<uint16_t, float, [](float a) { return toBrain(a); }>;
  if (c.to == Type::F32 && c.from == Type::S32)
    return mapUnary<float, int32_t, [](int32_t a) { return static_cast<float>(a); }>;
  if (c.to == Type::F64 && c.from == Type::F32)
    return mapUnary<double, float, [](float a) { return static_cast<double>(a); }>;
  return nullptr;
}

static void operandOf(Decoder &d, size_t index, Type t, unsigned &bytes) {
  // A register may be wider than the type: it is read in its low part, and written sign- or zero-extended.
  Type have = d.registerType(d.operand(index), t);
  bytes = bytesOf(have);
  if (have == Type::Pred || bytes < bytesOf(t))
    return d.fail("'" + d.spelled() + "': operand " + std::to_string(index + 1) + " is too narrow");
  index ? d.in(index, have) : d.out(index, have);
}

static void buildConvert(Decoder &d, Inst &i) {
  if (convertsByteFloats(d.text()))
    return buildByteFloats(d, i);
  i.kind = Class::Convert;
  Conversion c{};
  int rounding = d.oneOf({"rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi"}, 9);
  constexpr Rounding modes[] = {Rounding::Nearest, Rounding::Zero, Rounding::Down, Rounding::Up, Rounding::NearestAway,
                                Rounding::Nearest, Rounding::Zero, Rounding::Down, Rounding::Up, Rounding::Nearest};
  c.rounding = modes[rounding];
  c.toInteger = rounding >= 5 && rounding < 9;
  c.ftz = d.has("ftz"), c.sat = d.has("sat"), c.relu = d.has("relu");
  c.to = d.type(), c.from = d.type();
  if (c.to == Type::F16x2 || c.to == Type::BF16x2) {
    c.to = c.to == Type::F16x2 ? Type::F16 : Type::BF16;
    if (c.from != Type::F32 || !d.operands(3, 3))
      return d.fail("'" + d.spelled() + "' takes two f32");
    d.out(0, Type::B32);
    d.in(1, Type::F32);
    d.in(2, Type::F32);
    i.offset = packed(c, 4, 4);
    bool fast = c.to == Type::F16 && c.rounding == Rounding::Nearest && !c.sat && !c.relu && !c.ftz;
    i.run = fast ? narrowPairs : convertPairRun;
    return;
  }
  bool toFloat = ptx::isFloat(c.to), fromFloat = ptx::isFloat(c.from);
  bool narrows = toFloat && (!fromFloat || bytesOf(c.to) < bytesOf(c.from) || c.to == Type::TF32);
  if (narrows && rounding == 9)
    return d.fail("'" + d.spelled() + "' lacks a rounding such as .rn");
  if (fromFloat && !toFloat && !c.toInteger)
    return d.fail("'" + d.spelled() + "' lacks a rounding such as .rzi");
  if (!d.operands(2, 2))
    return;
  unsigned toBytes = 0, fromBytes = 0;
  operandOf(d, 0, c.to, toBytes);
  operandOf(d, 1, c.from, fromBytes);
  i.offset = packed(c, toBytes, fromBytes);
  Handler fast = fastPath(c, toBytes, fromBytes);
  i.run = fast ? fast : convertRun;
}

std::span<const Builder> convertBuilders() {
  static constexpr Builder table[] = {{"cvt", buildConvert}};
  return table;
}

} // namespace nncc::emu
