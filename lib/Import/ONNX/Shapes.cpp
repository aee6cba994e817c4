//===- Shapes.cpp - shapes made of the dims of other tensors --------------------------------------------------------------===//

#include "Shapes.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc::import {

FailureOr<Value> makeShape(NodeImporter &node, ArrayRef<SizeSource> sizes) {
  SmallVector<int64_t> numbers;
  SmallVector<Value> parts;
  auto flush = [&] {
    if (!numbers.empty())
      parts.push_back(node.constantInts(numbers));
    numbers.clear();
  };
  for (const SizeSource &size : sizes) {
    RankedTensorType type = size.tensor ? nn::typeOf(size.tensor) : RankedTensorType();
    if (!type || !type.isDynamicDim(size.number)) {
      numbers.push_back(type ? type.getDimSize(size.number) : size.number);
      continue;
    }
    flush();
    FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(size.tensor);
    if (failed(shape))
      return failure();
    FailureOr<nn::GatherOp> element =
        node.create<nn::GatherOp>(*shape, node.constantInts(size.number), node.builder().getI64IntegerAttr(0));
    if (failed(element))
      return failure();
    parts.push_back(*element);
  }
  flush();
  if (parts.empty())
    return node.constantInts({});
  if (parts.size() == 1)
    return parts[0];
  FailureOr<nn::ConcatOp> shape = node.create<nn::ConcatOp>(ValueRange(parts), node.builder().getI64IntegerAttr(0));
  if (failed(shape))
    return failure();
  return Value(*shape);
}

FailureOr<Value> reshapeTo(NodeImporter &node, Value value, ArrayRef<SizeSource> sizes) {
  FailureOr<Value> shape = makeShape(node, sizes);
  if (failed(shape))
    return failure();
  FailureOr<nn::ReshapeOp> result = node.create<nn::ReshapeOp>(value, *shape, node.builder().getBoolAttr(true));
  if (failed(result))
    return failure();
  return Value(*result);
}

FailureOr<std::optional<SmallVector<int64_t>>> importAxes(NodeImporter &node, int inputSince, int64_t rank) {
  std::optional<SmallVector<int64_t>> axes;
  if (node.opset() < inputSince) {
    axes = node.intsAttr("axes");
  } else if (node.hasInput(1)) {
    axes = node.constantInput(1);
    if (!axes)
      return node.unsupported("axes that are known only at run time");
  }
  if (!axes)
    return axes;
  for (int64_t &axis : *axes) {
    if (axis < -rank || axis >= rank)
      return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
    axis += axis < 0 ? rank : 0;
  }
  SmallVector<int64_t> sorted(*axes);
  llvm::sort(sorted);
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    return node.error("an axis is stated twice");
  return axes;
}

} // namespace nncc::import
