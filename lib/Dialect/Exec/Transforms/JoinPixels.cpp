//===- JoinPixels.cpp - convolutions with few outputs compute several pixels at once --------------------------------------===//
//
// A vector of 16 channels is mostly empty when there are 3. P pixels in a row, of C channels each, are P C adjacent elements: the outputs of
// a convolution with P times the stride, whose filter has each pixel's taps where that pixel needs them, and zeros elsewhere.
//
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Weights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"

#define DEBUG_TYPE "exec-join-pixels"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_JOINPIXELS
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

/// How many pixels are joined, and what they gain.
struct Joining {
  int64_t pixels, outputs, stride, taps;

  int64_t getWideTaps() const { return (pixels - 1) * stride + taps; }
  double getGain() const { return double(pixels * taps) / double(getWideTaps()); }
  static std::optional<Joining> of(ConvOp op);
};

std::optional<Joining> Joining::of(ConvOp op) {
  constexpr int64_t lanes = 16;
  constexpr double leastGain = 1.4;
  ArrayRef<int64_t> filter = op.getFilterShape(), result = op.getType().getShape();
  int64_t width = result[result.size() - 2], outputs = result.back();
  if (op.getPacked() || op.getOutside() || op.getGroups() != 1 || !isa<FloatType>(op.getType().getElementType()) ||
      op.getDilations().back() != 1 || ShapedType::isDynamic(width) || outputs < 1)
    return std::nullopt;
  for (int64_t pixels = lanes / outputs; pixels > 1; --pixels) {
    Joining joining{pixels, outputs, op.getStrides().back(), filter[filter.size() - 3]};
    if (width % pixels == 0 && width > pixels && joining.getGain() >= leastGain)
      return joining;
  }
  return std::nullopt;
}

/// The pixel of a lane, and its output.
std::pair<Value, Value> splitLane(OpBuilder &b, Location loc, Value lane, int64_t outputs) {
  Value count = arith::ConstantIndexOp::create(b, loc, outputs);
  return {arith::DivUIOp::create(b, loc, lane, count), arith::RemUIOp::create(b, loc, lane, count)};
}

class JoinPixelsPass : public impl::JoinPixelsBase<JoinPixelsPass> {
public:
  void runOnOperation() override {
    weights = getOperation().lookupSymbol<func::FuncOp>("weights");
    if (!weights)
      return;
    for (ConvOp op : collectConvolutions(getOperation(), weights)) {
      std::optional<Joining> joining = Joining::of(op);
      WeightOp filter = joining ? findWeight(op.getFilter()) : nullptr;
      FailureOr<Value> bias = filter ? repeatBias(op, *joining) : FailureOr<Value>(failure());
      if (succeeded(bias))
        join(op, *joining, filter, *bias);
    }
  }

private:
  void join(ConvOp op, const Joining &joining, WeightOp filter, Value bias);
  /// A result of @weights, as a weight before `op`.
  Value asWeight(ConvOp op, Value value) {
    OpBuilder b(op);
    return WeightOp::create(b, op.getLoc(), value.getType(), addWeight(weights, value));
  }
  Value getSource(WeightOp weight) { return weights.getBody().front().getTerminator()->getOperand(weight.getIndex()); }
  /// A tensor of this shape whose elements `body` makes of its indices.
  Value generate(ArrayRef<int64_t> shape, Type element,
                 llvm::function_ref<Value(OpBuilder &, Location, ArrayRef<Value>)> body);
  Value widenFilter(WeightOp weight, ArrayRef<int64_t> shape, const Joining &joining);
  FailureOr<Value> repeatBias(ConvOp op, const Joining &joining);

  func::FuncOp weights;
};

Value JoinPixelsPass::generate(ArrayRef<int64_t> shape, Type element,
                               llvm::function_ref<Value(OpBuilder &, Location, ArrayRef<Value>)> body) {
  OpBuilder b(weights.getBody().front().getTerminator());
  Location loc = weights.getLoc();
  Value init = tensor::EmptyOp::create(b, loc, shape, element);
  SmallVector<utils::IteratorType> parallel(shape.size(), utils::IteratorType::parallel);
  auto generic =
      linalg::GenericOp::create(b, loc, init.getType(), ValueRange(), init, b.getMultiDimIdentityMap(shape.size()),
                                parallel, [&](OpBuilder &b, Location loc, ValueRange) {
                                  SmallVector<Value> indices;
                                  for (size_t dim = 0; dim < shape.size(); ++dim)
                                    indices.push_back(linalg::IndexOp::create(b, loc, dim));
                                  linalg::YieldOp::create(b, loc, body(b, loc, indices));
                                });
  return generic.getResult(0);
}

