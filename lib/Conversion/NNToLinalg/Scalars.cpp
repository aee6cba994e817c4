//===- Scalars.cpp - arithmetic on single elements ------------------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/Exec/IR/Body.h"

using namespace mlir;

namespace nncc {

Value constantOf(OpBuilder &b, Location loc, Type type, double value) { return Body(b, loc).number(type, value); }

bool isUnsigned(Type type) { return type.isUnsignedInteger() || type.isInteger(1); }

Value toBit(OpBuilder &b, Location loc, Value boolean) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, boolean, constantOf(b, loc, boolean.getType(), 0));
}

Value fromBit(OpBuilder &b, Location loc, Value bit) { return arith::ExtUIOp::create(b, loc, b.getI8Type(), bit); }

/// Its exponential is still a normal number of f64, of f32.
static double getLeastExponent(Type type) { return type.isF64() ? -708 : -87; }

Value sigmoidScalar(OpBuilder &b, Location loc, Value x) {
  // e^-|x| cannot overflow; below zero the result is e^x / (1 + e^x). Powers below all normal numbers are zero: arithmetic on them, and on
  // the products that follow, takes a hundred cycles on Intel's cores, and deep networks have many arguments that low.
  Type type = x.getType();
  Value one = constantOf(b, loc, type, 1), zero = constantOf(b, loc, type, 0);
  Value exponent = arith::NegFOp::create(b, loc, math::AbsFOp::create(b, loc, x));
  Value least = constantOf(b, loc, type, getLeastExponent(type));
  Value isNothing = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, exponent, least);
  Value nothing = constantOf(b, loc, type, -std::numeric_limits<double>::infinity());
  Value power = math::ExpOp::create(b, loc, arith::SelectOp::create(b, loc, isNothing, nothing, exponent));
  Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
  Value above = arith::SelectOp::create(b, loc, negative, power, one);
  return arith::DivFOp::create(b, loc, above, arith::AddFOp::create(b, loc, one, power));
}

Value lessScalar(OpBuilder &b, Location loc, Value x, Value y, Type type) {
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  return arith::CmpIOp::create(b, loc, isUnsigned(type) ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y);
}

/// True for a number that is known and not NaN: then one x86 instruction does max and min, and NaN of the other operand stays NaN.
static bool isKnownNumber(Value value) {
  FloatAttr attr;
  return matchPattern(value, m_Constant(&attr)) && attr && !attr.getValue().isNaN();
}

Value maxScalar(OpBuilder &b, Location loc, Value x, Value y, Type type) {
  if (isa<FloatType>(type)) {
    if (isKnownNumber(x))
      std::swap(x, y);
    if (!isKnownNumber(y))
      return arith::MaximumFOp::create(b, loc, x, y);
    Value larger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, y, x);
    return arith::SelectOp::create(b, loc, larger, y, x);
  }
  if (isUnsigned(type))
    return arith::MaxUIOp::create(b, loc, x, y);
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value minScalar(OpBuilder &b, Location loc, Value x, Value y, Type type) {
  if (isa<FloatType>(type)) {
    if (isKnownNumber(x))
      std::swap(x, y);
    if (!isKnownNumber(y))
      return arith::MinimumFOp::create(b, loc, x, y);
    Value smaller = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, y, x);
    return arith::SelectOp::create(b, loc, smaller, y, x);
  }
  if (isUnsigned(type))
    return arith::MinUIOp::create(b, loc, x, y);
  return arith::MinSIOp::create(b, loc, x, y);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------------------------------------------------------===//

/// Rounds f64 to f32 towards odd: what follows to f16 or bf16 then rounds as if it had come straight from f64.
static Value truncateToOdd(OpBuilder &b, Location loc, Value value) {
  Value rounded = arith::TruncFOp::create(b, loc, b.getF32Type(), value);
  Value back = arith::ExtFOp::create(b, loc, b.getF64Type(), rounded);
  Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), rounded);
  Value one = constantOf(b, loc, b.getI32Type(), 1);
  Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, value);
  Value away = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, loc, back),
                                     math::AbsFOp::create(b, loc, value));
  Value towardsZero = arith::SelectOp::create(b, loc, away, arith::SubIOp::create(b, loc, bits, one), bits);
  Value odd = arith::SelectOp::create(b, loc, inexact, arith::OrIOp::create(b, loc, towardsZero, one), bits);
  return arith::BitcastOp::create(b, loc, b.getF32Type(), odd);
}

static Value castFloat(OpBuilder &b, Location loc, Value value, FloatType from, FloatType to) {
  if (from == to)
    return value;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(b, loc, to, value);
  if (from.isF64() && to.getWidth() == 16)
    value = truncateToOdd(b, loc, value);
  else if (from.getWidth() == to.getWidth()) // f16 and bf16
    value = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  return arith::TruncFOp::create(b, loc, to, value);
}

