//===- Normalization.cpp - import of normalisations and softmax -----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Normalization.h"
#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

/// Combined along `axes`, which stay as dims of 1. Null when something before failed.
static Chain reduce(NodeImporter &node, const Chain &x, StringRef kind, ArrayRef<int64_t> axes) {
  OpBuilder &b = node.builder();
  if (!x.get())
    return x;
  FailureOr<nn::ReduceOp> result =
      node.create<nn::ReduceOp>(x.get(), b.getDenseI64ArrayAttr(axes), b.getUnitAttr(), b.getStringAttr(kind));
  return Chain(node, failed(result) ? Value() : Value(*result));
}

static FailureOr<int64_t> axisAttr(NodeImporter &node, int64_t rank, int64_t fallback) {
  int64_t axis = node.hasAttr("axis") ? node.intAttr("axis") : fallback;
  if (axis < -rank || axis >= std::max<int64_t>(rank, 1))
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  return axis < 0 ? axis + rank : axis;
}

/// The axes that a softmax runs over: one, or before version 13 all from `axis` on.
static FailureOr<SmallVector<int64_t>> softmaxAxes(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank();
  bool isOld = node.opset() < 13;
  FailureOr<int64_t> axis = axisAttr(node, rank, isOld ? 1 : -1);
  if (failed(axis))
    return failure();
  if (!isOld)
    return SmallVector<int64_t>{*axis};
  return llvm::to_vector(llvm::seq<int64_t>(*axis, rank));
}

/// e^(x - max) / sum. No power overflows.
static LogicalResult importSoftmax(NodeImporter &node) {
  FailureOr<SmallVector<int64_t>> axes = softmaxAxes(node);
  if (failed(axes))
    return failure();
  Chain x(node, node.input(0));
  Chain powers = x.with<nn::SubOp>(reduce(node, x, "max", *axes)).apply<nn::ExpOp>();
  return powers.with<nn::DivOp>(reduce(node, powers, "sum", *axes)).becomesOutput();
}

static LogicalResult importLogSoftmax(NodeImporter &node) {
  FailureOr<SmallVector<int64_t>> axes = softmaxAxes(node);
  if (failed(axes))
    return failure();
  Chain x(node, node.input(0));
  Chain shifted = x.with<nn::SubOp>(reduce(node, x, "max", *axes));
  Chain sum = reduce(node, shifted.apply<nn::ExpOp>(), "sum", *axes);
  return shifted.with<nn::SubOp>(sum.apply<nn::LogOp>()).becomesOutput();
}

/// A vector with one element a channel (dim 1), as a tensor that broadcasts.
static FailureOr<Value> alongChannels(NodeImporter &node, Value vector, int64_t rank) {
  SmallVector<SizeSource> sizes(std::max<int64_t>(rank - 1, 1), SizeSource{1, {}});
  sizes[0] = {0, vector};
  if (nn::typeOf(vector).getRank() != 1)
    return node.error("needs one number a channel");
  return reshapeTo(node, vector, sizes);
}

/// What a normalisation finds; `inverse` is 1 / sqrt(variance + epsilon).
struct Statistics {
  Chain mean, variance, inverse;
};

/// (x - mean) / sqrt(variance + epsilon) along `axes`. f16 and bf16 are normalised in f32.
static Chain normalize(NodeImporter &node, Chain x, ArrayRef<int64_t> axes, double epsilon,
                       Statistics *statistics = nullptr) {
  Chain mean = reduce(node, x, "mean", axes);
  Chain centred = x.with<nn::SubOp>(mean);
  Chain variance = reduce(node, centred.with<nn::MulOp>(centred), "mean", axes);
  Chain inverse = variance.with<nn::AddOp>(epsilon).apply<nn::SqrtOp>().apply<nn::ReciprocalOp>();
  if (statistics)
    *statistics = {mean, variance, inverse};
  return centred.with<nn::MulOp>(inverse);
}

static Type statisticsType(NodeImporter &node, Type type) {
  return type.getIntOrFloatBitWidth() < 32 ? Type(node.builder().getF32Type()) : type;
}

