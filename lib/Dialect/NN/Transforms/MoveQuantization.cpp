//===- MoveQuantization.cpp - data moves as integers ----------------------------------------------------------------------===//

#include "Quantized.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Pooling.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/IR/ZeroPoints.h"

using namespace mlir;

namespace nncc::nn {
namespace {

/// What quantisation computes from one number, where scale and zero point are known, one number each, and the scale is positive.
std::optional<APInt> quantizeNumber(QuantizeOp op, float number) {
  SmallVector<float> scale = getScales(op.getScale());
  DenseElementsAttr zeroPoint = op.getZeroPoint() ? getConstant(op.getZeroPoint()) : DenseElementsAttr();
  auto to = cast<IntegerType>(op.getTo());
  if (scale.size() != 1 || !(scale[0] > 0) || !isOneNumber(op.getZeroPoint()) || (op.getZeroPoint() && !zeroPoint))
    return std::nullopt;
  APInt zero = zeroPoint ? *zeroPoint.getValues<APInt>().begin() : APInt::getZero(to.getWidth());
  float low = to.isUnsigned() ? 0 : -float(1 << (to.getWidth() - 1));
  float high = float(to.isUnsigned() ? (1 << to.getWidth()) - 1 : (1 << (to.getWidth() - 1)) - 1);
  float shifted =
      std::nearbyint(number / scale[0]) + float(to.isUnsigned() ? zero.getZExtValue() : zero.getSExtValue());
  float bounded = shifted < high ? std::max(shifted, low) : high;
  return APInt(to.getWidth(), int64_t(bounded), /*isSigned=*/true, /*implicitTrunc=*/true);
}

/// Quantisation of larger numbers gives no smaller ones, so that it may come before max or min with a number. A bound that is the end
/// of the integers' range bounds nothing.
Value boundIntegers(PatternRewriter &rewriter, QuantizeOp op, Value integers, const APInt &bound, bool fromBelow) {
  auto to = cast<IntegerType>(op.getTo());
  APInt least = to.isUnsigned() ? APInt::getZero(to.getWidth()) : APInt::getSignedMinValue(to.getWidth());
  APInt largest = to.isUnsigned() ? APInt::getMaxValue(to.getWidth()) : APInt::getSignedMaxValue(to.getWidth());
  if (bound == (fromBelow ? least : largest))
    return integers;
  auto constant =
      ConstantOp::create(rewriter, op.getLoc(), DenseElementsAttr::get(RankedTensorType::get({}, to), bound));
  return fromBelow ? MaxOp::create(rewriter, op.getLoc(), integers, constant).getResult()
                   : MinOp::create(rewriter, op.getLoc(), integers, constant).getResult();
}

/// Whether `value` comes from dequantised integers through bounds alone: then quantisation meets them.
bool isBoundedDequantized(Value value) {
  for (unsigned depth = 0; depth < 4; ++depth) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (isa<DequantizeOp>(op))
      return true;
    if (!isa<ReluOp, MaxOp, MinOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

/// quantize(max(x, c)) is max(quantize(x), quantize(c)); also for min and relu.
struct QuantizeBeforeBound : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    Operation *source = op.getInput().getDefiningOp();
    if (!source || !isa<ReluOp, MaxOp, MinOp>(source) || !isBoundedDequantized(source->getOperand(0)) ||
        source->getOperand(0).getType() != op.getInput().getType())
      return rewriter.notifyMatchFailure(op, "the input is no bounded sum");
    SmallVector<float> bound = {0};
    if (!isa<ReluOp>(source))
      bound = getScales(source->getOperand(1));
    std::optional<APInt> integer = bound.size() == 1 ? quantizeNumber(op, bound[0]) : std::nullopt;
    if (!integer)
      return rewriter.notifyMatchFailure(op, "bound, scale or zero point is not known");
    Value integers = QuantizeOp::create(rewriter, op.getLoc(), op.getType(), source->getOperand(0), op.getScale(),
                                        op.getZeroPoint(), op.getTo());
    rewriter.replaceOp(op, boundIntegers(rewriter, op, integers, *integer, !isa<MinOp>(source)));
    return success();
  }
};

/// quantize(dequantize(x)) with the same scale and zero point is x.
struct QuantizeOfDequantized : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    DequantizeOp source = getDequantizedBytes(op.getInput());
    if (!source || source.getInput().getType() != op.getType() || !areSameScales(source.getScale(), op.getScale()) ||
        !areSameZeroPoints(source.getZeroPoint(), op.getZeroPoint()))
      return rewriter.notifyMatchFailure(op, "the input has another scale, zero point or type");
    rewriter.replaceOp(op, source.getInput());
    return success();
  }
};

