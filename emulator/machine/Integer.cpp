//===- Integer.cpp - integer arithmetic and bits -----------------------------------------------------------------===//

#include "Integers.h"

namespace nncc::emu {

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

/// mad.cc and madc: `mode` as for add.cc, 4 where the upper half is wanted.
template <class T> static void carryProductRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]), *b = w.in<T>(i.op[2]), *c = w.in<T>(i.op[3]);
  T *out = w.out<T>(i.op[0]);
  uint32_t carry = w.carry;
  activeLanes(w.exec, [&](unsigned l) {
    T in = i.mode & 1 && w.carry >> l & 1, product = i.mode & 4 ? upper<T>(a[l], b[l]) : T(a[l] * b[l]), addend = c[l];
    using U = Unsigned<T>;
    U sum = static_cast<U>(product) + static_cast<U>(addend) + static_cast<U>(in);
    bool over = sum < static_cast<U>(product) || (in && sum == static_cast<U>(product));
    out[l] = static_cast<T>(sum);
    if (i.mode & 2)
      carry = (carry & ~(1u << l)) | uint32_t(over) << l;
  });
  w.carry = carry;
}

/// `mul` and `mad`, of which lo, hi and wide parts are wanted.
static void buildProduct(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool adds = d.text().opcode != "mul", takes = d.text().opcode == "madc", gives = adds && d.has("cc");
  int part = d.oneOf({"lo", "hi", "wide"}, -1);
  bool saturates = part == 1 && adds && d.has("sat");
  Type t = d.type(), result = part == 2 ? twice(t) : t;
  if (takes || gives || saturates) {
    operandsOf(d, {t, t, t, t});
    i.mode = static_cast<uint8_t>(takes | gives << 1 | (part == 1) << 2);
    if (saturates ? t != Type::S32 || takes || gives : part == 2 || bytesOf(t) < 4)
      return d.fail("'" + d.spelled() + "': a carry is for .lo and .hi of 32 and 64 bits, .sat for .hi.s32");
    if (saturates)
      i.run = mapTernary<int32_t, int32_t, int32_t, int32_t, [](int32_t a, int32_t b, int32_t c) {
        int64_t sum = int64_t(upper<int32_t>(a, b)) + c;
        return sum < INT32_MIN ? INT32_MIN : INT32_MAX < sum ? INT32_MAX : sum;
      }>;
    else if (bytesOf(t) == 4)
      i.run = ptx::isSigned(t) && part == 1 ? carryProductRun<int32_t> : carryProductRun<uint32_t>;
    else
      i.run = ptx::isSigned(t) && part == 1 ? carryProductRun<int64_t> : carryProductRun<uint64_t>;
    return;
  }
  if (part == 2 && bytesOf(t) == 8)
    return d.fail("'" + d.spelled() + "': .wide is for 16 and 32 bits");
  adds ? operandsOf(d, {result, t, t, result}) : operandsOf(d, {result, t, t});
  i.run = byType(d, t, [&]<class T>() -> Handler {
    using W = Twice<T>::type;
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

/// Two halves of `a` with the lower or upper two bytes of `b`.
template <class A, class B, unsigned shift> static int32_t dot2(uint32_t a, uint32_t b, uint32_t c) {
  for (unsigned k = 0; k < 2; ++k)
    c += static_cast<uint32_t>(static_cast<A>(a >> 16 * k) * static_cast<B>(b >> (shift + 8 * k)));
  return static_cast<int32_t>(c);
}

template <unsigned shift> static Handler dot2For(Type a, Type b) {
  using U = uint32_t;
  if (a == Type::S32)
    return b == Type::S32 ? mapTernary<U, U, U, U, dot2<int16_t, int8_t, shift>>
                          : mapTernary<U, U, U, U, dot2<int16_t, uint8_t, shift>>;
  return b == Type::S32 ? mapTernary<U, U, U, U, dot2<uint16_t, int8_t, shift>>
                        : mapTernary<U, U, U, U, dot2<uint16_t, uint8_t, shift>>;
}

static void buildDot2(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool upper = d.oneOf({"lo", "hi"}, -1) == 1;
  Type a = d.type(), b = d.type();
  operandsOf(d, {Type::B32, Type::B32, Type::B32, Type::B32});
  i.run = upper ? dot2For<16>(a, b) : dot2For<0>(a, b);
}

/// Of the lower 24 bits of each factor, bits 0 to 31 or 16 to 47 of the product.
template <class T> static T product24(T a, T b, bool high) {
  using W = Twice<T>::type;
  auto low24 = [](T x) { return static_cast<W>(static_cast<T>(static_cast<uint32_t>(x) << 8) >> 8); };
  return static_cast<T>(low24(a) * low24(b) >> (high ? 16 : 0));
}

template <class T, bool high> static Handler product24For(bool adds) {
  return adds ? mapTernary<T, T, T, T,
                           [](T a, T b, T c) { return uint32_t(product24<T>(a, b, high)) + static_cast<uint32_t>(c); }>
              : mapBinary<T, T, T, [](T a, T b) { return product24<T>(a, b, high); }>;
}

static void buildProduct24(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool adds = d.text().opcode == "mad24", high = d.oneOf({"lo", "hi"}, -1) == 1;
  Type t = d.type();
  if (t != Type::U32 && t != Type::S32)
    return d.fail("'" + d.spelled() + "' is for .u32 and .s32");
  adds ? operandsOf(d, {t, t, t, t}) : operandsOf(d, {t, t, t});
  if (t == Type::S32)
    i.run = high ? product24For<int32_t, true>(adds) : product24For<int32_t, false>(adds);
  else
    i.run = high ? product24For<uint32_t, true>(adds) : product24For<uint32_t, false>(adds);
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
  static constexpr Builder table[] = {
      {"add", buildAdd<false>},      {"addc", buildAdd<false>},     {"sub", buildAdd<true>},
      {"subc", buildAdd<true>},      {"min", buildArithmetic<Min>}, {"max", buildArithmetic<Max>},
      {"div", buildArithmetic<Div>}, {"rem", buildArithmetic<Rem>}, {"mul", buildProduct},
      {"mad", buildProduct},         {"madc", buildProduct},        {"mul24", buildProduct24},
      {"mad24", buildProduct24},     {"dp4a", buildDot4},           {"dp2a", buildDot2},
      {"neg", buildNegate},          {"abs", buildNegate},          {"sad", buildSad}};
  return table;
}

} // namespace nncc::emu
