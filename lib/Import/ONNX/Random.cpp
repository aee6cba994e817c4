//===- Random.cpp - import of what needs random numbers -------------------------------------------------------------------===//
///
/// \file
/// A model computes the same bits whenever it runs: its random numbers are a function of the node's seed and the element's position. A
/// node without a seed gets one from its name.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace nncc::import {

static SmallVector<SizeSource> sizesLike(Value tensor) {
  SmallVector<SizeSource> sizes;
  for (int64_t dim = 0; dim < nn::typeOf(tensor).getRank(); ++dim)
    sizes.push_back({dim, tensor});
  return sizes;
}

static uint64_t getSeed(NodeImporter &node) {
  if (node.hasAttr("seed"))
    return node.opType() == "Dropout" ? uint64_t(node.intAttr("seed"))
                                      : llvm::bit_cast<uint32_t>(node.floatAttr("seed"));
  std::string name;
  llvm::raw_string_ostream(name) << node.loc();
  return llvm::xxh3_64bits(name);
}

/// 0, 1, 2 .. under that shape; null behind a failure.
static Chain countUp(NodeImporter &node, ArrayRef<SizeSource> sizes) {
  Type type = node.builder().getI64Type();
  Chain none(node, Value()), count(node, node.constantInt(type, 1));
  for (const SizeSource &source : sizes) {
    FailureOr<Value> size = makeShape(node, source);
    FailureOr<Value> scalar = failed(size) ? size : reshapeTo(node, *size, {});
    if (failed(scalar))
      return none;
    count = count.with<nn::MulOp>(*scalar);
  }
  if (!count.get())
    return none;
  FailureOr<nn::RangeOp> range =
      node.create<nn::RangeOp>(node.constantInt(type, 0), count.get(), node.constantInt(type, 1));
  FailureOr<Value> shaped = failed(range) ? FailureOr<Value>(failure()) : reshapeTo(node, *range, sizes);
  return failed(shaped) ? none : Chain(node, *shaped);
}

/// Numbers in [0, 1), f32 or f64, all multiples of 2^-24 or 2^-53: the generator splitmix64, whose state is a counter. `stream` is another
/// one for each use of a node's seed.
static Chain uniform(NodeImporter &node, ArrayRef<SizeSource> sizes, Type element, uint64_t stream = 0) {
  auto type = IntegerType::get(node.builder().getContext(), 64, IntegerType::Unsigned);
  auto number = [&](uint64_t value) { return node.constantInt(type, int64_t(value)); };
  auto mix = [&](Chain x, uint64_t shift) { return x.with<nn::XorOp>(x.with<nn::ShiftRightOp>(number(shift))); };
  constexpr uint64_t step = 0x9e3779b97f4a7c15;
  // The seed is mixed by itself: the numbers of neighbouring seeds have nothing in common.
  uint64_t start = (getSeed(node) + (stream << 56) + 1) * 0xbf58476d1ce4e5b9;
  start = (start ^ (start >> 32)) * 0x94d049bb133111eb;
  Chain state = countUp(node, sizes).cast(type).with<nn::MulOp>(number(step)).with<nn::AddOp>(number(start ^ step));
  Chain bits = mix(state, 30).with<nn::MulOp>(number(0xbf58476d1ce4e5b9));
  bits = mix(mix(bits, 27).with<nn::MulOp>(number(0x94d049bb133111eb)), 31);
  int64_t precision = element.isF64() ? 53 : 24;
  return bits.with<nn::ShiftRightOp>(number(64 - precision)).cast(element).with<nn::MulOp>(std::ldexp(1.0, -precision));
}

/// Mean 0, variance 1: two uniform numbers make one by the method of Box and Muller.
static Chain normal(NodeImporter &node, ArrayRef<SizeSource> sizes, Type element) {
  // 1 - u is never 0.
  Chain radius = uniform(node, sizes, element, 1).with<nn::MulOp>(-1.0).with<nn::AddOp>(1.0).apply<nn::LogOp>();
  radius = radius.with<nn::MulOp>(-2.0).apply<nn::SqrtOp>();
  Chain angle = uniform(node, sizes, element, 2).with<nn::MulOp>(2 * llvm::numbers::pi);
  return radius.with<nn::MulOp>(angle.apply<nn::CosOp>());
}

/// What is computed in: the numbers of narrower types are rounded in the end.
static Type getWide(NodeImporter &node, Type element) {
  return element.isF64() ? element : Type(node.builder().getF32Type());
}

//===----------------------------------------------------------------------------------------------------------------------===//
// RandomUniform, RandomNormal, Bernoulli
//===----------------------------------------------------------------------------------------------------------------------===//

