//===- Bits.cpp - shifts, fields, permutations and counts --------------------------------------------------------===//

#include "Integers.h"

namespace nncc::emu {

/// popc, clz, brev, bfind: of 32 or 64 bits.
template <class T> static Handler countBits(const std::string &op, bool isShift) {
  using U = Unsigned<T>;
  if (op == "popc")
    return mapUnary<uint32_t, U, [](U a) { return std::popcount(a); }>;
  if (op == "clz")
    return mapUnary<uint32_t, U, [](U a) { return std::countl_zero(a); }>;
  if (op == "brev")
    return mapUnary<U, U, [](U a) {
      U r = 0;
      for (unsigned k = 0; k < 8 * sizeof(U); ++k, a /= 2)
        r = static_cast<U>(r << 1 | (a & 1));
      return r;
    }>;
  // The highest bit that differs from the sign.
  if (isShift)
    return mapUnary<uint32_t, T, [](T a) {
      U bits = std::is_signed_v<T> && a < 0 ? static_cast<U>(~a) : static_cast<U>(a);
      return bits ? static_cast<uint32_t>(std::countl_zero(bits)) : UINT32_MAX;
    }>;
  return mapUnary<uint32_t, T, [](T a) {
    U bits = std::is_signed_v<T> && a < 0 ? static_cast<U>(~a) : static_cast<U>(a);
    return static_cast<uint32_t>(static_cast<int>(8 * sizeof(U)) - 1 - std::countl_zero(bits));
  }>;
}

static void buildCountBits(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  const std::string &op = d.text().opcode;
  bool isShift = op == "bfind" && d.has("shiftamt");
  Type t = d.type();
  operandsOf(d, {op == "brev" ? t : Type::U32, t});
  if (bytesOf(t) < 4)
    return d.fail("'" + d.spelled() + "' is for 32 and 64 bits");
  i.run = byType(d, t, [&]<class T>() { return countBits<T>(op, isShift); });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------------------------------------------------------===//

template <class T> static T shiftedRight(T a, uint32_t n) {
  return static_cast<T>(n < 8 * sizeof(T) ? a >> n : a < 0 ? -1 : 0);
}

static void buildShift(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool left = d.text().opcode == "shl";
  Type t = d.type();
  operandsOf(d, {t, t, Type::U32});
  i.run = byType(d, t, [&]<class T>() -> Handler {
    constexpr uint32_t width = 8 * sizeof(T);
    if (left)
      return mapBinary<T, T, uint32_t, [](T a, uint32_t n) { return n < width ? Arithmetic<T>(a) << n : 0; }>;
    return mapBinary<T, T, uint32_t, [](T a, uint32_t n) -> T { return shiftedRight(a, n); }>;
  });
}

static uint32_t funnel(uint32_t low, uint32_t high, uint32_t n, bool left) {
  uint64_t both = uint64_t(high) << 32 | low;
  return static_cast<uint32_t>(left ? (both << n) >> 32 : both >> n);
}

static void buildFunnel(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool left = d.oneOf({"l", "r"}, -1) == 0, wraps = d.oneOf({"wrap", "clamp"}, -1) == 0;
  d.type();
  operandsOf(d, {Type::B32, Type::B32, Type::B32, Type::B32});
  using U = uint32_t;
  if (left)
    i.run = wraps ? mapTernary<U, U, U, U, [](U a, U b, U n) { return funnel(a, b, n & 31, true); }>
                  : mapTernary<U, U, U, U, [](U a, U b, U n) { return n < 32 ? funnel(a, b, n, true) : a; }>;
  else
    i.run = wraps ? mapTernary<U, U, U, U, [](U a, U b, U n) { return funnel(a, b, n & 31, false); }>
                  : mapTernary<U, U, U, U, [](U a, U b, U n) { return n < 32 ? funnel(a, b, n, false) : b; }>;
}

template <class T> static T extractBits(T a, uint32_t position, uint32_t length) {
  constexpr unsigned width = 8 * sizeof(T);
  using U = Unsigned<T>;
  position &= 255, length &= 255;
  U bits = position < width ? static_cast<U>(a) >> position : 0;
  // The sign is that of the field's highest bit, or of the value where the field goes beyond it.
  unsigned top = std::min(position + length - 1, width - 1);
  bool sign = std::is_signed_v<T> && length && static_cast<U>(a) >> top & 1;
  unsigned have = position < width ? std::min(length, width - position) : 0;
  U mask = have >= width ? ~U(0) : (U(1) << have) - 1;
  return static_cast<T>((bits & mask) | (sign ? ~mask : 0));
}

template <class T> static T insertBits(T a, T b, uint32_t position, uint32_t length) {
  constexpr unsigned width = 8 * sizeof(T);
  position &= 255, length &= 255;
  T field = length >= width ? ~T(0) : (T(1) << length) - 1;
  T mask = position < width ? field << position : 0;
  return (b & ~mask) | ((position < width ? a << position : 0) & mask);
}

template <class T> static void insertRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]), *b = w.in<T>(i.op[2]);
  const uint32_t *position = w.in<uint32_t>(i.op[3]), *length = w.in<uint32_t>(i.op[4]);
  eachLane<T>(w, i.op[0], [=](unsigned l) { return insertBits(a[l], b[l], position[l], length[l]); });
}

