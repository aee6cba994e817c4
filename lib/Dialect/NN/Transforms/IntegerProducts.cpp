//===- IntegerProducts.cpp - products of dequantised tensors --------------------------------------------------------------===//

#include "Quantized.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/IR/ZeroPoints.h"

using namespace mlir;

namespace nncc::nn {
namespace {

/// x * y or x / y of two scales, as a constant where both are: what comes behind compares scales.
template <typename OpTy> Value combineScales(PatternRewriter &rewriter, Location loc, Value x, Value y) {
  SmallVector<float> left = getScales(x), right = getScales(y);
  bool fit = !left.empty() && !right.empty() && (left.size() == 1 || right.size() == 1);
  if (!fit)
    return OpTy::create(rewriter, loc, x, y);
  SmallVector<float> result;
  for (size_t i = 0, n = std::max(left.size(), right.size()); i < n; ++i) {
    float a = left[left.size() == 1 ? 0 : i], b = right[right.size() == 1 ? 0 : i];
    result.push_back(std::is_same_v<OpTy, MulOp> ? a * b : a / b);
  }
  RankedTensorType type = typeOf(right.size() > left.size() ? y : x);
  if (result.size() == 1)
    type = RankedTensorType::get({}, type.getElementType());
  return ConstantOp::create(rewriter, loc, DenseElementsAttr::get(type, ArrayRef(result)));
}

Value reshaped(PatternRewriter &rewriter, Location loc, Value value, ArrayRef<int64_t> shape) {
  if (DenseElementsAttr elements = getConstant(value))
    return ConstantOp::create(rewriter, loc, elements.reshape(RankedTensorType::get(shape, elements.getElementType())));
  auto shapeType = RankedTensorType::get({int64_t(shape.size())}, rewriter.getI64Type());
  auto sizes = ConstantOp::create(rewriter, loc, DenseElementsAttr::get(shapeType, shape));
  return ReshapeOp::create(rewriter, loc, value, sizes);
}

/// A weight: integers of 8 bits with a scale and a zero point that may differ along one axis, which is not summed over.
DequantizeOp getDequantizedWeight(Value value, int64_t axis) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || typeOf(op.getInput()).getElementTypeBitWidth() != 8 || !typeOf(op).getElementType().isF32())
    return {};
  int64_t rank = typeOf(op.getInput()).getRank();
  for (Value parameter : {op.getScale(), op.getZeroPoint()}) {
    if (isOneNumber(parameter))
      continue;
    RankedTensorType type = typeOf(parameter);
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (i + rank - type.getRank() != axis && type.getDimSize(i) != 1)
        return {};
  }
  return op;
}

/// The integers of a bias that has the scale of the products; null if it has another one, or none that is known.
Value matchIntegerBias(Value bias, Value scale) {
  auto op = bias.getDefiningOp<DequantizeOp>();
  bool matches = op && typeOf(op.getInput()).getElementType().isInteger(32) && isZero(op.getZeroPoint()) &&
                 areSameScales(op.getScale(), scale);
  return matches ? op.getInput() : Value();
}

/// conv(dequantize(x), dequantize(w)) is dequantize(conv(x, w)) with the product of the scales.
struct ConvOfIntegers : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override {
    DequantizeOp input = getDequantizedBytes(op.getInput()), filter = getDequantizedWeight(op.getFilter(), 0);
    if (!input || !filter || op.getChannelsLast() || !typeOf(op.getFilter()).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "operands are not dequantised integers of 8 bits");
    Location loc = op.getLoc();
    Value scale = combineScales<MulOp>(rewriter, loc, filter.getScale(), input.getScale());
    Value integers = op.getBias() ? matchIntegerBias(op.getBias(), scale) : Value();
    auto conv =
        ConvOp::create(rewriter, loc, input.getInput(), filter.getInput(), integers, input.getZeroPoint(),
                       op.getStridesAttr(), op.getDilationsAttr(), op.getPadsAttr(), op.getGroupsAttr(), UnitAttr());
    Value sums = subtractZeroPoints(rewriter, conv, filter.getZeroPoint());
    SmallVector<int64_t> alongChannels(typeOf(op).getRank() - 1, 1);
    alongChannels.front() = typeOf(op.getFilter()).getDimSize(0);
    if (!isOneNumber(scale))
      scale = reshaped(rewriter, loc, scale, alongChannels);
    Value result = DequantizeOp::create(rewriter, loc, op.getType(), sums, scale, Value());
    if (op.getBias() && !integers)
      result = AddOp::create(rewriter, loc, result, reshaped(rewriter, loc, op.getBias(), alongChannels));
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// The same for a matrix product.
struct MatMulOfIntegers : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    DequantizeOp lhs = getDequantizedBytes(op.getLhs());
    DequantizeOp rhs = getDequantizedWeight(op.getRhs(), typeOf(op.getRhs()).getRank() - 1);
    if (!lhs || !rhs)
      return rewriter.notifyMatchFailure(op, "operands are not dequantised integers of 8 bits");
    Location loc = op.getLoc();
    Value scale = combineScales<MulOp>(rewriter, loc, rhs.getScale(), lhs.getScale());
    auto product = MatMulOp::create(rewriter, loc, lhs.getInput(), rhs.getInput());
    Value sums = subtractZeroPoints(rewriter, product, lhs.getZeroPoint(), rhs.getZeroPoint());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), sums, scale, Value());
    return success();
  }
};