/// Normalises by the statistics of the batch, and moves the running ones towards them.
static LogicalResult importTraining(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  if (type.getRank() < 2)
    return node.error("needs a batch and channels, got rank " + Twine(type.getRank()));
  Type elementType = type.getElementType(), wide = statisticsType(node, elementType);
  SmallVector<int64_t> axes{0};
  axes.append(llvm::to_vector(llvm::seq<int64_t>(2, type.getRank())));
  FailureOr<Value> scale = alongChannels(node, node.input(1), type.getRank()),
                   bias = alongChannels(node, node.input(2), type.getRank());
  if (failed(scale) || failed(bias))
    return failure();
  Chain none(node, Value());
  Statistics batch{none, none, none};
  Chain normalized =
      normalize(node, Chain(node, node.input(0)).cast(wide), axes, node.floatAttr("epsilon", 1e-5f), &batch);
  Chain y = normalized.with<nn::MulOp>(Chain(node, *scale).cast(wide))
                .with<nn::AddOp>(Chain(node, *bias).cast(wide))
                .cast(elementType);
  if (failed(y.becomesOutput()))
    return failure();
  double momentum = node.floatAttr("momentum", 0.9f);
  for (auto [output, found] : {std::pair(1, batch.mean), std::pair(2, batch.variance)}) {
    if (!node.wantsOutput(output))
      continue;
    Value running = node.input(output + 2);
    FailureOr<Value> ofBatch = reshapeTo(node, found.get(), {SizeSource{0, running}});
    if (failed(ofBatch))
      return failure();
    Chain moved = Chain(node, running)
                      .cast(wide)
                      .with<nn::MulOp>(momentum)
                      .with<nn::AddOp>(Chain(node, *ofBatch).with<nn::MulOp>(1 - momentum))
                      .cast(nn::typeOf(running).getElementType());
    if (!moved.get())
      return failure();
    node.setOutput(output, moved.get());
  }
  return success();
}

/// scale * (x - mean) / sqrt(variance + epsilon) + bias, with given statistics: two elementwise ops, whose factors are constants.
static LogicalResult importBatchNormalization(NodeImporter &node) {
  if (node.opset() >= 14 && node.intAttr("training_mode"))
    return importTraining(node);
  if (node.opset() >= 14 ? node.wantsOutput(1) : node.opset() < 7 && !node.intAttr("is_test"))
    return node.unsupported("training mode");
  RankedTensorType type = node.inputType(0);
  double epsilon = node.floatAttr("epsilon", 1e-5f);
  Chain scale(node, node.input(1)), bias(node, node.input(2)), mean(node, node.input(3)), variance(node, node.input(4));
  Type wide = nn::typeOf(node.input(4)).getElementType();
  if (nn::typeOf(node.input(1)).getElementType() != wide)
    scale = scale.cast(wide), bias = bias.cast(wide);
  Chain factor = scale.with<nn::DivOp>(variance.with<nn::AddOp>(epsilon).apply<nn::SqrtOp>());
  Chain offset = bias.with<nn::SubOp>(mean.with<nn::MulOp>(factor));
  if (!factor.get() || !offset.get())
    return failure();
  FailureOr<Value> wideFactor = alongChannels(node, factor.get(), type.getRank()),
                   wideOffset = alongChannels(node, offset.get(), type.getRank());
  if (failed(wideFactor) || failed(wideOffset))
    return failure();
  Chain x(node, node.input(0));
  if (type.getElementType() == wide)
    return x.with<nn::MulOp>(*wideFactor).with<nn::AddOp>(*wideOffset).becomesOutput();
  return x.cast(wide)
      .with<nn::MulOp>(*wideFactor)
      .with<nn::AddOp>(*wideOffset)
      .cast(type.getElementType())
      .becomesOutput();
}

static LogicalResult importInstanceNormalization(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  if (type.getRank() < 2)
    return node.error("needs a batch and channels, got rank " + Twine(type.getRank()));
  Type elementType = type.getElementType(), wide = statisticsType(node, elementType);
  FailureOr<Value> scale = alongChannels(node, node.input(1), type.getRank()),
                   bias = alongChannels(node, node.input(2), type.getRank());
  if (failed(scale) || failed(bias))
    return failure();
  Chain x = Chain(node, node.input(0)).cast(wide);
  Chain normal =
      normalize(node, x, llvm::to_vector(llvm::seq<int64_t>(2, type.getRank())), node.floatAttr("epsilon", 1e-5f));
  return normal.with<nn::MulOp>(Chain(node, *scale).cast(wide))
      .with<nn::AddOp>(Chain(node, *bias).cast(wide))
      .cast(elementType)
      .becomesOutput();
}

