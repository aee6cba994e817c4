//===- SmallFloats.cpp - floats of 8 and 4 bits as integer arithmetic on their bits ---------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/Exec/IR/Body.h"

using namespace mlir;

namespace nncc {

bool isSmallFloat(Type type) { return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 16; }

bool isSmallInteger(Type type) {
  return isa<IntegerType>(type) && !type.isInteger(1) && type.getIntOrFloatBitWidth() < 8;
}

namespace {

/// Fields of a format and what its bits mean. Codes are without the sign.
struct Format {
  int64_t signBit, mantissa, bias;
  int64_t largest; ///< code of the largest number
  int64_t beyond;  ///< what is too large becomes, unless it saturates
  int64_t notANumber;
  bool hasInfinity = false;    ///< `beyond` is inf
  bool hasNegativeZero = true; ///< else its bits are the only NaN

  static Format of(Type type) {
    if (isa<Float8E4M3FNType>(type))
      return {7, 3, 7, 0x7E, 0x7F, 0x7F};
    if (isa<Float8E5M2Type>(type))
      return {7, 2, 15, 0x7B, 0x7C, 0x7E, /*hasInfinity=*/true};
    if (isa<Float8E4M3FNUZType>(type))
      return {7, 3, 8, 0x7F, 0x80, 0x80, false, /*hasNegativeZero=*/false};
    if (isa<Float8E5M2FNUZType>(type))
      return {7, 2, 16, 0x7F, 0x80, 0x80, false, /*hasNegativeZero=*/false};
    return {3, 1, 1, 0x7, 0x7, 0x8}; // f4E2M1FN has no NaN: ONNX makes it -0, and -NaN 0
  }
};

/// Arithmetic on i32 and f32.
struct Bits : Body {
  using Body::Body;
  Value of(int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(b.getI32Type(), APInt(32, uint64_t(value), false, true)));
  }
  Value real(double value) { return number(b.getF32Type(), value); }
  Value shiftLeft(Value x, int64_t by) { return arith::ShLIOp::create(b, loc, x, of(by)); }
  Value shiftRight(Value x, int64_t by) { return arith::ShRUIOp::create(b, loc, x, of(by)); }
  Value isAbove(Value x, int64_t y) { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, x, of(y)); }
  Value asFloat(Value bits) { return arith::BitcastOp::create(b, loc, b.getF32Type(), bits); }
  Value asBits(Value real) { return arith::BitcastOp::create(b, loc, b.getI32Type(), real); }
  Value nan() { return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(std::numeric_limits<float>::quiet_NaN())); }
  Value infinity() {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(std::numeric_limits<float>::infinity()));
  }
};

constexpr int64_t kInfinityBits = 0x7F800000;

/// 2^(code - 127); 255 is NaN.
Value decodePowerOfTwo(Bits c, Value code) {
  Value bits = c.select(c.equal(code, c.of(0)), c.of(0x400000), c.shiftLeft(code, 23));
  return c.select(c.equal(code, c.of(255)), c.nan(), c.asFloat(bits));
}

/// The exponent, one more where the fraction rounds up. Infinities and NaN are 255.
Value encodePowerOfTwo(Bits c, Value magnitude, bool saturate, StringRef rounding) {
  Value exponent = c.shiftRight(magnitude, 23), fraction = c.both(magnitude, c.of(0x7FFFFF)), up = c.no();
  if (rounding == "up") {
    up = c.isAbove(fraction, 0);
  } else if (rounding == "nearest") { // halves up, but not of what is next to zero
    Value half = c.both(c.equal(fraction, c.of(0x400000)), c.isAbove(exponent, 0));
    up = c.either(c.isAbove(fraction, 0x400000), half);
  }
  up = c.both(up, c.less(exponent, c.of(saturate ? 254 : 255)));
  return c.add(exponent, c.select(up, c.of(1), c.of(0)));
}

} // namespace

