//===- Elementwise.cpp - elementwise ops of nn to linalg.generic ----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nncc {
namespace {

/// Emits one op on scalars: `type` is the original element type of the operands.
struct ScalarArgs {
  OpBuilder &b;
  Location loc;
  Type type;
  ValueRange values;

  Value operator[](unsigned i) const { return values[i]; }
  Value constant(double value) const { return constantOf(b, loc, values[0].getType(), value); }
  bool isFloat() const { return isa<FloatType>(type); }
  template <typename OpTy, typename... Args> Value make(Args &&...args) const {
    return OpTy::create(b, loc, std::forward<Args>(args)...);
  }
};

template <typename FloatOp, typename IntOp> Value floatOrInt(const ScalarArgs &s) {
  return s.isFloat() ? s.make<FloatOp>(s[0], s[1]) : s.make<IntOp>(s[0], s[1]);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Integer arithmetic that cannot trap
//===----------------------------------------------------------------------------------------------------------------------===//

/// Quotient or remainder by zero is 0, and that of the smallest integer by -1 is that of a negation.
Value divideSafely(const ScalarArgs &s, bool remainder) {
  Value zero = s.constant(0), one = s.constant(1);
  Value byZero = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, s[1], zero);
  Value divisor = s.make<arith::SelectOp>(byZero, one, s[1]);
  Value result;
  if (isUnsigned(s.type)) {
    result = remainder ? s.make<arith::RemUIOp>(s[0], divisor) : s.make<arith::DivUIOp>(s[0], divisor);
  } else {
    Value byMinusOne = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, divisor, s.constant(-1));
    Value harmless = s.make<arith::SelectOp>(byMinusOne, one, divisor);
    if (remainder)
      result = s.make<arith::RemSIOp>(s[0], harmless); // modulo 1 is 0, as modulo -1
    else
      result = s.make<arith::SelectOp>(byMinusOne, s.make<arith::SubIOp>(zero, s[0]),
                                       s.make<arith::DivSIOp>(s[0], harmless));
  }
  return s.make<arith::SelectOp>(byZero, zero, result);
}

/// x ^ y modulo 2^n by squaring; the loop runs over the bits of the width, so that it ends whatever y is.
Value integerPower(const ScalarArgs &s) {
  Type type = s[0].getType();
  Value zero = s.constant(0), one = s.constant(1);
  Value result = one, base = s[0], exponent = s[1];
  for (unsigned bit = 0, width = type.getIntOrFloatBitWidth(); bit < width; ++bit) {
    Value odd = s.make<arith::CmpIOp>(arith::CmpIPredicate::ne, s.make<arith::AndIOp>(exponent, one), zero);
    result = s.make<arith::SelectOp>(odd, s.make<arith::MulIOp>(result, base), result);
    base = s.make<arith::MulIOp>(base, base);
    exponent = s.make<arith::ShRUIOp>(exponent, one);
  }
  if (isUnsigned(s.type))
    return result;
  // 1 / x^|y|: x = 1 gives 1 and x = -1 gives 1 or -1, which the bits of a negative y give as well; everything else 0.
  Value negative = s.make<arith::CmpIOp>(arith::CmpIPredicate::slt, s[1], zero);
  Value isOne = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, s[0], one);
  Value isMinusOne = s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, s[0], s.constant(-1));
  Value unit = s.make<arith::OrIOp>(isOne, isMinusOne);
  return s.make<arith::SelectOp>(negative, s.make<arith::SelectOp>(unit, result, zero), result);
}