/// Whether the op picks, moves or repeats elements of operand 0, and gives the same of integers.
bool movesElements(Operation *op) {
  if (auto pool = dyn_cast<PoolOp>(op))
    return pool.getKind() == "max";
  return isa<TransposeOp, ReshapeOp, SliceOp, GatherOp, ExpandOp, TileOp>(op);
}

/// move(dequantize(x)) is dequantize(move(x)): a quarter of the bytes, and what quantises afterwards meets the integers.
struct MoveBeforeDequantize : RewritePattern {
  MoveBeforeDequantize(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!movesElements(op))
      return rewriter.notifyMatchFailure(op, "is no movement of data");
    DequantizeOp source = getDequantizedBytes(op->getOperand(0));
    SmallVector<float> scale = source ? getScales(source.getScale()) : SmallVector<float>();
    if (!source || (isa<PoolOp>(op) && !(scale.size() == 1 && scale[0] > 0)))
      return rewriter.notifyMatchFailure(op, "the operand is not dequantised with one scale");
    Operation *moved = rewriter.clone(*op);
    moved->setOperand(0, source.getInput());
    Type type = op->getResult(0).getType();
    moved->getResult(0).setType(withElementType(type, typeOf(source.getInput()).getElementType()));
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, type, moved->getResult(0), source.getScale(), source.getZeroPoint());
    return success();
  }
};

struct ConcatBeforeDequantize : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> integers;
    DequantizeOp first;
    for (Value input : op.getInputs()) {
      DequantizeOp source = getDequantizedBytes(input);
      first = first ? first : source;
      if (!source || typeOf(source.getInput()).getElementType() != typeOf(first.getInput()).getElementType() ||
          !areSameScales(source.getScale(), first.getScale()) ||
          !areSameZeroPoints(source.getZeroPoint(), first.getZeroPoint()))
        return rewriter.notifyMatchFailure(op, "operands are not dequantised with one scale");
      integers.push_back(source.getInput());
    }
    Value joined = ConcatOp::create(rewriter, op.getLoc(), integers, op.getAxis());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), joined, first.getScale(), first.getZeroPoint());
    return success();
  }
};

/// A weight that differs in scale along an axis keeps them apart when it is transposed.
struct TransposeBeforeDequantize : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<DequantizeOp>();
    int64_t rank = typeOf(op).getRank();
    auto fits = [&](Value parameter) { return isOneNumber(parameter) || typeOf(parameter).getRank() == rank; };
    if (!source || getDequantizedBytes(op.getInput()) || typeOf(source.getInput()).getElementTypeBitWidth() != 8 ||
        !fits(source.getScale()) || !fits(source.getZeroPoint()))
      return rewriter.notifyMatchFailure(op, "the operand is not dequantised along an axis");
    auto transposed = [&](Value value) -> Value {
      return !value || typeOf(value).getRank() != rank
                 ? value
                 : TransposeOp::create(rewriter, op.getLoc(), value, op.getPermutation()).getResult();
    };
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), transposed(source.getInput()),
                                              transposed(source.getScale()), transposed(source.getZeroPoint()));
    return success();
  }
};

/// Scales and zero points come as vectors of one element: patterns read them.
struct ReshapeOfConstant : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    DenseElementsAttr elements = getConstant(op.getInput());
    if (!elements || !typeOf(op).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "no constant of known shape");
    rewriter.replaceOpWithNewOp<ConstantOp>(op, elements.reshape(typeOf(op)));
    return success();
  }
};

} // namespace

void populateMoveQuantization(RewritePatternSet &patterns) {
  patterns.add<QuantizeBeforeBound, QuantizeOfDequantized, MoveBeforeDequantize, ConcatBeforeDequantize,
               TransposeBeforeDequantize, ReshapeOfConstant>(patterns.getContext());
}

} // namespace nncc::nn
