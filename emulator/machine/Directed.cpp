//===- Directed.cpp - operations that do not round to nearest ----------------------------------------------------===//

#include "Directed.h"
#include <cfenv>

namespace nncc::emu {

namespace {
/// The host's rounding mode while it lives.
class Direction {
public:
  explicit Direction(Rounding r) {
    std::fesetround(r == Rounding::Zero   ? FE_TOWARDZERO
                    : r == Rounding::Down ? FE_DOWNWARD
                    : r == Rounding::Up   ? FE_UPWARD
                                          : FE_TONEAREST);
  }
  ~Direction() { std::fesetround(FE_TONEAREST); }
};
} // namespace

/// Through memory that the compiler must take to change with the rounding mode.
template <class T> static T pinned(T value) {
  volatile T at = value;
  return at;
}

template <class T> static T compute(DirectedOp op, T a, T b, T c) {
  switch (op) {
  case DirectedOp::Add:
    return pinned(a) + pinned(b);
  case DirectedOp::Sub:
    return pinned(a) - pinned(b);
  case DirectedOp::Mul:
    return pinned(a) * pinned(b);
  case DirectedOp::Div:
    return pinned(a) / pinned(b);
  case DirectedOp::Fma:
    return std::fma(pinned(a), pinned(b), pinned(c));
  case DirectedOp::Rcp:
    return pinned(T(1)) / pinned(a);
  case DirectedOp::Sqrt:
    return std::sqrt(pinned(a));
  }
  return a;
}

template <class T> static void directed(Warp &w, const Inst &i) {
  DirectedOp op = static_cast<DirectedOp>(i.mode);
  unsigned arity = op == DirectedOp::Fma ? 3 : op == DirectedOp::Rcp || op == DirectedOp::Sqrt ? 1 : 2;
  const T *a = w.in<T>(i.op[1]), *b = arity > 1 ? w.in<T>(i.op[2]) : a, *c = arity > 2 ? w.in<T>(i.op[3]) : a;
  T *out = w.out<T>(i.op[0]);
  bool ftz = i.offset & 4, sat = i.offset & 8;
  Direction direction(static_cast<Rounding>(i.offset & 3));
  activeLanes(w.exec, [&](unsigned l) {
    if constexpr (std::is_same_v<T, double>) {
      out[l] = pinned(compute(op, a[l], b[l], c[l]));
    } else {
      float r = ftz ? flushed(compute(op, flushed(a[l]), flushed(b[l]), flushed(c[l]))) : compute(op, a[l], b[l], c[l]);
      out[l] = pinned(sat ? saturated(r) : canonical(r));
    }
  });
}

void directedFloat(Warp &w, const Inst &i) { directed<float>(w, i); }
void directedDouble(Warp &w, const Inst &i) { directed<double>(w, i); }

template <class D, class S> static D converted(S value, Rounding rounding) {
  Direction direction(rounding);
  return pinned(static_cast<D>(pinned(value)));
}

float floatFrom(int64_t value, Rounding r) { return converted<float>(value, r); }
double doubleFrom(int64_t value, Rounding r) { return converted<double>(value, r); }
float floatFrom(double value, Rounding r) { return canonical(converted<float>(value, r)); }

/// The host has no instruction for unsigned 64 bits: halved, with the lost bit kept sticky, it fits a signed one.
template <class D> static D fromUnsigned(uint64_t value, Rounding r) {
  if (value <= INT64_MAX)
    return converted<D>(static_cast<int64_t>(value), r);
  return 2 * converted<D>(static_cast<int64_t>(value >> 1 | (value & 1)), r);
}
float floatFrom(uint64_t value, Rounding r) { return fromUnsigned<float>(value, r); }
double doubleFrom(uint64_t value, Rounding r) { return fromUnsigned<double>(value, r); }

} // namespace nncc::emu
