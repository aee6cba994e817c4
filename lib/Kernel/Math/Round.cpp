//===- Round.cpp - rounding to integers without an instruction for it -----------------------------------------------------===//
//
// From 2^23 on a float is an integer. Below, adding and subtracting 2^23 rounds to the nearest one.
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Expansions.h"

namespace nncc::kernel::lanes {
namespace {

constexpr double integersFrom = 0x1p+23;

Float nearestOfMagnitude(Float a) { return (a + integersFrom) - integersFrom; }

/// `rounded`, of the sign of x, where x is not an integer anyway; NaN stays too.
Float unlessInteger(Float x, Float rounded) { return select(abs(x) < integersFrom, copySign(rounded, x), x); }

Float truncatedMagnitude(Float a) {
  Float nearest = nearestOfMagnitude(a);
  return select(nearest > a, nearest - 1, nearest);
}

} // namespace

Float trunc(Float x) { return unlessInteger(x, truncatedMagnitude(abs(x))); }

Float roundEven(Float x) { return unlessInteger(x, nearestOfMagnitude(abs(x))); }

Float round(Float x) {
  Float a = abs(x), whole = truncatedMagnitude(a);
  return unlessInteger(x, select(a - whole < 0.5, whole, whole + 1));
}

Float floor(Float x) {
  Float nearest = roundEven(x);
  return unlessInteger(x, select(nearest > x, nearest - 1, nearest));
}

Float ceil(Float x) {
  Float nearest = roundEven(x);
  return unlessInteger(x, select(nearest < x, nearest + 1, nearest));
}

} // namespace nncc::kernel::lanes