/// x86's conversion to a signed integer of 32 or 64 bits: the smallest integer for what does not fit.
static Value floatToSigned(OpBuilder &b, Location loc, Value value, unsigned width) {
  Type type = b.getIntegerType(width);
  double limit = width == 64 ? 0x1p63 : 0x1p31;
  if (value.getType().getIntOrFloatBitWidth() < 32)
    value = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  // f32 cannot tell -2^31 - 1 from -2^31; f64 can, and there the lower bound is open.
  bool open = width == 32 && value.getType().isF64();
  Value low = constantOf(b, loc, value.getType(), open ? -limit - 1 : -limit);
  Value high = constantOf(b, loc, value.getType(), limit);
  Value fits = arith::AndIOp::create(
      b, loc, arith::CmpFOp::create(b, loc, open ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OGE, value, low),
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, value, high));
  Value safe = arith::SelectOp::create(b, loc, fits, value, constantOf(b, loc, value.getType(), 0));
  Value converted = arith::FPToSIOp::create(b, loc, type, safe);
  Value smallest = arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, APInt::getSignedMinValue(width)));
  return arith::SelectOp::create(b, loc, fits, converted, smallest);
}

static Value floatToInteger(OpBuilder &b, Location loc, Value value, IntegerType to) {
  unsigned width = to.getWidth();
  if (!to.isUnsigned() || width < 32) {
    Value wide = floatToSigned(b, loc, value, width == 64 ? 64 : 32);
    return width < 32 ? arith::TruncIOp::create(b, loc, b.getIntegerType(width), wide).getResult() : wide;
  }
  if (width == 32)
    return arith::TruncIOp::create(b, loc, b.getI32Type(), floatToSigned(b, loc, value, 64));
  // u64: the upper half by subtracting 2^63 first.
  if (value.getType().getIntOrFloatBitWidth() < 32)
    value = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  Value half = constantOf(b, loc, value.getType(), 0x1p63);
  Value upper = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, value, half);
  Value low = floatToSigned(b, loc, value, 64);
  Value high = floatToSigned(b, loc, arith::SubFOp::create(b, loc, value, half), 64);
  Value top = arith::ConstantOp::create(b, loc, b.getIntegerAttr(b.getI64Type(), APInt::getSignedMinValue(64)));
  return arith::SelectOp::create(b, loc, upper, arith::XOrIOp::create(b, loc, high, top), low);
}

/// To f32 such that what rounds again to fewer bits rounds as if it came from `from`.
static Value toSingleForRounding(OpBuilder &b, Location loc, Value value, Type from) {
  bool isWide = from.isF64() || (isa<IntegerType>(from) && from.getIntOrFloatBitWidth() > 16);
  if (!isWide)
    return castScalar(b, loc, value, from, b.getF32Type());
  return truncateToOdd(b, loc, castScalar(b, loc, value, from, b.getF64Type()));
}

/// The low bits of an i8 as a number.
static Value narrowInteger(OpBuilder &b, Location loc, Value value, Type to) {
  unsigned width = to.getIntOrFloatBitWidth();
  if (isUnsigned(to))
    return arith::AndIOp::create(b, loc, value, constantOf(b, loc, value.getType(), (1 << width) - 1));
  Value shift = constantOf(b, loc, value.getType(), 8 - width);
  return arith::ShRSIOp::create(b, loc, arith::ShLIOp::create(b, loc, value, shift), shift);
}

Value castScalar(OpBuilder &b, Location loc, Value value, Type from, Type to, bool saturate, StringRef rounding) {
  if (from == to)
    return value;
  if (isSmallFloat(from))
    return castScalar(b, loc, decodeSmallFloat(b, loc, value, cast<FloatType>(from)), b.getF32Type(), to, saturate,
                      rounding);
  if (isSmallFloat(to))
    return encodeSmallFloat(b, loc, toSingleForRounding(b, loc, value, from), cast<FloatType>(to), saturate, rounding);
  auto byteOf = [&](Type type) { return isUnsigned(type) ? b.getIntegerType(8, false) : b.getI8Type(); };
  if (isSmallInteger(from))
    return castScalar(b, loc, value, byteOf(from), to);
  if (isSmallInteger(to))
    return narrowInteger(b, loc, castScalar(b, loc, value, from, byteOf(to)), to);
  auto floatFrom = dyn_cast<FloatType>(from), floatTo = dyn_cast<FloatType>(to);
  if (to.isInteger(1)) {
    Value bit =
        floatFrom
            ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, value, constantOf(b, loc, from, 0)).getResult()
            : toBit(b, loc, value);
    return fromBit(b, loc, bit);
  }
  if (floatFrom && floatTo)
    return castFloat(b, loc, value, floatFrom, floatTo);
  if (floatFrom)
    return floatToInteger(b, loc, value, cast<IntegerType>(to));
  if (floatTo) {
    // Straight to 16 bits would round twice where the integer does not fit f32 exactly.
    bool viaDouble = floatTo.getWidth() == 16;
    Type target = viaDouble ? b.getF64Type() : Type(floatTo);
    Value converted = isUnsigned(from) ? arith::UIToFPOp::create(b, loc, target, value).getResult()
                                       : arith::SIToFPOp::create(b, loc, target, value).getResult();
    return viaDouble ? castFloat(b, loc, converted, b.getF64Type(), floatTo) : converted;
  }
  Type target = convertElementType(to);
  unsigned fromWidth = value.getType().getIntOrFloatBitWidth(), toWidth = target.getIntOrFloatBitWidth();
  if (fromWidth == toWidth)
    return value;
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(b, loc, target, value);
  if (isUnsigned(from))
    return arith::ExtUIOp::create(b, loc, target, value);
  return arith::ExtSIOp::create(b, loc, target, value);
}

} // namespace nncc