/// Shifting by the width or more (or by less than nothing) leaves no bit: 0, or the sign of a signed number shifted right.
Value shift(const ScalarArgs &s, bool left) {
  Value width = s.constant(s[0].getType().getIntOrFloatBitWidth());
  Value fits = s.make<arith::CmpIOp>(arith::CmpIPredicate::ult, s[1], width);
  Value amount = s.make<arith::SelectOp>(fits, s[1], s.constant(0));
  if (left)
    return s.make<arith::SelectOp>(fits, s.make<arith::ShLIOp>(s[0], amount), s.constant(0));
  if (isUnsigned(s.type))
    return s.make<arith::SelectOp>(fits, s.make<arith::ShRUIOp>(s[0], amount), s.constant(0));
  Value sign = s.make<arith::ShRSIOp>(s[0], s.constant(s[0].getType().getIntOrFloatBitWidth() - 1));
  return s.make<arith::SelectOp>(fits, s.make<arith::ShRSIOp>(s[0], amount), sign);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// One function an op
//===----------------------------------------------------------------------------------------------------------------------===//

template <typename MathOp> Value viaMath(const ScalarArgs &s) { return s.make<MathOp>(s[0]); }

Value emit(nn::NegOp, const ScalarArgs &s) {
  return s.isFloat() ? s.make<arith::NegFOp>(s[0]) : s.make<arith::SubIOp>(s.constant(0), s[0]);
}
Value emit(nn::AbsOp, const ScalarArgs &s) {
  if (isUnsigned(s.type))
    return s[0];
  return s.isFloat() ? s.make<math::AbsFOp>(s[0]) : s.make<math::AbsIOp>(s[0]);
}
Value emit(nn::SignOp, const ScalarArgs &s) {
  Value zero = s.constant(0);
  Value above = lessScalar(s.b, s.loc, zero, s[0], s.type), below = lessScalar(s.b, s.loc, s[0], zero, s.type);
  Value otherwise = s.isFloat() ? s[0] : zero; // keeps NaN
  return s.make<arith::SelectOp>(above, s.constant(1), s.make<arith::SelectOp>(below, s.constant(-1), otherwise));
}
Value emit(nn::ReluOp, const ScalarArgs &s) { return maxScalar(s.b, s.loc, s[0], s.constant(0), s.type); }
Value emit(nn::NotOp, const ScalarArgs &s) {
  return s.make<arith::XOrIOp>(s[0], s.constant(s.type.isInteger(1) ? 1 : -1));
}
Value emit(nn::ReciprocalOp, const ScalarArgs &s) { return s.make<arith::DivFOp>(s.constant(1), s[0]); }
Value emit(nn::SigmoidOp, const ScalarArgs &s) { return sigmoidScalar(s.b, s.loc, s[0]); }
Value emit(nn::ExpOp, const ScalarArgs &s) { return viaMath<math::ExpOp>(s); }
Value emit(nn::LogOp, const ScalarArgs &s) { return viaMath<math::LogOp>(s); }
Value emit(nn::Log1pOp, const ScalarArgs &s) { return viaMath<math::Log1pOp>(s); }
Value emit(nn::SqrtOp, const ScalarArgs &s) { return viaMath<math::SqrtOp>(s); }
Value emit(nn::ErfOp, const ScalarArgs &s) { return viaMath<math::ErfOp>(s); }
Value emit(nn::FloorOp, const ScalarArgs &s) { return viaMath<math::FloorOp>(s); }
Value emit(nn::CeilOp, const ScalarArgs &s) { return viaMath<math::CeilOp>(s); }
Value emit(nn::RoundOp, const ScalarArgs &s) { return viaMath<math::RoundEvenOp>(s); }
Value emit(nn::SinOp, const ScalarArgs &s) { return viaMath<math::SinOp>(s); }
Value emit(nn::CosOp, const ScalarArgs &s) { return viaMath<math::CosOp>(s); }
Value emit(nn::TanOp, const ScalarArgs &s) { return viaMath<math::TanOp>(s); }
Value emit(nn::AsinOp, const ScalarArgs &s) { return viaMath<math::AsinOp>(s); }
Value emit(nn::AcosOp, const ScalarArgs &s) { return viaMath<math::AcosOp>(s); }
Value emit(nn::AtanOp, const ScalarArgs &s) { return viaMath<math::AtanOp>(s); }
Value emit(nn::SinhOp, const ScalarArgs &s) { return viaMath<math::SinhOp>(s); }
Value emit(nn::CoshOp, const ScalarArgs &s) { return viaMath<math::CoshOp>(s); }
Value emit(nn::TanhOp, const ScalarArgs &s) { return viaMath<math::TanhOp>(s); }
Value emit(nn::AsinhOp, const ScalarArgs &s) { return viaMath<math::AsinhOp>(s); }
Value emit(nn::AcoshOp, const ScalarArgs &s) { return viaMath<math::AcoshOp>(s); }
Value emit(nn::AtanhOp, const ScalarArgs &s) { return viaMath<math::AtanhOp>(s); }

/// What takes several steps is computed in at least f32 and rounded once.
Value inF32(const ScalarArgs &s, llvm::function_ref<Value(const ScalarArgs &)> compute) {
  if (s.type.getIntOrFloatBitWidth() >= 32)
    return compute(s);
  Type wide = s.b.getF32Type();
  Value x = s.make<arith::ExtFOp>(wide, s[0]);
  return s.make<arith::TruncFOp>(s[0].getType(), compute(ScalarArgs{s.b, s.loc, wide, x}));
}

Value emit(nn::GeluOp op, const ScalarArgs &s) {
  return inF32(s, [&](const ScalarArgs &s) {
    auto mul = [&](Value x, Value y) { return s.make<arith::MulFOp>(x, y); };
    auto add = [&](Value x, Value y) { return s.make<arith::AddFOp>(x, y); };
    Value x = s[0], function;
    if (op.getKind() == "erf") {
      function = s.make<math::ErfOp>(mul(x, s.constant(0.70710678118654752)));
    } else {
      Value cube = mul(mul(mul(x, x), x), s.constant(0.044715));
      function = s.make<math::TanhOp>(mul(add(x, cube), s.constant(0.79788456080286536)));
    }
    return mul(mul(x, s.constant(0.5)), add(function, s.constant(1)));
  });
}
Value emit(nn::SiluOp, const ScalarArgs &s) {
  return inF32(s, [](const ScalarArgs &s) { return s.make<arith::MulFOp>(s[0], sigmoidScalar(s.b, s.loc, s[0])); });
}
Value emit(nn::HardSwishOp, const ScalarArgs &s) {
  return inF32(s, [](const ScalarArgs &s) {
    Value line = s.make<arith::AddFOp>(s.make<arith::MulFOp>(s[0], s.constant(1.0f / 6.0f)), s.constant(0.5));
    Value above = maxScalar(s.b, s.loc, line, s.constant(0), s.type);
    return s.make<arith::MulFOp>(minScalar(s.b, s.loc, above, s.constant(1), s.type), s[0]);
  });
}

Value emit(nn::IsNaNOp, const ScalarArgs &s) {
  return fromBit(s.b, s.loc, s.make<arith::CmpFOp>(arith::CmpFPredicate::UNO, s[0], s[0]));
}
Value emit(nn::IsInfOp op, const ScalarArgs &s) {
  auto isInf = [&](bool negative) {
    auto type = cast<FloatType>(s.type);
    APFloat inf = APFloat::getInf(type.getFloatSemantics(), negative);
    return s.make<arith::CmpFOp>(arith::CmpFPredicate::OEQ, s[0],
                                 arith::ConstantOp::create(s.b, s.loc, s.b.getFloatAttr(type, inf)).getResult());
  };
  Value result = arith::ConstantOp::create(s.b, s.loc, s.b.getBoolAttr(false));
  if (op.getPositive())
    result = isInf(false);
  if (op.getNegative())
    result = s.make<arith::OrIOp>(result, isInf(true));
  return fromBit(s.b, s.loc, result);
}

Value emit(nn::AddOp, const ScalarArgs &s) { return floatOrInt<arith::AddFOp, arith::AddIOp>(s); }
Value emit(nn::SubOp, const ScalarArgs &s) { return floatOrInt<arith::SubFOp, arith::SubIOp>(s); }
/// What a sigmoid gates is zero below all normal numbers, as the sigmoid itself: kernels that multiply it again and again would take many
/// times as long on Intel's cores.
Value emit(nn::MulOp op, const ScalarArgs &s) {
  Value product = floatOrInt<arith::MulFOp, arith::MulIOp>(s);
  bool isGate = llvm::any_of(op->getOperands(), [](Value x) { return bool(x.getDefiningOp<nn::SigmoidOp>()); });
  if (!isGate || !(s.type.isF32() || s.type.isF64()))
    return product;
  Value least = s.constant(s.type.isF32() ? 0x1p-126 : 0x1p-1022);
  Value isNothing = s.make<arith::CmpFOp>(arith::CmpFPredicate::OLT, s.make<math::AbsFOp>(product), least);
  return s.make<arith::SelectOp>(isNothing, s.constant(0), product);
}
Value emit(nn::DivOp, const ScalarArgs &s) {
  return s.isFloat() ? s.make<arith::DivFOp>(s[0], s[1]) : divideSafely(s, /*remainder=*/false);
}
Value emit(nn::ModOp op, const ScalarArgs &s) {
  Value remainder = s.isFloat() ? s.make<arith::RemFOp>(s[0], s[1]) : divideSafely(s, /*remainder=*/true);
  if (op.getTruncated() || isUnsigned(s.type))
    return remainder;
  // The sign of the divisor: add it where remainder and divisor differ in sign.
  Value zero = s.constant(0);
  Value signsDiffer = s.make<arith::XOrIOp>(lessScalar(s.b, s.loc, remainder, zero, s.type),
                                            lessScalar(s.b, s.loc, s[1], zero, s.type));
  Value notZero = s.isFloat() ? s.make<arith::CmpFOp>(arith::CmpFPredicate::UNE, remainder, zero)
                              : s.make<arith::CmpIOp>(arith::CmpIPredicate::ne, remainder, zero);
  Value shifted = s.isFloat() ? s.make<arith::AddFOp>(remainder, s[1]) : s.make<arith::AddIOp>(remainder, s[1]);
  return s.make<arith::SelectOp>(s.make<arith::AndIOp>(signsDiffer, notZero), shifted, remainder);
}
Value emit(nn::PowOp, const ScalarArgs &s) { return s.isFloat() ? s.make<math::PowFOp>(s[0], s[1]) : integerPower(s); }
Value emit(nn::MaxOp, const ScalarArgs &s) { return maxScalar(s.b, s.loc, s[0], s[1], s.type); }
Value emit(nn::MinOp, const ScalarArgs &s) { return minScalar(s.b, s.loc, s[0], s[1], s.type); }
Value emit(nn::AndOp, const ScalarArgs &s) { return s.make<arith::AndIOp>(s[0], s[1]); }
Value emit(nn::OrOp, const ScalarArgs &s) { return s.make<arith::OrIOp>(s[0], s[1]); }
Value emit(nn::XorOp, const ScalarArgs &s) { return s.make<arith::XOrIOp>(s[0], s[1]); }
Value emit(nn::ShiftLeftOp, const ScalarArgs &s) { return shift(s, /*left=*/true); }
Value emit(nn::ShiftRightOp, const ScalarArgs &s) { return shift(s, /*left=*/false); }

Value emit(nn::EqualOp, const ScalarArgs &s) {
  return fromBit(s.b, s.loc,
                 s.isFloat() ? s.make<arith::CmpFOp>(arith::CmpFPredicate::OEQ, s[0], s[1])
                             : s.make<arith::CmpIOp>(arith::CmpIPredicate::eq, s[0], s[1]));
}
Value emit(nn::LessOp, const ScalarArgs &s) { return fromBit(s.b, s.loc, lessScalar(s.b, s.loc, s[0], s[1], s.type)); }
Value emit(nn::LessEqualOp, const ScalarArgs &s) {
  auto predicate = isUnsigned(s.type) ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle;
  return fromBit(s.b, s.loc,
                 s.isFloat() ? s.make<arith::CmpFOp>(arith::CmpFPredicate::OLE, s[0], s[1])
                             : s.make<arith::CmpIOp>(predicate, s[0], s[1]));
}
Value emit(nn::WhereOp, const ScalarArgs &s) { return s.make<arith::SelectOp>(toBit(s.b, s.loc, s[0]), s[1], s[2]); }
Value emit(nn::CastOp op, const ScalarArgs &s) {
  return castScalar(s.b, s.loc, s[0], s.type, op.getTo(), op.getSaturate(), op.getRounding());
}

Value emit(nn::BitcastOp op, const ScalarArgs &s) {
  Type to = op.getTo();
  if (to.isInteger(1))
    return fromBit(s.b, s.loc, toBit(s.b, s.loc, s[0]));
  Type converted = convertElementType(to);
  return s[0].getType() == converted ? s[0] : arith::BitcastOp::create(s.b, s.loc, converted, s[0]).getResult();
}

template <typename OpTy> struct ElementwiseLowering : Lowering<OpTy> {
  using Lowering<OpTy>::Lowering;
  LogicalResult matchAndRewrite(OpTy op, OpTy::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Type elementType = getElementTypeOrSelf(op->getOperand(0));
    if (!elementType.isIntOrFloat())
      return rewriter.notifyMatchFailure(op, "elements are not numbers");
    Value result = mapBroadcast(rewriter, op.getLoc(), op->getOperands(), adaptor.getOperands(),
                                convertElementType(getElementTypeOrSelf(op.getType())),
                                [&](OpBuilder &b, Location loc, ValueRange values) {
                                  return emit(op, ScalarArgs{b, loc, elementType, values});
                                });
    this->replace(op, result, rewriter);
    return success();
  }
};

template <typename... Ops> void add(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ElementwiseLowering<Ops>...>(converter, patterns.getContext());
}

} // namespace

