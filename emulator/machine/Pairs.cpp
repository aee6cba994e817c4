//===- Pairs.cpp - two f32 in 64 bits, two integers of 16 bits in 32 ---------------------------------------------===//
///
/// \file
/// add, sub, mul and fma of .f32x2 (sm_100); add, min and max of .u16x2 and .s16x2 (sm_90). Pairs of halves are in Half.cpp.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Decoder.h"
#include "Numbers.h"
#include "Warp.h"

namespace nncc::emu {

static float singleOf(uint64_t pair, unsigned shift) {
  return std::bit_cast<float>(static_cast<uint32_t>(pair >> shift));
}

template <unsigned arity, auto op, bool ftz> static void singlesRun(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.op[1]), *b = w.in<uint64_t>(i.op[2]),
                 *c = arity > 2 ? w.in<uint64_t>(i.op[3]) : a;
  eachLane<uint64_t>(w, i.op[0], [=](unsigned l) {
    uint64_t pair = 0;
    for (unsigned shift : {0, 32}) {
      float x = singleOf(a[l], shift), y = singleOf(b[l], shift), z = singleOf(c[l], shift), r;
      if (ftz)
        x = flushed(x), y = flushed(y), z = flushed(z);
      if constexpr (arity == 2)
        r = op(x, y);
      else
        r = op(x, y, z);
      pair |= uint64_t(std::bit_cast<uint32_t>(canonical(ftz ? flushed(r) : r))) << shift;
    }
    return pair;
  });
}

static void pairOperands(Decoder &d, Type t, size_t arity) {
  if (!d.operands(arity + 1, arity + 1))
    return;
  d.out(0, t);
  for (size_t k = 1; k <= arity; ++k)
    d.in(k, t);
}

template <auto op, unsigned arity> static void buildSingles(Decoder &d, Inst &i) {
  i.kind = Class::Float;
  d.has("rn");
  bool ftz = d.has("ftz");
  Type t = d.type();
  pairOperands(d, t, arity);
  if (t != Type::F32x2)
    return d.fail("'" + d.spelled() + "' does not take ." + std::string(ptx::nameOf(t)));
  i.run = ftz ? singlesRun<arity, op, true> : singlesRun<arity, op, false>;
}

template <class T, auto op> static Handler integerPair() {
  return mapBinary<uint32_t, uint32_t, uint32_t, [](uint32_t a, uint32_t b) {
    auto part = [](uint32_t x, unsigned shift) { return static_cast<T>(x >> shift); };
    auto half = [&](unsigned shift) {
      return uint32_t(static_cast<uint16_t>(op(part(a, shift), part(b, shift)))) << shift;
    };
    return half(0) | half(16);
  }>;
}

template <auto op> static void buildIntegers(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  Type t = d.type();
  pairOperands(d, t, 2);
  i.run = t == Type::S16x2 ? integerPair<int16_t, op>() : integerPair<uint16_t, op>();
}

static void buildAdd(Decoder &d, Inst &i) {
  constexpr auto add = [](auto a, auto b) { return a + b; };
  d.peekType() == Type::F32x2 ? buildSingles<add, 2>(d, i) : buildIntegers<add>(d, i);
}

std::span<const Builder> pairBuilders() {
  static constexpr Builder table[] = {
      {"add", buildAdd},
      {"sub", buildSingles<[](float a, float b) { return a - b; }, 2>},
      {"mul", buildSingles<[](float a, float b) { return a * b; }, 2>},
      {"fma", buildSingles<[](float a, float b, float c) { return std::fma(a, b, c); }, 3>},
      {"min", buildIntegers<[](auto a, auto b) { return a < b ? a : b; }>},
      {"max", buildIntegers<[](auto a, auto b) { return a < b ? b : a; }>}};
  return table;
}

} // namespace nncc::emu
