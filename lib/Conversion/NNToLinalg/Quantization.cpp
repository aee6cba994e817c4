//===- Quantization.cpp - quantised arithmetic to linalg and exec ---------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Quantization.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/Body.h"

using namespace mlir;

namespace nncc {

int64_t elementsInByte(Type type) {
  return type.isIntOrFloat() && !type.isInteger(1) ? std::max(8 / int64_t(type.getIntOrFloatBitWidth()), int64_t(1))
                                                   : 1;
}

static OpFoldResult product(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes) {
  OpFoldResult total = b.getIndexAttr(1);
  for (OpFoldResult size : sizes)
    total = mulSizes(b, loc, total, size);
  return total;
}

Value unpackBytes(OpBuilder &b, Location loc, Value bytes, ArrayRef<OpFoldResult> sizes, Type type) {
  int64_t perByte = elementsInByte(type), width = 8 / perByte;
  Value flat = generateElements(
      b, loc, product(b, loc, sizes), b.getI8Type(), [&](OpBuilder &nested, Location l, ValueRange point) -> Value {
        Body c(nested, l);
        Value place = c.div(point[0], c.index(perByte)), within = c.rem(point[0], c.index(perByte));
        Value byte = tensor::ExtractOp::create(nested, l, bytes, place);
        // Up until the element is at the top, and down again with or without its sign.
        Value wide = arith::ExtUIOp::create(nested, l, nested.getI32Type(), byte);
        Value skipped = arith::IndexCastOp::create(nested, l, nested.getI32Type(), c.mul(within, c.index(width)));
        Value down = c.number(nested.getI32Type(), 32 - width);
        Value top = arith::ShLIOp::create(nested, l, wide, c.sub(down, skipped));
        bool hasSign = isa<IntegerType>(type) && !isUnsigned(type);
        Value element = hasSign ? arith::ShRSIOp::create(nested, l, top, down).getResult()
                                : arith::ShRUIOp::create(nested, l, top, down).getResult();
        return arith::TruncIOp::create(nested, l, nested.getI8Type(), element);
      });
  return reshapeTensor(b, loc, flat, sizes);
}

Value packBytes(OpBuilder &b, Location loc, Value elements, ArrayRef<OpFoldResult> sizes, Type type) {
  int64_t perByte = elementsInByte(type), width = 8 / perByte;
  OpFoldResult total = product(b, loc, sizes);
  Value flat = reshapeTensor(b, loc, elements, total), count = asIndex(b, loc, total);
  Value bytes = b.createOrFold<arith::CeilDivSIOp>(loc, count, constantIndex(b, loc, perByte));
  return generateElements(
      b, loc, getAsOpFoldResult(bytes), b.getI8Type(), [&](OpBuilder &nested, Location l, ValueRange point) -> Value {
        Body c(nested, l);
        Value zero = c.number(nested.getI8Type(), 0), byte = zero, last = c.sub(count, c.index(1));
        for (int64_t i = 0; i < perByte; ++i) {
          Value place = c.add(c.mul(point[0], c.index(perByte)), c.index(i));
          Value element = tensor::ExtractOp::create(nested, l, flat, c.min(place, last));
          element = c.both(element, c.number(nested.getI8Type(), (1 << width) - 1));
          element = arith::ShLIOp::create(nested, l, element, c.number(nested.getI8Type(), i * width));
          byte = c.either(byte, c.select(c.less(place, count), element, zero));
        }
        return byte;
      });
}

namespace {

struct UnpackLowering : Lowering<nn::UnpackOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::UnpackOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    RankedTensorType type = nn::typeOf(op.getResult());
    Sizes sizes;
    for (const nn::Dim &dim : nn::getDims(type)) {
      if (dim.isUnknown())
        return rewriter.notifyMatchFailure(op, "a size is not known");
      sizes.push_back(materialize(rewriter, op.getLoc(), dim));
    }
    replace(op, unpackBytes(rewriter, op.getLoc(), adaptor.getBytes(), sizes, type.getElementType()), rewriter);
    return success();
  }
};

