//===- Half.cpp - f16, bf16 and pairs of them --------------------------------------------------------------------===//
///
/// \file
/// Sums, products and quotients of 11 bits are rounded right by way of 24; only fma needs a step more (oddFma).
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Decoder.h"
#include "Numbers.h"
#include "Warp.h"

namespace nncc::emu {

namespace {
enum Flag : uint8_t { Ftz = 1, Sat = 2, Relu = 4 };

struct F16 {
  static float load(uint16_t x) { return fromHalf(x); }
  static uint16_t store(float x) { return toHalf(x); }
  static constexpr uint16_t exponent = 0x7c00;
};
struct BF16 {
  static float load(uint16_t x) { return fromBrain(x); }
  static uint16_t store(float x) { return toBrain(x); }
  static constexpr uint16_t exponent = 0x7f80;
};
} // namespace

template <class F> static uint16_t flushedHalf(uint16_t x) { return x & F::exponent ? x : x & 0x8000; }

template <class F> static uint16_t finished(float r, unsigned flags) {
  if (flags & Sat)
    r = saturated(r);
  if (flags & Relu)
    r = r > 0 || r != r ? r : 0.0f;
  uint16_t bits = F::store(r);
  return flags & Ftz ? flushedHalf<F>(bits) : bits;
}

/// One half of an operation: `op` gets floats.
template <class F, unsigned arity, auto op> static uint16_t once(uint16_t a, uint16_t b, uint16_t c, unsigned flags) {
  if (flags & Ftz)
    a = flushedHalf<F>(a), b = flushedHalf<F>(b), c = flushedHalf<F>(c);
  if constexpr (arity == 1)
    return finished<F>(op(F::load(a)), flags);
  else if constexpr (arity == 2)
    return finished<F>(op(F::load(a), F::load(b)), flags);
  else
    return finished<F>(op(F::load(a), F::load(b), F::load(c)), flags);
}

template <class F, class T, unsigned arity, auto op> static void halfRun(Warp &w, const Inst &i) {
  const T *a = w.in<T>(i.op[1]), *b = arity > 1 ? w.in<T>(i.op[2]) : a, *c = arity > 2 ? w.in<T>(i.op[3]) : a;
  unsigned flags = i.mode;
  eachLane<T>(w, i.op[0], [=](unsigned l) -> T {
    T r = 0;
    for (unsigned shift = 0; shift < 8 * sizeof(T); shift += 16)
      r |= static_cast<T>(once<F, arity, op>(static_cast<uint16_t>(a[l] >> shift), static_cast<uint16_t>(b[l] >> shift),
                                             static_cast<uint16_t>(c[l] >> shift), flags))
           << shift;
    return r;
  });
}

template <auto op, unsigned arity> static void buildHalf(Decoder &d, Inst &i) {
  i.kind = Class::Half;
  d.oneOf({"rn", "approx"}, 0);
  i.mode = static_cast<uint8_t>((d.has("ftz") ? Ftz : 0) | (d.has("sat") ? Sat : 0) | (d.has("relu") ? Relu : 0));
  Type t = d.type();
  bool pair = t == Type::F16x2 || t == Type::BF16x2, brain = t == Type::BF16 || t == Type::BF16x2;
  if (!d.operands(arity + 1, arity + 1))
    return;
  d.out(0, t);
  for (size_t k = 1; k <= arity; ++k)
    d.in(k, t);
  i.run = pair    ? brain ? halfRun<BF16, uint32_t, arity, op> : halfRun<F16, uint32_t, arity, op>
          : brain ? halfRun<BF16, uint16_t, arity, op>
                  : halfRun<F16, uint16_t, arity, op>;
}

template <bool isMin, bool nan> static float extreme(float a, float b) {
  if (a != a || b != b)
    return nan || (a != a && b != b) ? NAN : a != a ? b : a;
  return (a == b ? std::signbit(a) == isMin : isMin ? a < b : a > b) ? a : b;
}

template <bool isMin> static void buildExtreme(Decoder &d, Inst &i) {
  d.has("NaN") ? buildHalf<extreme<isMin, true>, 2>(d, i) : buildHalf<extreme<isMin, false>, 2>(d, i);
}

template <bool isAbs> static void buildSign(Decoder &d, Inst &i) {
  i.kind = Class::Half;
  Type t = d.type();
  if (!d.operands(2, 2))
    return;
  d.out(0, t);
  d.in(1, t);
  if (ptx::bytesOf(t) == 4)
    i.run = mapUnary<uint32_t, uint32_t, [](uint32_t a) { return isAbs ? a & 0x7fff7fff : a ^ 0x80008000; }>;
  else
    i.run = mapUnary<uint16_t, uint16_t, [](uint16_t a) { return isAbs ? a & 0x7fff : a ^ 0x8000; }>;
}

static float fusedHalf(float a, float b, float c) { return oddFloat(oddFma(a, b, c)); }
static float exp2Half(float a) { return oddFloat(std::exp2(static_cast<double>(a))); }
static float tanhHalf(float a) { return oddFloat(std::tanh(static_cast<double>(a))); }

std::span<const Builder> halfBuilders() {
  static constexpr Builder table[] = {{"add", buildHalf<[](float a, float b) { return a + b; }, 2>},
                                      {"sub", buildHalf<[](float a, float b) { return a - b; }, 2>},
                                      {"mul", buildHalf<[](float a, float b) { return a * b; }, 2>},
                                      {"fma", buildHalf<fusedHalf, 3>},
                                      {"min", buildExtreme<true>},
                                      {"max", buildExtreme<false>},
                                      {"neg", buildSign<false>},
                                      {"abs", buildSign<true>},
                                      {"ex2", buildHalf<exp2Half, 1>},
                                      {"tanh", buildHalf<tanhHalf, 1>}};
  return table;
}

} // namespace nncc::emu
