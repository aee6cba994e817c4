//===- Ulp.h - how far a float is from the truth ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_MATH_ULP_H
#define NNCC_TEST_UNIT_MATH_ULP_H

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

/// The distance between `got` and `expected` in units of the last place that a float near `expected` has; infinite for
/// a NaN or a number too many, and for a zero or an infinity of the wrong sign. An infinity counts as 2^128.
inline double ulpError(float got, double expected) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(got) || std::isnan(expected))
    return std::isnan(got) && std::isnan(expected) ? 0 : wrong;
  if (std::signbit(got) != std::signbit(expected))
    return wrong;
  if (std::isinf(got) && std::isinf(expected))
    return 0;
  constexpr double limit = 0x1p+128;
  double a = std::min(double(std::fabs(got)), limit), b = std::min(std::fabs(expected), limit);
  if (b == 0)
    return a == 0 ? 0 : wrong; // no function of these has a zero that is not exact
  int exponent = int(std::bit_cast<uint64_t>(b) >> 52) - 1023;
  return std::fabs(a - b) / std::bit_cast<double>(uint64_t(std::clamp(exponent, -126, 127) - 23 + 1023) << 52);
}

#endif // NNCC_TEST_UNIT_MATH_ULP_H