Value decodeSmallFloat(OpBuilder &b, Location loc, Value bits, FloatType type) {
  Bits c(b, loc);
  Value code = arith::ExtUIOp::create(b, loc, b.getI32Type(), bits);
  if (isa<Float8E8M0FNUType>(type))
    return decodePowerOfTwo(c, code);
  Format format = Format::of(type);
  Value magnitude = c.both(code, c.of((1 << format.signBit) - 1));
  Value rebased = c.add(c.shiftLeft(magnitude, 23 - format.mantissa), c.of((127 - format.bias) << 23));
  // Without an exponent the fraction counts steps of the smallest number.
  Value small = arith::UIToFPOp::create(b, loc, b.getF32Type(), magnitude);
  small = c.mul(small, c.real(std::ldexp(1.0, 1 - format.bias - format.mantissa)));
  Value hasExponent = c.isAbove(magnitude, (1 << format.mantissa) - 1);
  Value result = c.select(hasExponent, c.asFloat(rebased), small);
  if (format.hasInfinity)
    result = c.select(c.equal(magnitude, c.of(format.beyond)), c.infinity(), result);
  if (format.hasNegativeZero && format.signBit == 7)
    result = c.select(c.isAbove(magnitude, format.hasInfinity ? format.beyond : format.largest), c.nan(), result);
  Value isNegative = c.isAbove(code, (1 << format.signBit) - 1);
  result = c.select(isNegative, arith::NegFOp::create(b, loc, result), result);
  return format.hasNegativeZero ? result : c.select(c.equal(code, c.of(format.notANumber)), c.nan(), result);
}

Value encodeSmallFloat(OpBuilder &b, Location loc, Value value, FloatType type, bool saturate, StringRef rounding) {
  Bits c(b, loc);
  Value bits = c.asBits(value), magnitude = c.both(bits, c.of(0x7FFFFFFF));
  if (isa<Float8E8M0FNUType>(type))
    return arith::TruncIOp::create(b, loc, b.getI8Type(), encodePowerOfTwo(c, magnitude, saturate, rounding));
  Format format = Format::of(type);
  int64_t dropped = 23 - format.mantissa;
  // To nearest even: the carry goes into the exponent, as it should.
  Value odd = c.both(c.shiftRight(magnitude, dropped), c.of(1));
  Value rounded = c.shiftRight(c.add(c.add(magnitude, c.of((1 << (dropped - 1)) - 1)), odd), dropped);
  Value normal = c.sub(rounded, c.of((127 - format.bias) << format.mantissa));
  // Numbers without an exponent are multiples of the smallest one. (Bounded, so that the conversion is defined.)
  Value limit = c.of((127 - format.bias + 1) << 23), isSmall = c.less(magnitude, limit);
  Value steps = c.mul(c.asFloat(c.select(isSmall, magnitude, c.of(0))),
                      c.real(std::ldexp(1.0, format.bias - 1 + format.mantissa)));
  Value small = arith::FPToSIOp::create(b, loc, b.getI32Type(), math::RoundEvenOp::create(b, loc, steps));
  Value code = c.select(isSmall, small, normal);
  Value tooLarge = c.less(c.of(format.largest), code);
  code = c.select(tooLarge, c.of(saturate ? format.largest : format.beyond), code);
  Value sign = c.shiftLeft(c.shiftRight(bits, 31), format.signBit);
  Value isNaN = c.isAbove(magnitude, kInfinityBits);
  Value result;
  if (format.hasNegativeZero) {
    code = c.select(isNaN, c.of(format.notANumber), code);
    result = c.either(code, sign);
    if (format.signBit != 7)
      result = c.select(isNaN, c.sub(c.of(format.notANumber), sign), result);
  } else { // zero and NaN have no sign
    Value isPlain = c.both(c.isAbove(code, 0), c.less(code, c.of(0x80)));
    result = c.select(isNaN, c.of(format.notANumber), c.either(code, c.select(isPlain, sign, c.of(0))));
  }
  return arith::TruncIOp::create(b, loc, b.getI8Type(), result);
}

} // namespace nncc
