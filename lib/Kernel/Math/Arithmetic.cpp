//===- Arithmetic.cpp - arithmetic that builds itself ---------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nncc::kernel::lanes {
namespace {

/// `element` in the shape of `like`.
Type withElement(Value like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    return vector.clone(element);
  return element;
}

Value splat(const Site *site, Type type, TypedAttr element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(site->builder, site->loc, DenseElementsAttr::get(vector, Attribute(element)));
  return arith::ConstantOp::create(site->builder, site->loc, element);
}

template <typename Op, typename Handle, typename... Operands> Handle build(Handle first, Operands... operands) {
  return {first.site, Op::create(first.site->builder, first.site->loc, first.value, operands.value...)};
}

Mask compare(arith::CmpFPredicate predicate, Float a, Float b) {
  return {a.site, arith::CmpFOp::create(a.site->builder, a.site->loc, predicate, a.value, b.value)};
}

Mask compare(arith::CmpIPredicate predicate, Int a, Int b) {
  return {a.site, arith::CmpIOp::create(a.site->builder, a.site->loc, predicate, a.value, b.value)};
}

/// Casts to `element` lanes.
template <typename Op, typename Result, typename Source> Result cast(Source source, Type element) {
  return {source.site,
          Op::create(source.site->builder, source.site->loc, withElement(source.value, element), source.value)};
}

bool isF32(Float x) { return getElementTypeOrSelf(x.value).isF32(); }

} // namespace

Float constant(Float like, double number) {
  Type type = like.value.getType();
  return {like.site, splat(like.site, type, FloatAttr::get(getElementTypeOrSelf(type), number))};
}

Int constant(Int like, int64_t number) {
  Type type = like.value.getType(), element = getElementTypeOrSelf(type);
  APInt wrapped = APInt(64, number, /*isSigned=*/true).sextOrTrunc(element.getIntOrFloatBitWidth());
  return {like.site, splat(like.site, type, IntegerAttr::get(element, wrapped))};
}

Float operator+(Float a, Float b) { return build<arith::AddFOp>(a, b); }
Float operator-(Float a, Float b) { return build<arith::SubFOp>(a, b); }
Float operator*(Float a, Float b) { return build<arith::MulFOp>(a, b); }
Float operator/(Float a, Float b) { return build<arith::DivFOp>(a, b); }
Float operator-(Float a) { return build<arith::NegFOp>(a); }
Float fma(Float a, Float b, Float c) { return build<math::FmaOp>(a, b, c); }

Float polynomial(Float x, ArrayRef<double> coefficients) {
  Float sum = constant(x, coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = isF32(x) ? fma(sum, x, coefficient) : sum * x + coefficient;
  return sum;
}

Float abs(Float x) { return build<math::AbsFOp>(x); }
Float sqrt(Float x) { return build<math::SqrtOp>(x); }
Float copySign(Float magnitude, Float sign) { return build<math::CopySignOp>(magnitude, sign); }

Int operator+(Int a, Int b) { return build<arith::AddIOp>(a, b); }
Int operator-(Int a, Int b) { return build<arith::SubIOp>(a, b); }
Int operator*(Int a, Int b) { return build<arith::MulIOp>(a, b); }
Int operator&(Int a, Int b) { return build<arith::AndIOp>(a, b); }
Int operator|(Int a, Int b) { return build<arith::OrIOp>(a, b); }
Int operator^(Int a, Int b) { return build<arith::XOrIOp>(a, b); }
Int operator<<(Int a, int64_t bits) { return build<arith::ShLIOp>(a, constant(a, bits)); }
Int operator>>(Int a, int64_t bits) { return build<arith::ShRUIOp>(a, constant(a, bits)); }
Int operator<<(Int a, Int bits) { return build<arith::ShLIOp>(a, bits); }
Int operator>>(Int a, Int bits) { return build<arith::ShRUIOp>(a, bits); }
Int shiftRightSigned(Int a, int64_t bits) { return build<arith::ShRSIOp>(a, constant(a, bits)); }

Mask operator<(Float a, Float b) { return compare(arith::CmpFPredicate::OLT, a, b); }
Mask operator>(Float a, Float b) { return compare(arith::CmpFPredicate::OGT, a, b); }
Mask operator==(Float a, Float b) { return compare(arith::CmpFPredicate::OEQ, a, b); }
Mask isNaN(Float a) { return compare(arith::CmpFPredicate::UNO, a, a); }
Mask operator<(Int a, Int b) { return compare(arith::CmpIPredicate::slt, a, b); }
Mask operator==(Int a, Int b) { return compare(arith::CmpIPredicate::eq, a, b); }
Mask operator&(Mask a, Mask b) { return build<arith::AndIOp>(a, b); }
Mask operator|(Mask a, Mask b) { return build<arith::OrIOp>(a, b); }

Float select(Mask mask, Float yes, Float no) {
  return {yes.site, arith::SelectOp::create(yes.site->builder, yes.site->loc, mask.value, yes.value, no.value)};
}

Int select(Mask mask, Int yes, Int no) {
  return {yes.site, arith::SelectOp::create(yes.site->builder, yes.site->loc, mask.value, yes.value, no.value)};
}

// minps and maxps give their second operand where either is NaN: these are exactly the selects that they implement.
Float atMost(Float x, double high) { return select(constant(x, high) < x, high, x); }
Float atLeast(Float x, double low) { return select(constant(x, low) > x, low, x); }

Int bits(Float x) {
  OpBuilder &b = x.site->builder;
  return cast<arith::BitcastOp, Int>(x, isF32(x) ? b.getI32Type() : b.getI64Type());
}

Float asFloat(Int bits) {
  OpBuilder &b = bits.site->builder;
  bool narrow = getElementTypeOrSelf(bits.value).isInteger(32);
  return cast<arith::BitcastOp, Float>(bits, narrow ? Type(b.getF32Type()) : b.getF64Type());
}

Float toF64(Float x) { return cast<arith::ExtFOp, Float>(x, x.site->builder.getF64Type()); }
Float toF32(Float x) { return cast<arith::TruncFOp, Float>(x, x.site->builder.getF32Type()); }
Float toFloat(Int x, Float like) { return cast<arith::SIToFPOp, Float>(x, getElementTypeOrSelf(like.value)); }
Int toI32(Int x) { return cast<arith::TruncIOp, Int>(x, x.site->builder.getI32Type()); }
Int toI64(Int x) { return cast<arith::ExtUIOp, Int>(x, x.site->builder.getI64Type()); }
Int toInt(Float x) { return cast<arith::FPToSIOp, Int>(x, x.site->builder.getI32Type()); }

Value any(Mask mask) {
  auto type = dyn_cast<VectorType>(mask.value.getType());
  if (!type)
    return mask.value;
  OpBuilder &b = mask.site->builder;
  Value flat = mask.value;
  if (type.getRank() != 1)
    flat = vector::ShapeCastOp::create(b, mask.site->loc, VectorType::get(type.getNumElements(), type.getElementType()),
                                       flat);
  return vector::ReductionOp::create(b, mask.site->loc, vector::CombiningKind::OR, flat);
}

} // namespace nncc::kernel::lanes