/// The mean of dequantised integers is a sum of integers with a smaller scale. Of 64 pixels one mean in 64 lies half-way between two
/// integers: only exact sums round it to even.
struct MeanOfIntegers : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override {
    DequantizeOp input = getDequantizedBytes(op.getInput());
    if (!input || (op.getKind() != "mean" && op.getKind() != "sum"))
      return rewriter.notifyMatchFailure(op, "no sum or mean of dequantised integers of 8 bits");
    Dim count(1);
    for (int64_t axis : op.getAxes())
      count = count * Dim::of(typeOf(input), axis);
    if (!count.isStatic() || count.isStatic(0) || !count.isAtLeast(1) || count.getStatic() > 1 << 22)
      return rewriter.notifyMatchFailure(op, "the number of elements is not known, or large");
    Location loc = op.getLoc();
    auto wideType = withElementType(input.getType(), rewriter.getI32Type());
    Value wide = CastOp::create(rewriter, loc, wideType, input.getInput(), rewriter.getI32Type(), true);
    if (!isZero(input.getZeroPoint()))
      wide = SubOp::create(rewriter, loc, wide,
                           CastOp::create(rewriter, loc, input.getZeroPoint(), rewriter.getI32Type(), true));
    Value sum = ReduceOp::create(rewriter, loc, wide, op.getAxes(), op.getKeepdims(), "sum"), scale = input.getScale();
    if (op.getKind() == "mean") {
      auto number = DenseElementsAttr::get(RankedTensorType::get({}, rewriter.getF32Type()), float(count.getStatic()));
      scale = combineScales<DivOp>(rewriter, loc, scale, ConstantOp::create(rewriter, loc, number));
    }
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), sum, scale, Value());
    return success();
  }
};

/// Sums of products with the scale of this: dequantize without zero point, of i32.
DequantizeOp getDequantizedSums(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  bool matches = op && typeOf(op.getInput()).getElementType().isInteger(32) && isZero(op.getZeroPoint()) &&
                 typeOf(op).getElementType().isF32();
  return matches ? op : DequantizeOp();
}

/// A bias that was quantised with the scale of the products is added before they are scaled.
struct AddOfSums : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    DequantizeOp lhs = getDequantizedSums(op.getLhs()), rhs = getDequantizedSums(op.getRhs());
    if (!lhs || !rhs || !areSameScales(lhs.getScale(), rhs.getScale()))
      return rewriter.notifyMatchFailure(op, "operands have no common scale");
    Value scale = isOneNumber(lhs.getScale()) ? rhs.getScale() : lhs.getScale();
    Value sum = AddOp::create(rewriter, op.getLoc(), lhs.getInput(), rhs.getInput());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), sum, scale, Value());
    return success();
  }
};

/// quantize(dequantize(sums)) scales once.
struct QuantizeOfSums : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    DequantizeOp sums = getDequantizedSums(op.getInput());
    if (!sums)
      return rewriter.notifyMatchFailure(op, "the input is no sum of integer products");
    Value factor = combineScales<DivOp>(rewriter, op.getLoc(), sums.getScale(), op.getScale());
    rewriter.replaceOpWithNewOp<RequantizeOp>(op, op.getType(), sums.getInput(), factor, op.getZeroPoint(), op.getTo());
    return success();
  }
};

} // namespace

void populateIntegerProducts(RewritePatternSet &patterns) {
  patterns.add<ConvOfIntegers, MatMulOfIntegers, MeanOfIntegers, AddOfSums, QuantizeOfSums>(patterns.getContext());
}

} // namespace nncc::nn
