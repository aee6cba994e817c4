//===- Compare.cpp - setp, set, selp, slct, testp ----------------------------------------------------------------===//

#include "Decoder.h"
#include "Numbers.h"
#include "Warp.h"

namespace nncc::emu {

using ptx::bytesOf;

enum Comparison { Eq, Ne, Lt, Le, Gt, Ge, Lo, Ls, Hi, Hs, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };
enum Combination : uint8_t { And = 1, Or = 2, Xor = 3 };

template <class T> static bool isNaN(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(value);
  return false;
}

template <Comparison c, class T> static bool compare(T a, T b) {
  bool unordered = isNaN(a) || isNaN(b);
  if constexpr (c == Eq)
    return a == b;
  if constexpr (c == Ne)
    return !unordered && a != b;
  if constexpr (c == Lt)
    return a < b;
  if constexpr (c == Le)
    return a <= b;
  if constexpr (c == Gt)
    return a > b;
  if constexpr (c == Ge)
    return a >= b;
  if constexpr (c == Equ)
    return unordered || a == b;
  if constexpr (c == Neu)
    return unordered || a != b;
  if constexpr (c == Ltu)
    return unordered || a < b;
  if constexpr (c == Leu)
    return unordered || a <= b;
  if constexpr (c == Gtu)
    return unordered || a > b;
  if constexpr (c == Geu)
    return unordered || a >= b;
  return unordered == (c == Nan);
}

namespace {
struct Plain {
  template <class T> T operator()(T x) const { return x; }
};
struct Flushed {
  float operator()(float x) const { return flushed(x); }
};
/// The half at bit `shift`, whose subnormals are zeros where there is an exponent to know them by.
template <float (*widen)(uint16_t), uint16_t exponent, unsigned shift> struct Half {
  template <class T> float operator()(T x) const {
    uint16_t bits = static_cast<uint16_t>(x >> shift);
    return widen(exponent && !(bits & exponent) ? bits & 0x8000 : bits);
  }
};
template <unsigned shift> using F16 = Half<fromHalf, 0, shift>;
template <unsigned shift> using F16Flushed = Half<fromHalf, 0x7c00, shift>;
template <unsigned shift> using BF16 = Half<fromBrain, 0, shift>;
} // namespace

/// A bit for each lane.
template <class T, class L> static uint32_t comparedBits(Warp &w, const Inst &i, Slot first, Slot second) {
  const T *a = w.in<T>(first), *b = w.in<T>(second);
  auto by = [=]<Comparison c>() {
    L load;
    return bitsWhere([=](unsigned l) { return compare<c>(load(a[l]), load(b[l])); });
  };
  switch (static_cast<Comparison>(i.mode)) {
  case Eq:
    return by.template operator()<Eq>();
  case Ne:
    return by.template operator()<Ne>();
  case Lt:
  case Lo:
    return by.template operator()<Lt>();
  case Le:
  case Ls:
    return by.template operator()<Le>();
  case Gt:
  case Hi:
    return by.template operator()<Gt>();
  case Ge:
  case Hs:
    return by.template operator()<Ge>();
  default:
    break;
  }
  // What follows asks whether there is an order: integers are never without.
  if constexpr (std::is_integral_v<decltype(L()(T()))>) {
    return i.mode == Nan ? 0 : allLanes;
  } else {
    switch (static_cast<Comparison>(i.mode)) {
    case Equ:
      return by.template operator()<Equ>();
    case Neu:
      return by.template operator()<Neu>();
    case Ltu:
      return by.template operator()<Ltu>();
    case Leu:
      return by.template operator()<Leu>();
    case Gtu:
      return by.template operator()<Gtu>();
    case Geu:
      return by.template operator()<Geu>();
    case Num:
      return by.template operator()<Num>();
    default:
      return by.template operator()<Nan>();
    }
  }
}

/// `bytes` is the combination with a third operand, a predicate; `count` says whether it is negated.
static uint32_t combined(Warp &w, const Inst &i, uint32_t bits) {
  if (!i.bytes)
    return bits;
  uint32_t p = *w.in<uint32_t>(i.op[4]);
  p = i.count ? ~p : p;
  return i.bytes == And ? bits & p : i.bytes == Or ? bits | p : bits ^ p;
}

static void writeBits(Warp &w, Slot slot, uint32_t bits) {
  uint32_t *d = w.out<uint32_t>(slot);
  *d = (*d & ~w.exec) | (bits & w.exec);
}

/// op: p, q, a, b, and a predicate to combine with.
template <class T, class L> static void setpRun(Warp &w, const Inst &i) {
  uint32_t bits = comparedBits<T, L>(w, i, i.op[2], i.op[3]);
  uint32_t p = combined(w, i, bits), q = combined(w, i, ~bits);
  writeBits(w, i.op[0], p);
  if (i.op[1] != noSlot)
    writeBits(w, i.op[1], q);
}

/// Of pairs: p is what the lower halves give, q what the upper ones do.
template <class Low, class High> static void setpPairRun(Warp &w, const Inst &i) {
  uint32_t p = combined(w, i, comparedBits<uint32_t, Low>(w, i, i.op[2], i.op[3]));
  uint32_t q = combined(w, i, comparedBits<uint32_t, High>(w, i, i.op[2], i.op[3]));
  writeBits(w, i.op[0], p);
  writeBits(w, i.op[1], q);
}

/// op: d, unused, a, b, predicate: what `offset` holds, all ones or 1.0, in the lanes where the comparison holds.
template <class D, class T, class L> static void setRun(Warp &w, const Inst &i) {
  uint32_t bits = combined(w, i, comparedBits<T, L>(w, i, i.op[2], i.op[3]));
  D yes = static_cast<D>(i.offset);
  eachLane<D>(w, i.op[0], [=](unsigned l) { return bits >> l & 1 ? yes : D(0); });
}

/// Of pairs: the same in each half.
template <class Low, class High> static void setPairRun(Warp &w, const Inst &i) {
  uint32_t low = combined(w, i, comparedBits<uint32_t, Low>(w, i, i.op[2], i.op[3]));
  uint32_t high = combined(w, i, comparedBits<uint32_t, High>(w, i, i.op[2], i.op[3]));
  uint32_t yes = static_cast<uint16_t>(i.offset);
  eachLane<uint32_t>(w, i.op[0],
                     [=](unsigned l) { return (low >> l & 1 ? yes : 0) | (high >> l & 1 ? yes << 16 : 0); });
}

template <class F> static Handler byComparedType(Decoder &d, Type t, bool ftz, F f) {
  switch (t) {
  case Type::B16:
  case Type::U16:
    return f.template operator()<uint16_t, Plain>();
  case Type::S16:
    return f.template operator()<int16_t, Plain>();
  case Type::B32:
  case Type::U32:
    return f.template operator()<uint32_t, Plain>();
  case Type::S32:
    return f.template operator()<int32_t, Plain>();
  case Type::B64:
  case Type::U64:
    return f.template operator()<uint64_t, Plain>();
  case Type::S64:
    return f.template operator()<int64_t, Plain>();
  case Type::F32:
    return ftz ? f.template operator()<float, Flushed>() : f.template operator()<float, Plain>();
  case Type::F64:
    return f.template operator()<double, Plain>();
  case Type::F16:
    return ftz ? f.template operator()<uint16_t, F16Flushed<0>>() : f.template operator()<uint16_t, F16<0>>();
  case Type::BF16:
    return f.template operator()<uint16_t, BF16<0>>();
  default:
    d.fail("'" + d.spelled() + "' does not compare ." + std::string(ptx::nameOf(t)));
    return nullptr;
  }
}

static bool isPair(Type t) { return t == Type::F16x2 || t == Type::BF16x2; }

template <class F> static Handler byPair(Type t, bool ftz, F f) {
  if (t == Type::BF16x2)
    return f.template operator()<BF16<0>, BF16<16>>();
  return ftz ? f.template operator()<F16Flushed<0>, F16Flushed<16>>() : f.template operator()<F16<0>, F16<16>>();
}

/// The comparison, and what it is combined with.
static void comparisonOf(Decoder &d, Inst &i) {
  i.mode = static_cast<uint8_t>(d.oneOf({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu",
                                         "ltu", "leu", "gtu", "geu", "num", "nan"},
                                        -1));
  i.bytes = static_cast<uint8_t>((d.oneOf({"and", "or", "xor"}, 3) + 1) & 3);
}

/// What stands behind the destinations: two of type `t`, and a predicate to combine with.
static void comparedOperands(Decoder &d, Inst &i, Type t) {
  i.kind = t == Type::F64 ? Class::Double : ptx::isFloat(t) ? Class::Float : Class::Integer;
  if (ptx::isFloat(t) ? i.mode >= Lo && i.mode <= Hs : i.mode >= Equ)
    return d.fail("'" + d.spelled() + "': this comparison is not for ." + std::string(ptx::nameOf(t)));
  d.in(1, t);
  d.in(2, t);
  i.count = 0;
  if (i.bytes) {
    ptx::Operand p = d.operand(3);
    i.count = p.negated;
    p.negated = false;
    d.in(p, Type::Pred);
  }
}

static void buildSetp(Decoder &d, Inst &i) {
  comparisonOf(d, i);
  bool ftz = d.has("ftz");
  Type t = d.type();
  size_t count = i.bytes ? 4 : 3;
  if (!d.operands(count, count))
    return;
  const ptx::Operand &to = d.operand(0);
  bool two = to.kind == ptx::Operand::Pair;
  if (isPair(t) && !two)
    return d.fail("'" + d.spelled() + "' gives two predicates, p|q");
  d.out(two ? to.elements[0] : to, Type::Pred);
  two ? d.out(to.elements[1], Type::Pred) : d.slot(noSlot);
  comparedOperands(d, i, t);
  if (isPair(t))
    i.run = byPair(t, ftz, []<class Low, class High>() -> Handler { return setpPairRun<Low, High>; });
  else
    i.run = byComparedType(d, t, ftz, []<class T, class L>() -> Handler { return setpRun<T, L>; });
}

/// What set gives where the comparison holds.
static uint32_t yesOf(Type result) {
  switch (result) {
  case Type::F32:
    return 0x3f800000;
  case Type::F16:
  case Type::F16x2:
    return 0x3c00;
  case Type::BF16:
  case Type::BF16x2:
    return 0x3f80;
  default:
    return 0xffffffff;
  }
}

static void buildSet(Decoder &d, Inst &i) {
  comparisonOf(d, i);
  bool ftz = d.has("ftz");
  Type result = d.type(), t = d.type();
  size_t count = i.bytes ? 4 : 3;
  if (!d.operands(count, count))
    return;
  d.out(0, result);
  d.slot(noSlot);
  comparedOperands(d, i, t);
  i.offset = yesOf(result);
  bool isHalf = t == Type::F16 || t == Type::BF16;
  if (bytesOf(result) != 4 && !(isHalf && bytesOf(result) == 2))
    return d.fail("'" + d.spelled() + "' sets 32 bits, or 16 where halves are compared");
  if (isPair(t))
    i.run = byPair(t, ftz, []<class Low, class High>() -> Handler { return setPairRun<Low, High>; });
  else if (bytesOf(result) == 2)
    i.run = byComparedType(d, t, ftz, []<class T, class L>() -> Handler { return setRun<uint16_t, T, L>; });
  else
    i.run = byComparedType(d, t, ftz, []<class T, class L>() -> Handler { return setRun<uint32_t, T, L>; });
}

template <class T> static void selectRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]), *b = w.in<T>(i.op[2]);
  uint32_t p = *w.in<uint32_t>(i.op[3]);
  if (i.mode)
    p = ~p;
  eachLane<T>(w, i.op[0], [=](unsigned l) { return p >> l & 1 ? a[l] : b[l]; });
}

