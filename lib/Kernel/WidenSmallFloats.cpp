//===- WidenSmallFloats.cpp - arithmetic on f16 and bf16 in f32 ---------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Kernel/Passes.h"

using namespace mlir;

#define DEBUG_TYPE "nncc-widen-small-floats"

namespace nncc::kernel {
#define GEN_PASS_DEF_WIDENSMALLFLOATS
#include "nncc/Kernel/Passes.h.inc"
} // namespace nncc::kernel

/// `type`, a scalar or a vector, with other elements.
static Type withElements(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return VectorType::get(vector.getShape(), element);
  return element;
}

static bool isSmallFloat(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Arithmetic in f32
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether `op` computes with the values of small floats, and does not only move or convert them.
static bool computesSmallFloats(Operation *op) {
  if (!isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
      isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp, arith::BitcastOp, arith::SelectOp>(op))
    return false;
  return llvm::any_of(op->getOperandTypes(), isSmallFloat) || llvm::any_of(op->getResultTypes(), isSmallFloat);
}

/// The same op on f32 between conversions.
static void widen(Operation *op) {
  OpBuilder b(op);
  Type f32 = b.getF32Type();
  for (OpOperand &operand : op->getOpOperands())
    if (Type type = operand.get().getType(); isSmallFloat(type))
      operand.set(arith::ExtFOp::create(b, op->getLoc(), withElements(type, f32), operand.get()));
  b.setInsertionPointAfter(op);
  for (Value result : op->getResults()) {
    Type type = result.getType();
    if (!isSmallFloat(type))
      continue;
    result.setType(withElements(type, f32));
    auto narrow = arith::TruncFOp::create(b, op->getLoc(), type, result);
    result.replaceAllUsesExcept(narrow, narrow);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Conversions between f16 and f32 by integer arithmetic
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

/// Arithmetic on i32, scalars or vectors of the shape of `like`.
class Bits {
public:
  Bits(Operation *op, Type like) : b(op), loc(op->getLoc()), like(like) {}

  Type type(Type element) const { return withElements(like, element); }
  Value constant(int64_t value) {
    TypedAttr number = b.getI32IntegerAttr(value);
    if (auto vector = dyn_cast<VectorType>(type(b.getI32Type())))
      number = DenseElementsAttr::get(vector, Attribute(number));
    return arith::ConstantOp::create(b, loc, number);
  }
  template <typename Op> Value apply(Value x, int64_t y) { return Op::create(b, loc, x, constant(y)); }
  Value isAtLeast(Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, x, constant(y));
  }
  Value asFloat(Value x) { return arith::BitcastOp::create(b, loc, type(b.getF32Type()), x); }
  Value asInt(Value x) { return arith::BitcastOp::create(b, loc, type(b.getI32Type()), x); }

  OpBuilder b;
  Location loc;
  Type like;
};

} // namespace

/// The fraction and the exponent move to their places as a float whose exponent is 112 too small; the product is exact, also for
/// subnormals.
static Value extendF16(arith::ExtFOp op) {
  Bits bits(op, op.getIn().getType());
  Value half = arith::BitcastOp::create(bits.b, bits.loc, bits.type(bits.b.getI16Type()), op.getIn());
  Value wide = arith::ExtUIOp::create(bits.b, bits.loc, bits.type(bits.b.getI32Type()), half);
  Value magnitude = bits.apply<arith::AndIOp>(wide, 0x7fff);
  Value moved = bits.apply<arith::ShLIOp>(magnitude, 13);
  Value scale = bits.asFloat(bits.constant((127 + 112) << 23));
  Value finite = bits.asInt(arith::MulFOp::create(bits.b, bits.loc, bits.asFloat(moved), scale));
  Value special = bits.apply<arith::OrIOp>(moved, 0x7f800000); // infinity and NaN
  Value isSpecial = bits.isAtLeast(magnitude, 0x7c00);
  Value result = arith::SelectOp::create(bits.b, bits.loc, isSpecial, special, finite);
  Value sign = bits.apply<arith::ShLIOp>(bits.apply<arith::AndIOp>(wide, 0x8000), 16);
  return bits.asFloat(arith::OrIOp::create(bits.b, bits.loc, result, sign));
}

/// To the nearest, ties to even: normal results by an integer addition, subnormal ones by a float addition that leaves their last bit at
/// the end of the fraction.
static Value truncateToF16(arith::TruncFOp op) {
  Bits bits(op, op.getIn().getType());
  Value wide = bits.asInt(op.getIn());
  Value magnitude = bits.apply<arith::AndIOp>(wide, 0x7fffffff);
  Value odd = bits.apply<arith::AndIOp>(bits.apply<arith::ShRUIOp>(magnitude, 13), 1);
  constexpr int64_t rebias = (int64_t(15 - 127) << 23) + 0xfff;
  Value rounded = arith::AddIOp::create(bits.b, bits.loc, bits.apply<arith::AddIOp>(magnitude, rebias), odd);
  Value normal = bits.apply<arith::ShRUIOp>(rounded, 13);
  constexpr int64_t shift = (127 - 15 + 23 - 10 + 1) << 23; // as a float 0.5: its last bit is that of a subnormal f16
  Value sum = arith::AddFOp::create(bits.b, bits.loc, bits.asFloat(magnitude), bits.asFloat(bits.constant(shift)));
  Value subnormal = bits.apply<arith::SubIOp>(bits.asInt(sum), shift);
  auto select = [&](Value condition, Value yes, Value no) -> Value {
    return arith::SelectOp::create(bits.b, bits.loc, condition, yes, no);
  };
  Value result = select(bits.isAtLeast(magnitude, (127 - 14) << 23), normal, subnormal);
  result = select(bits.isAtLeast(magnitude, 0x477ff000), bits.constant(0x7c00), result); // 65520 rounds to infinity
  Value notANumber =
      bits.apply<arith::OrIOp>(bits.apply<arith::AndIOp>(bits.apply<arith::ShRUIOp>(magnitude, 13), 0x3ff), 0x7e00);
  result = select(bits.isAtLeast(magnitude, 0x7f800001), notANumber, result);
  Value sign = bits.apply<arith::AndIOp>(bits.apply<arith::ShRUIOp>(wide, 16), 0x8000);
  result = arith::OrIOp::create(bits.b, bits.loc, result, sign);
  Value half = arith::TruncIOp::create(bits.b, bits.loc, bits.type(bits.b.getI16Type()), result);
  return arith::BitcastOp::create(bits.b, bits.loc, op.getType(), half);
}

static void expandConversion(Operation *op) {
  Type from = getElementTypeOrSelf(op->getOperand(0)), to = getElementTypeOrSelf(op->getResult(0));
  Value result;
  if (auto extend = dyn_cast<arith::ExtFOp>(op); extend && from.isF16() && to.isF32())
    result = extendF16(extend);
  else if (auto truncate = dyn_cast<arith::TruncFOp>(op); truncate && from.isF32() && to.isF16())
    result = truncateToF16(truncate);
  else
    return;
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

namespace {
class WidenSmallFloatsPass : public nncc::kernel::impl::WidenSmallFloatsBase<WidenSmallFloatsPass> {
public:
  using WidenSmallFloatsBase::WidenSmallFloatsBase;

  void runOnOperation() override {
    SmallVector<Operation *> found, conversions;
    getOperation()->walk([&](Operation *op) {
      if (computesSmallFloats(op))
        found.push_back(op);
    });
    llvm::for_each(found, widen);
    if (!expandF16)
      return;
    getOperation()->walk([&](Operation *op) {
      if (isa<arith::ExtFOp, arith::TruncFOp>(op))
        conversions.push_back(op);
    });
    llvm::for_each(conversions, expandConversion);
  }
};
} // namespace
