//===- Hyperbolic.cpp - tanh, sinh, cosh and their inverses ---------------------------------------------------------------===//
//
// Coefficients: scripts/fit-math.py tanh
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::cpu::lanes {

Float tanh(Float x) {
  Float a = abs(x), z = a * a;
  // x + x^3 p(x^2) below 0.625; the larger half of the result, 1 - 2 / (e^2x + 1), has an error of half as many ULPs as its fraction.
  Float p = polynomial(z, {-0x1.555532p-2, 0x1.1106f6p-3, -0x1.b835a4p-5, 0x1.51f8cep-6, -0x1.750cdcp-8});
  Float small = fma(p * z, a, a);
  Float large = 1 - 2 / (expNormal(2 * atMost(a, 10)) + 1);
  return copySign(select(a < 0.625, small, large), x);
}

} // namespace nncc::cpu::lanes
