//===- Normalization.cpp - normalisations to compositions of small ops ----------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Normalization.h"
#include "Lowering.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc {
namespace {

/// Writes a normalisation as ops of nn, which the conversion takes up in turn: what fuses rows sees the same ops as ever.
class NormWriter {
public:
  NormWriter(OpBuilder &b, Location loc, RankedTensorType input, int64_t axis)
      : b(b), loc(loc), element(input.getElementType()), axes(llvm::to_vector(llvm::seq(axis, input.getRank()))) {}

  Type getWideType() const { return element.getIntOrFloatBitWidth() < 32 ? Type(b.getF32Type()) : element; }
  Value cast(Value x, Type type) const {
    return nn::typeOf(x).getElementType() == type ? x : nn::CastOp::create(b, loc, x, type).getResult();
  }
  Value mean(Value x) const {
    return nn::ReduceOp::create(b, loc, x, b.getDenseI64ArrayAttr(axes), b.getUnitAttr(), b.getStringAttr("mean"));
  }
  /// x / sqrt(mean of squares + epsilon).
  Value normalize(Value x, double epsilon) const {
    Value squares = mean(nn::MulOp::create(b, loc, x, x));
    auto scalar = RankedTensorType::get({}, getWideType());
    auto number = DenseElementsAttr::get(scalar, b.getFloatAttr(getWideType(), epsilon).getValue());
    Value sum = nn::AddOp::create(b, loc, squares, nn::ConstantOp::create(b, loc, number));
    return nn::MulOp::create(b, loc, x, nn::ReciprocalOp::create(b, loc, nn::SqrtOp::create(b, loc, sum)));
  }
  Value scaleAndShift(Value x, Value scale, Value bias) const {
    if (scale)
      x = nn::MulOp::create(b, loc, x.getType(), x, cast(scale, getWideType()));
    if (bias)
      x = nn::AddOp::create(b, loc, x.getType(), x, cast(bias, getWideType()));
    return cast(x, element);
  }

private:
  OpBuilder &b;
  Location loc;
  Type element;
  SmallVector<int64_t> axes;
};

template <typename OpTy> struct NormLowering : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    NormWriter writer(rewriter, op.getLoc(), nn::typeOf(op.getInput()), op.getAxis());
    Value x = writer.cast(op.getInput(), writer.getWideType());
    if (std::is_same_v<OpTy, nn::LayerNormOp>)
      x = nn::SubOp::create(rewriter, op.getLoc(), x, writer.mean(x));
    x = writer.normalize(x, op.getEpsilon().convertToDouble());
    rewriter.replaceOp(op, writer.scaleAndShift(x, op.getScale(), op.getBias()));
    return success();
  }
};

} // namespace

void populateNormalization(const TypeConverter &, RewritePatternSet &patterns) {
  patterns.add<NormLowering<nn::LayerNormOp>, NormLowering<nn::RMSNormOp>>(patterns.getContext());
}

} // namespace nncc