static LogicalResult importLayerNormalization(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  FailureOr<int64_t> axis = axisAttr(node, type.getRank(), -1);
  if (failed(axis))
    return failure();
  // stash_type 0 computes in the input's own type.
  Type elementType = type.getElementType();
  Type wide = node.intAttr("stash_type", 1) == 1 ? statisticsType(node, elementType) : elementType;
  Chain none(node, Value());
  Statistics statistics{none, none, none};
  Chain normal =
      normalize(node, Chain(node, node.input(0)).cast(wide), llvm::to_vector(llvm::seq<int64_t>(*axis, type.getRank())),
                node.floatAttr("epsilon", 1e-5f), &statistics);
  Chain result = normal.cast(elementType).with<nn::MulOp>(node.input(1));
  if (node.hasInput(2))
    result = result.with<nn::AddOp>(node.input(2));
  if (node.wantsOutput(1))
    node.setOutput(1, statistics.mean.get());
  if (node.wantsOutput(2))
    node.setOutput(2, statistics.inverse.get());
  return result.becomesOutput();
}

/// x / (bias + alpha / size * sum of squares over `size` channels around) ^ beta.
static LogicalResult importLRN(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  int64_t rank = type.getRank(), size = node.intAttr("size");
  if (rank < 2 || size < 1 || size > (int64_t(1) << 20))
    return node.error("needs channels and a positive size");
  Chain x(node, node.input(0));
  Chain squares = x.with<nn::MulOp>(x);
  if (!squares.get())
    return failure();
  // Shifted slices of the padded squares, added up.
  int64_t before = (size - 1) / 2, after = size - 1 - before;
  SmallVector<int64_t> pads(2 * rank, 0);
  pads[1] = before;
  pads[rank + 1] = after;
  OpBuilder &b = node.builder();
  FailureOr<nn::PadOp> padded =
      node.create<nn::PadOp>(squares.get(), node.constantInts(pads), Value(), b.getStringAttr("constant"));
  if (failed(padded))
    return failure();
  Chain sum(node, Value());
  for (int64_t i = 0; i < size; ++i) {
    Value end = node.constantInts(i - size + 1 == 0 ? INT64_MAX : i - size + 1);
    FailureOr<nn::SliceOp> part =
        node.create<nn::SliceOp>(*padded, node.constantInts(i), end, node.constantInts(1), b.getDenseI64ArrayAttr(1));
    if (failed(part))
      return failure();
    sum = i ? sum.with<nn::AddOp>(Value(*part)) : Chain(node, *part);
  }
  Chain base = sum.with<nn::MulOp>(double(node.floatAttr("alpha", 1e-4f)) / double(size))
                   .with<nn::AddOp>(double(node.floatAttr("bias", 1)));
  return x.with<nn::DivOp>(base.with<nn::PowOp>(double(node.floatAttr("beta", 0.75f)))).becomesOutput();
}

/// 1 at the first largest element along the axis, 0 elsewhere.
static LogicalResult importHardmax(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  FailureOr<int64_t> axis = axisAttr(node, type.getRank(), node.opset() < 13 ? 1 : -1);
  if (failed(axis))
    return failure();
  if (node.opset() < 13 && *axis != type.getRank() - 1)
    return node.unsupported("along several axes at once (an opset before 13)");
  OpBuilder &b = node.builder();
  FailureOr<nn::ArgReduceOp> largest = node.create<nn::ArgReduceOp>(
      node.input(0), b.getStringAttr("max"), b.getI64IntegerAttr(*axis), b.getUnitAttr(), UnitAttr());
  if (failed(largest) || type.isDynamicDim(*axis))
    return failed(largest) ? failure() : node.unsupported("along an axis whose size is known only at run time");
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(0, type.getDimSize(*axis)));
  SmallVector<SizeSource> sizes(type.getRank(), SizeSource{1, {}});
  sizes[*axis] = {type.getDimSize(*axis), {}};
  FailureOr<Value> places = reshapeTo(node, node.constantInts(numbers), sizes);
  if (failed(places))
    return failure();
  return Chain(node, *places).with<nn::EqualOp>(Value(*largest)).cast(type.getElementType()).becomesOutput();
}

void registerNormalization(ImportTable &table) {
  table.add({
      {"", "Softmax", 1, importSoftmax},
      {"", "LogSoftmax", 1, importLogSoftmax},
      {"", "Hardmax", 1, importHardmax},
      {"", "BatchNormalization", 1, importBatchNormalization},
      {"", "InstanceNormalization", 1, importInstanceNormalization},
      {"", "LayerNormalization", 17, importLayerNormalization},
      {"", "LRN", 1, importLRN},
  });
}

} // namespace nncc::import
