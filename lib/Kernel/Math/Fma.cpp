//===- Fma.cpp - fused multiply-add where the machine has none ------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::kernel::lanes {

Float fmaByF64(Float a, Float b, Float c) {
  // The product of two floats is exact in f64. The sum is rounded to odd: where it is inexact, its last bit becomes 1,
  // so that rounding it again to f32 sees on which side of a tie it lies. That makes two roundings give the same bits
  // as one.
  Float product = toF64(a) * toF64(b), addend = toF64(c);
  Float sum = product + addend;
  Float added = sum - product;
  Float error = (product - (sum - added)) + (addend - added); // exact; NaN where the sum is no finite number
  // Bits of magnitudes: the sum is one too large when its error has the other sign.
  Int odd = (bits(sum) + shiftRightSigned(bits(sum) ^ bits(error), 63)) | 1;
  return toF32(select(abs(error) > 0, asFloat(odd), sum));
}

} // namespace nncc::kernel::lanes
