//===- Integer.cpp - integer arithmetic and bits -----------------------------------------------------------------===//

#include "Decoder.h"
#include "Warp.h"
#include <limits>

namespace nncc::emu {

using ptx::bytesOf;

/// f.operator()<T>() for the C++ type of a PTX type; bits count as unsigned.
template <class F> static Handler byType(Decoder &d, Type t, F f) {
  switch (t) {
  case Type::U16:
  case Type::B16:
    return f.template operator()<uint16_t>();
  case Type::S16:
    return f.template operator()<int16_t>();
  case Type::U32:
  case Type::B32:
    return f.template operator()<uint32_t>();
  case Type::S32:
    return f.template operator()<int32_t>();
  case Type::U64:
  case Type::B64:
    return f.template operator()<uint64_t>();
  case Type::S64:
    return f.template operator()<int64_t>();
  default:
    d.fail("'" + d.spelled() + "' does not take ." + std::string(ptx::nameOf(t)));
    return nullptr;
  }
}

template <class T> using Unsigned = std::make_unsigned_t<T>;
/// At least 32 bits, so that no product of 16 bits overflows an int.
template <class T> using Arithmetic = std::conditional_t<sizeof(T) == 2, uint32_t, Unsigned<T>>;

template <class T, class B = T, auto op> static Handler binary() { return mapBinary<T, T, B, op>; }

static void operandsOf(Decoder &d, std::initializer_list<Type> types) {
  if (!d.operands(types.size(), types.size()))
    return;
  size_t index = 0;
  for (Type t : types) {
    index ? d.in(index, t) : d.out(index, t);
    ++index;
  }
}

enum Op { Add, Sub, Min, Max, Div, Rem };

template <class T, Op which> static Handler arithmetic() {
  return mapBinary<T, T, T, [](T a, T b) -> T {
    using A = Arithmetic<T>;
    if constexpr (which == Add)
      return static_cast<T>(static_cast<A>(a) + static_cast<A>(b));
    if constexpr (which == Sub)
      return static_cast<T>(static_cast<A>(a) - static_cast<A>(b));
    if constexpr (which == Min)
      return a < b ? a : b;
    if constexpr (which == Max)
      return b < a ? a : b;
    // What a division by zero gives is left open by PTX; cards give all ones, and the dividend as the remainder.
    if (b == 0)
      return which == Div ? static_cast<T>(-1) : a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return which == Div ? static_cast<T>(A(0) - static_cast<A>(a)) : T(0);
    return static_cast<T>(which == Div ? a / b : a % b);
  }>;
}

template <Op which> static void buildArithmetic(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  Type t = d.type();
  operandsOf(d, {t, t, t});
  i.run = byType(d, t, [&]<class T>() { return arithmetic<T, which>(); });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Addition with saturation and carry
//===----------------------------------------------------------------------------------------------------------------------===//

template <class T, bool isSub> static void carryRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]), *b = w.in<T>(i.op[2]);
  T *out = w.out<T>(i.op[0]);
  uint32_t carry = w.carry;
  bool takes = i.mode & 1, gives = i.mode & 2;
  activeLanes(w.exec, [&](unsigned l) {
    T in = takes && w.carry >> l & 1, x = a[l], y = b[l];
    T sum = isSub ? x - y - in : x + y + in;
    bool over = isSub ? x < y || (in && x == y) : sum < x || (in && sum == x);
    out[l] = sum;
    if (gives)
      carry = (carry & ~(1u << l)) | uint32_t(over) << l;
  });
  w.carry = carry;
}

