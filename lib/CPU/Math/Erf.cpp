//===- Erf.cpp - erf and erfc ---------------------------------------------------------------------------------------------===//
//
// Coefficients: scripts/fit-math.py erf erf-tail
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::cpu::lanes {

Float erf(Float x) {
  Float a = abs(x);
  Float p = polynomial(a * a, {0x1.06eba8p-3, -0x1.81273ep-2, 0x1.ce2ce6p-4, -0x1.b7f71ap-6, 0x1.53f224p-8, -0x1.a3515ap-11,
                               0x1.4771dap-14});
  Float small = fma(a, p, a);
  // 1 - exp(-x q(x)) from 1 on. At 3.93 it has become 1.
  Float clamped = atMost(a, 3.93);
  Float q = polynomial(clamped, {0x1.20f24cp+0, 0x1.451942p-1, 0x1.b46cbcp-4, -0x1.89a1c0p-6, 0x1.ed6e0ep-9, -0x1.716a3cp-12,
                                 0x1.da1cf2p-17});
  Float large = 1 - expNormal(-clamped * q);
  return copySign(select(a < 1, small, large), x);
}

} // namespace nncc::cpu::lanes