static void buildSelect(Decoder &d, Inst &i) {
  i.kind = Class::Move;
  Type t = d.type();
  if (!d.operands(4, 4))
    return;
  d.out(0, t);
  d.in(1, t);
  d.in(2, t);
  ptx::Operand p = d.operand(3);
  i.mode = p.negated;
  p.negated = false;
  d.in(p, Type::Pred);
  i.run = bytesOf(t) == 2 ? selectRun<uint16_t> : bytesOf(t) == 4 ? selectRun<uint32_t> : selectRun<uint64_t>;
}

template <class T, class C> static void slctRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]), *b = w.in<T>(i.op[2]);
  const C *c = w.in<C>(i.op[3]);
  eachLane<T>(w, i.op[0], [=](unsigned l) { return c[l] >= 0 ? a[l] : b[l]; });
}

static void buildSlct(Decoder &d, Inst &i) {
  i.kind = Class::Move;
  Type t = d.type(), c = d.type();
  if (!d.operands(4, 4))
    return;
  d.out(0, t);
  d.in(1, t);
  d.in(2, t);
  d.in(3, c);
  if (bytesOf(t) < 4 || (c != Type::S32 && c != Type::F32))
    return d.fail("'" + d.spelled() + "' chooses 32 or 64 bits by s32 or f32");
  if (bytesOf(t) == 4)
    i.run = c == Type::S32 ? slctRun<uint32_t, int32_t> : slctRun<uint32_t, float>;
  else
    i.run = c == Type::S32 ? slctRun<uint64_t, int32_t> : slctRun<uint64_t, float>;
}

template <class T> static void testRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]);
  constexpr int kinds[] = {FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL};
  eachBit(w, i.op[0], [&](unsigned l) {
    int kind = std::fpclassify(a[l]);
    if (i.mode < 4)
      return kind == kinds[i.mode] || (i.mode == 2 && kind == FP_ZERO);
    return i.mode == 4 ? kind != FP_NAN && kind != FP_INFINITE : kind != FP_NAN;
  });
}

static void buildTest(Decoder &d, Inst &i) {
  i.mode = static_cast<uint8_t>(d.oneOf({"notanumber", "infinite", "normal", "subnormal", "finite", "number"}, -1));
  Type t = d.type();
  i.kind = t == Type::F64 ? Class::Double : Class::Float;
  if (!d.operands(2, 2))
    return;
  d.out(0, Type::Pred);
  d.in(1, t);
  i.run = t == Type::F64 ? testRun<double> : testRun<float>;
}

std::span<const Builder> compareBuilders() {
  static constexpr Builder table[] = {
      {"setp", buildSetp}, {"set", buildSet}, {"selp", buildSelect}, {"slct", buildSlct}, {"testp", buildTest}};
  return table;
}

} // namespace nncc::emu
