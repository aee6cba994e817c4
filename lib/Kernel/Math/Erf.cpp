//===- Erf.cpp - erf and erfc ---------------------------------------------------------------------------------------------===//
//
// Coefficients: scripts/fit-math.py erf erf-tail erfc
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::kernel::lanes {
namespace {

/// erf on [0, 0.9].
Float smallErf(Float a) {
  Float p =
      polynomial(a * a, {0x1.06eba6p-3, -0x1.8126f2p-2, 0x1.ce1d0ap-4, -0x1.b6b64ep-6, 0x1.484d9p-8, -0x1.3ebep-11});
  return fma(a, p, a);
}

} // namespace

Float erf(Float x) {
  Float a = abs(x);
  Float small = smallErf(a);
  // 1 - 2^(x q(x)). At 3.93 it has become 1.
  Float clamped = atMost(a, 3.93);
  Float q = polynomial(clamped,
                       {-0x1.a0cb82p+0, -0x1.d5930ep-1, -0x1.37093ap-3, 0x1.0e961p-5, -0x1.301b4cp-8, 0x1.43f4e6p-12});
  Float large = 1 - exp2OfProduct(clamped, q);
  return copySign(select(a < 0.9, small, large), x);
}

Float erfc(Float x) {
  // exp(-a^2) / (1 + 2a) * p(t), t = (a - 3) / (a + 3), a = |x|; at 10.06 it has become zero. All factors but the
  // exponential in f64: their roundings would add up to 4 ULP.
  Float a = atMost(abs(x), 10.06);
  Float wide = toF64(a), plus = wide + 3, slope = 2 * wide + 1;
  Float reciprocal = 1 / (plus * slope);
  Float t = (wide - 3) * (slope * reciprocal);
  Float p = polynomial(t, {0x1.40c522db0fb16p+0, -0x1.15c08908053aep-3, -0x1.85a18faa4fbabp-5, 0x1.09840b0d0d037p-3,
                           -0x1.e888d3d77a286p-4, 0x1.17bd7800f1e52p-4, -0x1.85e30fef46193p-6, 0x1.50847a502ebdbp-9,
                           0x1.063994109fa42p-9, -0x1.983029569df32p-11, -0x1.195a87fc54906p-12});
  Float square = a * a;
  Float rest = fma(a, a, -square); // e^-(square + rest) = e^-square (1 - rest)
  Float factor = toF32(p * (plus * reciprocal) * (1 - toF64(rest)));
  Float tail = select(a < 0.5, 1 - smallErf(a), expTimes(-square, factor));
  return select(x < 0, 2 - tail, tail);
}

} // namespace nncc::kernel::lanes