/// The element type that `dtype` names, else `fallback`.
static FailureOr<Type> readType(NodeImporter &node, Type fallback) {
  return node.hasAttr("dtype") ? node.elementTypeAttr("dtype") : FailureOr<Type>(fallback);
}

static LogicalResult importDistribution(NodeImporter &node, ArrayRef<SizeSource> sizes, Type fallback) {
  FailureOr<Type> element = readType(node, fallback);
  if (failed(element))
    return failure();
  if (!isa<FloatType>(*element))
    return node.error("dtype is no type of floats");
  Type wide = getWide(node, *element);
  if (node.opType().starts_with("RandomUniform")) {
    double low = node.floatAttr("low", 0), high = node.floatAttr("high", 1);
    return uniform(node, sizes, wide).with<nn::MulOp>(high - low).with<nn::AddOp>(low).cast(*element).becomesOutput();
  }
  double mean = node.floatAttr("mean", 0), scale = node.floatAttr("scale", 1);
  return normal(node, sizes, wide).with<nn::MulOp>(scale).with<nn::AddOp>(mean).cast(*element).becomesOutput();
}

static LogicalResult importRandom(NodeImporter &node) {
  SmallVector<SizeSource> sizes;
  for (int64_t size : node.intsAttr("shape").value_or(SmallVector<int64_t>())) {
    if (size < 0)
      return node.error("shape has the size " + Twine(size));
    sizes.push_back({size, {}});
  }
  return importDistribution(node, sizes, node.builder().getF32Type());
}

static LogicalResult importRandomLike(NodeImporter &node) {
  return importDistribution(node, sizesLike(node.input(0)), node.inputType(0).getElementType());
}

/// 1 with the probability that the input has.
static LogicalResult importBernoulli(NodeImporter &node) {
  Type element = node.inputType(0).getElementType(), wide = getWide(node, element);
  FailureOr<Type> result = readType(node, element);
  if (failed(result))
    return failure();
  Chain numbers = uniform(node, sizesLike(node.input(0)), wide);
  return numbers.with<nn::LessOp>(Chain(node, node.input(0)).cast(wide)).cast(*result).becomesOutput();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------------------------------------------------------===//

/// Inference drops nothing; the mask, where asked for, says so.
static LogicalResult keepAll(NodeImporter &node) {
  node.setOutput(0, node.input(0));
  if (!node.wantsOutput(1))
    return success();
  // Before version 10 the mask has the type of the input.
  Type maskType = node.opset() < 10 ? node.inputType(0).getElementType() : Type(node.builder().getI1Type());
  FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(node.input(0));
  if (failed(shape))
    return failure();
  FailureOr<nn::FullOp> mask = node.create<nn::FullOp>(*shape, node.constantScalar(maskType, 1));
  if (failed(mask))
    return failure();
  node.setOutput(1, *mask);
  return success();
}

/// Training drops an element with probability `ratio`, and scales the others so that the sum stays about the same. Whether it is training
/// may be known at run time only.
static LogicalResult importDropout(NodeImporter &node) {
  std::optional<SmallVector<int64_t>> training = node.hasInput(2) ? node.constantInput(2) : SmallVector<int64_t>{0};
  if (training && (training->empty() || training->front() == 0))
    return keepAll(node);
  Type element = node.inputType(0).getElementType(), wide = getWide(node, element);
  Chain ratio(node, node.hasInput(1) ? node.input(1) : node.constantScalar(wide, 0.5)),
      one(node, node.constantScalar(wide, 1));
  ratio = ratio.cast(wide);
  Chain kept = ratio.with<nn::LessEqualOp>(uniform(node, sizesLike(node.input(0)), wide));
  Chain scale = one.with<nn::DivOp>(one.with<nn::SubOp>(ratio));
  if (!training) {
    Chain isTraining(node, node.input(2));
    kept = kept.with<nn::OrOp>(isTraining.apply<nn::NotOp>());
    scale = scale.where(isTraining, one);
  }
  Chain x = Chain(node, node.input(0)).cast(wide);
  Chain zero(node, node.constantScalar(wide, 0));
  Chain y = x.with<nn::MulOp>(scale).where(kept, zero).cast(element);
  if (!kept.get() || failed(y.becomesOutput()))
    return failure();
  if (node.wantsOutput(1))
    node.setOutput(1, kept.get());
  return success();
}

void registerRandom(ImportTable &table) {
  table.add({
      {"", "Dropout", 7, importDropout},
      {"", "RandomUniform", 1, importRandom},
      {"", "RandomNormal", 1, importRandom},
      {"", "RandomUniformLike", 1, importRandomLike},
      {"", "RandomNormalLike", 1, importRandomLike},
      {"", "Bernoulli", 15, importBernoulli},
  });
}

} // namespace nncc::import