template <bool isSub> static void buildAdd(Decoder &d, Inst &i) {
  bool takes = d.text().opcode.size() == 4, gives = d.has("cc"), saturates = d.has("sat");
  if (!takes && !gives && !saturates)
    return buildArithmetic<isSub ? Sub : Add>(d, i);
  i.kind = Class::Integer;
  i.mode = static_cast<uint8_t>(takes | gives << 1);
  Type t = d.type();
  operandsOf(d, {t, t, t});
  if (saturates) {
    if (t != Type::S32 || takes || gives)
      return d.fail("'" + d.spelled() + "': .sat is for s32 alone");
    i.run = mapBinary<int32_t, int32_t, int32_t, [](int32_t a, int32_t b) {
      int64_t sum = isSub ? int64_t(a) - b : int64_t(a) + b;
      return sum < INT32_MIN ? INT32_MIN : INT32_MAX < sum ? INT32_MAX : sum;
    }>;
  } else if (bytesOf(t) == 4) {
    i.run = carryRun<uint32_t, isSub>;
  } else if (bytesOf(t) == 8) {
    i.run = carryRun<uint64_t, isSub>;
  } else {
    d.fail("'" + d.spelled() + "': a carry is for 32 and 64 bits");
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------------------------------------------------------===//

template <class T> struct Twice;
template <> struct Twice<uint16_t> {
  using type = uint32_t;
};
template <> struct Twice<int16_t> {
  using type = int32_t;
};
template <> struct Twice<uint32_t> {
  using type = uint64_t;
};
template <> struct Twice<int32_t> {
  using type = int64_t;
};
template <> struct Twice<uint64_t> {
  using type = unsigned __int128;
};
template <> struct Twice<int64_t> {
  using type = __int128;
};

template <class T> static T upper(T a, T b) { return static_cast<T>(typename Twice<T>::type(a) * b >> 8 * sizeof(T)); }

static Type twice(Type t) {
  switch (t) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  default:
    return Type::S64;
  }
}

/// `mul` and `mad`, of which lo, hi and wide parts are wanted.
static void buildProduct(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool adds = d.text().opcode == "mad";
  int part = d.oneOf({"lo", "hi", "wide"}, -1);
  Type t = d.type(), result = part == 2 ? twice(t) : t;
  if (part == 2 && bytesOf(t) == 8)
    return d.fail("'" + d.spelled() + "': .wide is for 16 and 32 bits");
  adds ? operandsOf(d, {result, t, t, result}) : operandsOf(d, {result, t, t});
  i.run = byType(d, t, [&]<class T>() -> Handler {
    using W = typename Twice<T>::type;
    using A = Arithmetic<T>;
    if (part == 2) {
      if constexpr (sizeof(T) < 8)
        return adds ? mapTernary<W, T, T, W, [](T a, T b, W c) { return Unsigned<W>(W(a) * b) + Unsigned<W>(c); }>
                    : mapBinary<W, T, T, [](T a, T b) { return W(a) * b; }>;
      return nullptr;
    }
    if (part == 1)
      return adds ? mapTernary<T, T, T, T, [](T a, T b, T c) { return A(upper<T>(a, b)) + A(c); }>
                  : mapBinary<T, T, T, [](T a, T b) { return upper<T>(a, b); }>;
    return adds ? mapTernary<T, T, T, T, [](T a, T b, T c) { return A(a) * A(b) + A(c); }>
                : mapBinary<T, T, T, [](T a, T b) { return A(a) * A(b); }>;
  });
}

template <class A, class B> static int32_t dot4(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t sum = c;
  for (unsigned k = 0; k < 32; k += 8)
    sum += static_cast<uint32_t>(static_cast<A>(a >> k) * static_cast<B>(b >> k));
  return static_cast<int32_t>(sum);
}

static void buildDot4(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  Type a = d.type(), b = d.type();
  operandsOf(d, {Type::B32, Type::B32, Type::B32, Type::B32});
  using U = uint32_t;
  i.run = a == Type::S32   ? b == Type::S32 ? mapTernary<U, U, U, U, dot4<int8_t, int8_t>>
                                            : mapTernary<U, U, U, U, dot4<int8_t, uint8_t>>
          : b == Type::S32 ? mapTernary<U, U, U, U, dot4<uint8_t, int8_t>>
                           : mapTernary<U, U, U, U, dot4<uint8_t, uint8_t>>;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------------------------------------------------------===//

static void buildNegate(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool isAbs = d.text().opcode == "abs";
  Type t = d.type();
  operandsOf(d, {t, t});
  i.run = byType(d, t, [&]<class T>() -> Handler {
    using A = Arithmetic<T>;
    return isAbs ? mapUnary<T, T, [](T a) { return a < 0 ? A(0) - A(a) : A(a); }>
                 : mapUnary<T, T, [](T a) { return A(0) - A(a); }>;
  });
}

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

static void buildPermute(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  d.type();
  operandsOf(d, {Type::B32, Type::B32, Type::B32, Type::B32});
  i.run = mapTernary<uint32_t, uint32_t, uint32_t, uint32_t, permute>;
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

/// |a - b| + c
static void buildSad(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  Type t = d.type();
  operandsOf(d, {t, t, t, t});
  i.run = byType(d, t, [&]<class T>() -> Handler {
    using A = Arithmetic<T>;
    return mapTernary<T, T, T, T, [](T a, T b, T c) { return A(c) + (a < b ? A(b) - A(a) : A(a) - A(b)); }>;
  });
}

std::span<const Builder> integerBuilders() {
  static constexpr Builder table[] = {{"add", buildAdd<false>},
                                      {"addc", buildAdd<false>},
                                      {"sub", buildAdd<true>},
                                      {"subc", buildAdd<true>},
                                      {"min", buildArithmetic<Min>},
                                      {"max", buildArithmetic<Max>},
                                      {"div", buildArithmetic<Div>},
                                      {"rem", buildArithmetic<Rem>},
                                      {"mul", buildProduct},
                                      {"mad", buildProduct},
                                      {"dp4a", buildDot4},
                                      {"neg", buildNegate},
                                      {"abs", buildNegate},
                                      {"popc", buildCountBits},
                                      {"clz", buildCountBits},
                                      {"brev", buildCountBits},
                                      {"bfind", buildCountBits},
                                      {"shl", buildShift},
                                      {"shr", buildShift},
                                      {"shf", buildFunnel},
                                      {"bfe", buildField},
                                      {"bfi", buildField},
                                      {"prmt", buildPermute},
                                      {"lop3", buildLop3},
                                      {"sad", buildSad}};
  return table;
}

} // namespace nncc::emu
