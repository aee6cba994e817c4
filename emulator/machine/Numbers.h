//===- Numbers.h - IEEE arithmetic that the host does not have ---------------------------------------------------===//

#ifndef NNCCEMU_NUMBERS_H
#define NNCCEMU_NUMBERS_H

#include <bit>
#include <cmath>
#include <cstdint>
#include <immintrin.h>

namespace nncc::emu {

/// What a card gives for NaN.
inline constexpr uint32_t canonicalNan = 0x7fffffff;
inline constexpr uint16_t canonicalHalfNan = 0x7fff;

enum class Rounding : uint8_t { Nearest, Zero, Down, Up, NearestAway };

inline float canonical(float x) { return x == x ? x : std::bit_cast<float>(canonicalNan); }

/// Subnormals become zeros of their sign.
inline float flushed(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>(bits & 0x7f800000 ? bits : bits & 0x80000000);
}

inline float saturated(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }

/// A double rounded to the odd neighbour: rounding it again, to fewer bits, gives what one rounding would have given.
inline float oddFloat(double d) {
  float f = static_cast<float>(d);
  if (static_cast<double>(f) == d || d != d)
    return f;
  if (std::isinf(f))
    return std::copysign(3.40282347e38f, f);
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if (!(bits & 1)) {
    bool grow = std::fabs(d) > std::fabs(static_cast<double>(f));
    bits = grow || !(bits & 0x7fffffff) ? bits + 1 : bits - 1;
  }
  return std::bit_cast<float>(bits);
}

/// a * b + c for floats whose product is exact in a double, rounded to odd.
inline double oddFma(double a, double b, double c) {
  double p = a * b, s = p + c;
  if (!std::isfinite(s))
    return s;
  double back = s - p, error = (p - (s - back)) + (c - back);
  uint64_t bits = std::bit_cast<uint64_t>(s);
  if (error == 0 || bits & 1)
    return s;
  return std::bit_cast<double>((error > 0) == (s > 0) ? bits + 1 : bits - 1);
}

inline float fromHalf(uint16_t bits) { return _cvtsh_ss(bits); }

inline uint16_t toHalf(float x, Rounding r = Rounding::Nearest) {
  if (x != x)
    return canonicalHalfNan;
  switch (r) {
  case Rounding::Zero:
    return _cvtss_sh(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  case Rounding::Down:
    return _cvtss_sh(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  case Rounding::Up:
    return _cvtss_sh(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
  default:
    return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
}

inline float fromBrain(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint32_t roundedOff(uint32_t bits, unsigned drop, Rounding r) {
  uint32_t low = bits & ((1u << drop) - 1), half = 1u << (drop - 1), kept = bits >> drop;
  bool negative = bits >> 31, up = false;
  switch (r) {
  case Rounding::Nearest:
    up = low > half || (low == half && kept & 1);
    break;
  case Rounding::NearestAway:
    up = low >= half;
    break;
  case Rounding::Zero:
    break;
  case Rounding::Down:
    up = low && negative;
    break;
  case Rounding::Up:
    up = low && !negative;
    break;
  }
  return kept + up;
}

inline uint16_t toBrain(float x, Rounding r = Rounding::Nearest) {
  return x == x ? static_cast<uint16_t>(roundedOff(std::bit_cast<uint32_t>(x), 16, r)) : canonicalHalfNan;
}

/// tf32 has 10 bits of mantissa; the 13 bits below are zero.
inline float toTf32(float x, Rounding r) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  return x == x && !std::isinf(x) ? std::bit_cast<float>(roundedOff(bits, 13, r) << 13) : canonical(x);
}

} // namespace nncc::emu

#endif