static void buildField(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool inserts = d.text().opcode == "bfi";
  Type t = d.type();
  inserts ? operandsOf(d, {t, t, t, Type::U32, Type::U32}) : operandsOf(d, {t, t, Type::U32, Type::U32});
  if (bytesOf(t) < 4)
    return d.fail("'" + d.spelled() + "' is for 32 and 64 bits");
  i.run = byType(d, t, [&]<class T>() -> Handler {
    return inserts ? insertRun<Unsigned<T>> : mapTernary<T, T, uint32_t, uint32_t, extractBits<T>>;
  });
}

static uint32_t permute(uint32_t a, uint32_t b, uint32_t selector) {
  uint64_t both = uint64_t(b) << 32 | a;
  uint32_t result = 0;
  for (unsigned k = 0; k < 4; ++k) {
    unsigned s = selector >> 4 * k & 15;
    uint32_t byte = both >> 8 * (s & 7) & 255;
    if (s & 8)
      byte = byte & 128 ? 255 : 0;
    result |= byte << 8 * k;
  }
  return result;
}

/// The modes of prmt that take two bits of the selector: which byte comes from where.
template <int mode> static uint32_t permuteBy(uint32_t a, uint32_t b, uint32_t c) {
  static constexpr uint16_t selectors[6][4] = {{0x3210, 0x4321, 0x5432, 0x6543},  // f4e
                                               {0x5670, 0x6701, 0x7012, 0x0123},  // b4e
                                               {0x0000, 0x1111, 0x2222, 0x3333},  // rc8
                                               {0x3210, 0x3211, 0x3222, 0x3333},  // ecl
                                               {0x0000, 0x1110, 0x2210, 0x3210},  // ecr
                                               {0x1010, 0x3232, 0x1010, 0x3232}}; // rc16
  return permute(a, b, selectors[mode][c & 3]);
}

