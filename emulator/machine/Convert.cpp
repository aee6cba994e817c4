//===- Convert.cpp - cvt -----------------------------------------------------------------------------------------===//

#include "Directed.h"
#include <algorithm>

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

template <class D, class S> static Handler integers() {
  return mapUnary<D, S, [](S a) { return static_cast<D>(a); }>;
}

/// The conversions of address arithmetic and of mixed precision, a vector at a time.
static Handler fastPath(const Conversion &c, unsigned toBytes, unsigned fromBytes) {
  if (toBytes != bytesOf(c.to) || fromBytes != bytesOf(c.from) || c.sat || c.relu || c.ftz || c.toInteger)
    return nullptr;
  if (bytesOf(c.to) == 8 && c.from == Type::U32 && !ptx::isFloat(c.to))
    return integers<uint64_t, uint32_t>();
  if (bytesOf(c.to) == 8 && c.from == Type::S32 && !ptx::isFloat(c.to))
    return integers<int64_t, int32_t>();
  if (bytesOf(c.to) == 4 && bytesOf(c.from) == 8 && !ptx::isFloat(c.to) && !ptx::isFloat(c.from))
    return integers<uint32_t, uint64_t>();
  if (c.to == Type::F32 && c.from == Type::F16)
    return mapUnary<float, uint16_t, fromHalf>;
  if (c.to == Type::F32 && c.from == Type::S32 && c.rounding == Rounding::Nearest)
    return mapUnary<float, int32_t, [](int32_t a) { return static_cast<float>(a); }>;
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
    i.run = convertPairRun;
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
