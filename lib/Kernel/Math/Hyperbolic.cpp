//===- Hyperbolic.cpp - tanh, sinh, cosh and their inverses ---------------------------------------------------------------===//
//
// Coefficients: scripts/fit-math.py tanh sinh
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"
#include <limits>

namespace nncc::kernel::lanes {

Float tanh(Float x) {
  Float a = abs(x), z = a * a;
  // x + x^3 p(x^2) below 0.625; the larger half of the result, 1 - 2 / (e^2x + 1), has an error of half as many ULPs as
  // its fraction.
  Float p = polynomial(z, {-0x1.555532p-2, 0x1.1106f6p-3, -0x1.b835a4p-5, 0x1.51f8cep-6, -0x1.750cdcp-8});
  Float small = fma(p * z, a, a);
  Float large = 1 - 2 / (exp2OfProduct(atMost(a, 10), constant(x, 0x1.715476p+1)) + 1); // 2 / ln 2
  return copySign(select(a < 0.625, small, large), x);
}

Float sinh(Float x) {
  Float a = abs(x), z = a * a;
  Float p = polynomial(z, {0x1.555556p-3, 0x1.1110ep-7, 0x1.a022bcp-13, 0x1.756c14p-19});
  Float small = fma(p * z, a, a);
  Float half = halfExp(a);
  return copySign(select(a < 1, small, half - 0.25 / half), x);
}

Float cosh(Float x) {
  Float half = halfExp(abs(x));
  return half + 0.25 / half;
}

// The logarithms of asinh and acosh: from 2^28 on they are log(2 x), and squares would overflow later.
constexpr double squareEnough = 0x1p+28, ln2 = 0x1.62e43p-1;

Float asinh(Float x) {
  Float a = abs(x), z = a * a;
  Mask large = a > squareEnough;
  Float argument = select(large, a, a + z / (1 + sqrt(1 + z)));
  return copySign(log1p(argument) + select(large, constant(x, ln2), 0), x);
}

Float acosh(Float x) {
  Float t = x - 1;
  Mask large = x > squareEnough;
  Float argument = select(large, x, t + sqrt(t * (t + 2)));
  Float result = log1p(argument) + select(large, constant(x, ln2), 0);
  return select(x < 1, std::numeric_limits<double>::quiet_NaN(), result);
}

Float atanh(Float x) {
  Float a = abs(x);
  return copySign(0.5 * log1p(2 * a / (1 - a)), x);
}

} // namespace nncc::kernel::lanes