/// Element (.., tap, channel, (pixel, output)) is that of tap - pixel * stride, if there is such a tap.
Value JoinPixelsPass::widenFilter(WeightOp weight, ArrayRef<int64_t> shape, const Joining &joining) {
  Value source = getSource(weight);
  OpBuilder at(weights.getBody().front().getTerminator());
  Value filter = withShape(at, weight.getLoc(), source, shape);
  Type element = cast<RankedTensorType>(filter.getType()).getElementType();
  size_t tapDim = shape.size() - 3;
  SmallVector<int64_t> wide(shape);
  wide[tapDim] = joining.getWideTaps();
  wide.back() = joining.pixels * joining.outputs;
  return generate(wide, element, [&](OpBuilder &b, Location loc, ArrayRef<Value> indices) -> Value {
    auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
    auto [pixel, output] = splitLane(b, loc, indices.back(), joining.outputs);
    Value start = arith::MulIOp::create(b, loc, pixel, constant(joining.stride));
    Value tap = arith::SubIOp::create(b, loc, indices[tapDim], start);
    // One before the first is a large number.
    Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, tap, constant(joining.taps));
    SmallVector<Value> position(indices);
    position[tapDim] = arith::MinUIOp::create(b, loc, tap, constant(joining.taps - 1));
    position.back() = output;
    Value found = tensor::ExtractOp::create(b, loc, filter, position);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
    return arith::SelectOp::create(b, loc, exists, found, zero);
  });
}

/// The bias of each output for each of its pixels: a weight or a constant, as before; null for none. Fails when it is computed.
FailureOr<Value> JoinPixelsPass::repeatBias(ConvOp op, const Joining &joining) {
  if (!op.getBias())
    return Value();
  Type element = cast<RankedTensorType>(op.getBias().getType()).getElementType();
  DenseElementsAttr constant;
  if (matchPattern(op.getBias(), m_Constant(&constant))) {
    SmallVector<Attribute> values;
    for (int64_t pixel = 0; pixel < joining.pixels; ++pixel)
      llvm::append_range(values, constant.getValues<Attribute>());
    OpBuilder b(op);
    auto type = RankedTensorType::get({joining.pixels * joining.outputs}, element);
    return arith::ConstantOp::create(b, op.getLoc(), DenseElementsAttr::get(type, values)).getResult();
  }
  WeightOp weight = findWeight(op.getBias());
  if (!weight)
    return failure();
  OpBuilder at(weights.getBody().front().getTerminator());
  Value bias = withShape(at, weight.getLoc(), getSource(weight), {joining.outputs});
  Value repeated = generate({joining.pixels * joining.outputs}, element,
                            [&](OpBuilder &b, Location loc, ArrayRef<Value> indices) -> Value {
                              Value output = splitLane(b, loc, indices.front(), joining.outputs).second;
                              return tensor::ExtractOp::create(b, loc, bias, output);
                            });
  return asWeight(op, repeated);
}

void JoinPixelsPass::join(ConvOp op, const Joining &joining, WeightOp filter, Value bias) {
  Value wideFilter = asWeight(op, widenFilter(filter, op.getFilterShape(), joining));
  OpBuilder b(op);
  Location loc = op.getLoc();
  Type element = op.getType().getElementType();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, op.getInit()), split;
  int64_t rank = sizes.size(), width = op.getType().getDimSize(rank - 2);
  sizes[rank - 2] = b.getIndexAttr(width / joining.pixels);
  sizes[rank - 1] = b.getIndexAttr(joining.pixels * joining.outputs);
  Value init = tensor::EmptyOp::create(b, loc, sizes, element);
  SmallVector<int64_t> strides(op.getStrides());
  strides.back() *= joining.pixels;
  auto conv = ConvOp::create(b, loc, init.getType(), op.getInput(), wideFilter, bias, /*outside=*/Value(), init,
                             strides, op.getDilations(), op.getPads(), /*groups=*/1, /*input_unsigned=*/false,
                             /*filter_unsigned=*/false, /*packed=*/DenseI64ArrayAttr());
  // Pixels and outputs apart, then all pixels together.
  split.assign(sizes.begin(), sizes.end() - 1);
  split.append({b.getIndexAttr(joining.pixels), b.getIndexAttr(joining.outputs)});
  SmallVector<int64_t> shape(cast<RankedTensorType>(init.getType()).getShape().drop_back());
  shape.append({joining.pixels, joining.outputs});
  SmallVector<ReassociationIndices> apart, together;
  for (int64_t dim = 0; dim < rank; ++dim) {
    apart.push_back({dim});
    together.push_back({dim < rank - 1 ? dim : rank});
  }
  apart.back().push_back(rank);
  together[rank - 2].push_back(rank - 1);
  Value pixels = tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get(shape, element), conv, apart, split);
  op.replaceAllUsesWith(tensor::CollapseShapeOp::create(b, loc, op.getType(), pixels, together).getResult());
  op.erase();
}

} // namespace
} // namespace nncc::exec