struct PackLowering : Lowering<nn::PackOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::PackOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Sizes sizes = sizesOf(rewriter, op.getLoc(), op.getInput(), adaptor.getInput());
    replace(op, packBytes(rewriter, op.getLoc(), adaptor.getInput(), sizes, nn::typeOf(op.getInput()).getElementType()),
            rewriter);
    return success();
  }
};

Type elementOf(Value original) { return nn::typeOf(original).getElementType(); }

/// saturate(round(value) + zeroPoint); `zeroPoint` may be null. The comparisons are ordered so that NaN becomes the largest integer.
Value saturate(OpBuilder &b, Location loc, Value value, Value zeroPoint, IntegerType to) {
  Type type = value.getType();
  unsigned width = to.getWidth();
  value = math::RoundEvenOp::create(b, loc, value);
  if (zeroPoint)
    value = arith::AddFOp::create(b, loc, value, castScalar(b, loc, zeroPoint, to, type));
  double low = to.isUnsigned() ? 0 : -double(int64_t(1) << (width - 1));
  double high = double((int64_t(1) << (width - !to.isUnsigned())) - 1);
  auto clamp = [&](arith::CmpFPredicate predicate, double bound) {
    Value limit = constantOf(b, loc, type, bound);
    Value inside = arith::CmpFOp::create(b, loc, predicate, value, limit);
    value = arith::SelectOp::create(b, loc, inside, value, limit);
  };
  clamp(arith::CmpFPredicate::OLT, high);
  clamp(arith::CmpFPredicate::OGT, low);
  Value wide = arith::FPToSIOp::create(b, loc, b.getI32Type(), value);
  return arith::TruncIOp::create(b, loc, b.getIntegerType(width), wide);
}

Value third(ValueRange values) { return values.size() > 2 ? values[2] : Value(); }

/// Elements that are scaled, rounded and saturated to integers.
template <typename OpTy> class ToIntegersLowering : public Lowering<OpTy> {
public:
  using Lowering<OpTy>::Lowering;
  LogicalResult matchAndRewrite(OpTy op, OpTy::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto to = cast<IntegerType>(op.getTo());
    Value result = mapBroadcast(rewriter, op.getLoc(), op.getOperands(), adaptor.getOperands(), convertElementType(to),
                                [&](OpBuilder &b, Location loc, ValueRange values) {
                                  return saturate(b, loc, scale(b, loc, values[0], values[1]), third(values), to);
                                });
    this->replace(op, result, rewriter);
    return success();
  }

private:
  static Value scale(OpBuilder &b, Location loc, Value element, Value factor) {
    if (std::is_same_v<OpTy, nn::QuantizeOp>)
      return arith::DivFOp::create(b, loc, element, factor);
    Value number = arith::SIToFPOp::create(b, loc, factor.getType(), element);
    return arith::MulFOp::create(b, loc, number, factor);
  }
};

struct DequantizeLowering : Lowering<nn::DequantizeOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::DequantizeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type from = elementOf(op.getInput()), to = elementOf(op.getScale()), wide = rewriter.getI32Type();
    auto emit = [&](OpBuilder &b, Location loc, ValueRange values) -> Value {
      Value difference = castScalar(b, loc, values[0], from, wide);
      if (Value zeroPoint = third(values))
        difference = arith::SubIOp::create(b, loc, difference, castScalar(b, loc, zeroPoint, from, wide));
      return arith::MulFOp::create(b, loc, castScalar(b, loc, difference, wide, to), values[1]);
    };
    replace(op, mapBroadcast(rewriter, op.getLoc(), op.getOperands(), adaptor.getOperands(), to, emit), rewriter);
    return success();
  }
};

} // namespace

void populateQuantization(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<UnpackLowering, PackLowering, ToIntegersLowering<nn::QuantizeOp>, ToIntegersLowering<nn::RequantizeOp>,
               DequantizeLowering>(converter, patterns.getContext());
}

} // namespace nncc