static void buildPermute(Decoder &d, Inst &i) {
  using U = uint32_t;
  i.kind = Class::Integer;
  d.type();
  operandsOf(d, {Type::B32, Type::B32, Type::B32, Type::B32});
  constexpr Handler handlers[] = {mapTernary<U, U, U, U, permuteBy<0>>, mapTernary<U, U, U, U, permuteBy<1>>,
                                  mapTernary<U, U, U, U, permuteBy<2>>, mapTernary<U, U, U, U, permuteBy<3>>,
                                  mapTernary<U, U, U, U, permuteBy<4>>, mapTernary<U, U, U, U, permuteBy<5>>,
                                  mapTernary<U, U, U, U, permute>};
  i.run = handlers[d.oneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"}, 6)];
}

static void lop3Run(Warp &w, const Inst &i) {
  const uint32_t *a = w.in<uint32_t>(i.op[1]), *b = w.in<uint32_t>(i.op[2]), *c = w.in<uint32_t>(i.op[3]);
  uint32_t table = i.mode;
  eachLane<uint32_t>(w, i.op[0], [=](unsigned l) {
    uint32_t r = 0;
    for (unsigned k = 0; k < 8; ++k)
      r |= (table >> k & 1 ? UINT32_MAX : 0) & (k & 4 ? a[l] : ~a[l]) & (k & 2 ? b[l] : ~b[l]) & (k & 1 ? c[l] : ~c[l]);
    return r;
  });
}

static void buildLop3(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  d.type();
  if (!d.operands(5, 5))
    return;
  d.out(0, Type::B32);
  for (size_t k = 1; k < 4; ++k)
    d.in(k, Type::B32);
  i.mode = static_cast<uint8_t>(d.immediate(4, 255));
  i.run = lop3Run;
}

/// bmsk: `length` ones from `position` on.
template <bool wraps> static uint32_t maskOf(uint32_t position, uint32_t length) {
  if (wraps)
    position &= 31, length &= 31;
  return position > 31 ? 0 : ((length > 31 ? 0 : 1u << length) - 1) << position;
}

static void buildMask(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool wraps = d.oneOf({"wrap", "clamp"}, -1) == 0;
  d.type();
  operandsOf(d, {Type::B32, Type::U32, Type::U32});
  using U = uint32_t;
  i.run = wraps ? mapBinary<U, U, U, maskOf<true>> : mapBinary<U, U, U, maskOf<false>>;
}

/// szext: the lower `width` bits, as a number of its sign or without one.
template <class T, bool wraps> static T extendFrom(T a, uint32_t width) {
  width = wraps ? width & 31 : std::min(width, 32u);
  if (width == 32)
    return a;
  return width ? static_cast<T>(static_cast<T>(static_cast<uint32_t>(a) << (32 - width)) >> (32 - width)) : T(0);
}

static void buildExtend(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool wraps = d.oneOf({"wrap", "clamp"}, -1) == 0;
  Type t = d.type();
  operandsOf(d, {t, t, Type::U32});
  if (t == Type::S32)
    i.run = wraps ? mapBinary<int32_t, int32_t, uint32_t, extendFrom<int32_t, true>>
                  : mapBinary<int32_t, int32_t, uint32_t, extendFrom<int32_t, false>>;
  else if (t == Type::U32)
    i.run = wraps ? mapBinary<uint32_t, uint32_t, uint32_t, extendFrom<uint32_t, true>>
                  : mapBinary<uint32_t, uint32_t, uint32_t, extendFrom<uint32_t, false>>;
  else
    d.fail("'" + d.spelled() + "' is for .u32 and .s32");
}

/// fns: where the offset-th one of `mask` is, counted from `base`, upwards or downwards; all ones where there is none.
static uint32_t findNth(uint32_t mask, uint32_t base, int32_t offset) {
  if (!offset)
    return base < 32 && mask >> base & 1 ? base : UINT32_MAX;
  int step = offset > 0 ? 1 : -1, left = std::abs(offset);
  for (int64_t at = base; at >= 0 && at < 32; at += step)
    if (mask >> at & 1 && --left == 0)
      return static_cast<uint32_t>(at);
  return UINT32_MAX;
}

static void buildFindNth(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  d.type();
  operandsOf(d, {Type::B32, Type::B32, Type::U32, Type::S32});
  i.run = mapTernary<uint32_t, uint32_t, uint32_t, int32_t, findNth>;
}

std::span<const Builder> bitBuilders() {
  static constexpr Builder table[] = {{"popc", buildCountBits},  {"clz", buildCountBits}, {"brev", buildCountBits},
                                      {"bfind", buildCountBits}, {"shl", buildShift},     {"shr", buildShift},
                                      {"shf", buildFunnel},      {"bfe", buildField},     {"bfi", buildField},
                                      {"prmt", buildPermute},    {"lop3", buildLop3},     {"bmsk", buildMask},
                                      {"szext", buildExtend},    {"fns", buildFindNth}};
  return table;
}

} // namespace nncc::emu