void populateElementwise(const TypeConverter &converter, RewritePatternSet &patterns) {
  add<nn::NegOp, nn::AbsOp, nn::SignOp, nn::ReluOp, nn::NotOp>(converter, patterns);
  add<nn::ExpOp, nn::LogOp, nn::Log1pOp, nn::SqrtOp, nn::ReciprocalOp, nn::ErfOp, nn::SigmoidOp, nn::GeluOp, nn::SiluOp,
      nn::HardSwishOp, nn::FloorOp, nn::CeilOp, nn::RoundOp>(converter, patterns);
  add<nn::SinOp, nn::CosOp, nn::TanOp, nn::AsinOp, nn::AcosOp, nn::AtanOp, nn::SinhOp, nn::CoshOp, nn::TanhOp,
      nn::AsinhOp, nn::AcoshOp, nn::AtanhOp>(converter, patterns);
  add<nn::IsNaNOp, nn::IsInfOp, nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp, nn::ModOp, nn::PowOp, nn::MaxOp, nn::MinOp>(
      converter, patterns);
  add<nn::AndOp, nn::OrOp, nn::XorOp, nn::ShiftLeftOp, nn::ShiftRightOp, nn::EqualOp, nn::LessOp, nn::LessEqualOp,
      nn::WhereOp, nn::CastOp, nn::BitcastOp>(converter, patterns);
}

} // namespace nncc
