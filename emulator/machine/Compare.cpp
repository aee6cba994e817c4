//===- Compare.cpp - setp, set, selp, slct, testp ----------------------------------------------------------------===//

#include "Decoder.h"
#include "Numbers.h"
#include "Warp.h"

namespace nncc::emu {

using ptx::bytesOf;

enum Comparison { Eq, Ne, Lt, Le, Gt, Ge, Lo, Ls, Hi, Hs, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };
enum Combination : uint8_t { And = 1, Or = 2, Xor = 3 };

template <Comparison c, class T> static bool compare(T a, T b) {
  bool unordered = a != a || b != b;
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
struct Half {
  float operator()(uint16_t x) const { return fromHalf(x); }
};
struct Brain {
  float operator()(uint16_t x) const { return fromBrain(x); }
};
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

/// op: d, unused, a, b, predicate: all ones, or 1.0 where `offset` asks for it.
template <class T, class L> static void setRun(Warp &w, const Inst &i) {
  uint32_t bits = combined(w, i, comparedBits<T, L>(w, i, i.op[2], i.op[3]));
  uint32_t yes = static_cast<uint32_t>(i.offset);
  eachLane<uint32_t>(w, i.op[0], [=](unsigned l) { return bits >> l & 1 ? yes : 0; });
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
    return f.template operator()<uint16_t, Half>();
  case Type::BF16:
    return f.template operator()<uint16_t, Brain>();
  default:
    d.fail("'" + d.spelled() + "' does not compare ." + std::string(ptx::nameOf(t)));
    return nullptr;
  }
}

static void buildSet(Decoder &d, Inst &i) {
  bool toPredicate = d.text().opcode == "setp";
  i.mode = static_cast<uint8_t>(d.oneOf({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu",
                                         "ltu", "leu", "gtu", "geu", "num", "nan"},
                                        -1));
  i.bytes = static_cast<uint8_t>((d.oneOf({"and", "or", "xor"}, 3) + 1) & 3);
  bool ftz = d.has("ftz");
  Type result = toPredicate ? Type::Pred : d.type(), t = d.type();
  i.kind = t == Type::F64 ? Class::Double : ptx::isFloat(t) ? Class::Float : Class::Integer;
  if (ptx::isFloat(t) ? i.mode >= Lo && i.mode <= Hs : i.mode >= Equ)
    return d.fail("'" + d.spelled() + "': this comparison is not for ." + std::string(ptx::nameOf(t)));
  size_t count = i.bytes ? 4 : 3;
  if (!d.operands(count, count))
    return;
  const ptx::Operand &to = d.operand(0);
  if (toPredicate && to.kind == ptx::Operand::Pair) {
    d.out(to.elements[0], Type::Pred);
    d.out(to.elements[1], Type::Pred);
  } else {
    d.out(0, result);
    d.slot(noSlot);
  }
  d.in(1, t);
  d.in(2, t);
  i.count = 0;
  if (i.bytes) {
    ptx::Operand p = d.operand(3);
    i.count = p.negated;
    p.negated = false;
    d.in(p, Type::Pred);
  }
  i.offset = result == Type::F32 ? 0x3f800000 : 0xffffffff;
  if (!toPredicate && bytesOf(result) != 4)
    return d.fail("'" + d.spelled() + "' sets 32 bits");
  if (toPredicate)
    i.run = byComparedType(d, t, ftz, []<class T, class L>() -> Handler { return setpRun<T, L>; });
  else
    i.run = byComparedType(d, t, ftz, []<class T, class L>() -> Handler { return setRun<T, L>; });
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
      {"setp", buildSet}, {"set", buildSet}, {"selp", buildSelect}, {"slct", buildSlct}, {"testp", buildTest}};
  return table;
}

} // namespace nncc::emu
