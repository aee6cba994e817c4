//===- LoopBody.cpp - the body of an ONNX Loop or Scan becomes that of an nn.loop -----------------------------------------===//

#include "LoopBody.h"
#include "nncc/Dialect/NN/IR/Control.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;

namespace nncc::import {

std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

LogicalResult reportDifference(NodeImporter &node, Type a, Type b, const Twine &message) {
  auto first = dyn_cast<RankedTensorType>(a), second = dyn_cast<RankedTensorType>(b);
  // ONNX lets ranks differ.
  bool isRank = first && second && first.getElementType() == second.getElementType();
  return isRank || !first || !second ? node.unsupported(message) : node.error(message);
}

/// The same with no size known.
static Type withUnknownSizes(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<nn::Dim> dims(tensor.getRank(), nn::Dim::unknown());
  return nn::makeTensorType(dims, tensor.getElementType());
}

LoopBody::LoopBody(NodeImporter &node, ArrayRef<Value> inits) : node(node), inits(inits) {
  for (Value init : inits)
    carried.push_back(init.getType());
}

RankedTensorType LoopBody::scalarType(unsigned index, Type element) const {
  auto declared = dyn_cast_or_null<RankedTensorType>(node.graphInputType("body", index));
  return RankedTensorType::get(SmallVector<int64_t>(declared && declared.getRank() == 1 ? 1 : 0, 1), element);
}

LogicalResult LoopBody::checkCounts(unsigned numOthers, unsigned numFirstOutputs) {
  unsigned numInputs = node.numGraphInputs("body"), numOutputs = node.numGraphOutputs("body");
  if (numInputs != numOthers + carried.size() || numOutputs < numFirstOutputs + carried.size())
    return node.error("carries " + Twine(carried.size()) + " values, but its body has " + Twine(numInputs) +
                      " inputs and " + Twine(numOutputs) + " outputs, expected " + Twine(numOthers + carried.size()) +
                      " and at least " + Twine(numFirstOutputs + carried.size()));
  if (node.numOutputs() > numOutputs - numFirstOutputs)
    return node.error("has " + Twine(node.numOutputs()) + " outputs, but its body makes " +
                      Twine(numOutputs - numFirstOutputs));
  return success();
}

LogicalResult LoopBody::importOnce(ArrayRef<Type> leading, ArrayRef<Type> trailing) {
  region = std::make_unique<Region>();
  SmallVector<Type> types(leading);
  llvm::append_range(types, carried);
  llvm::append_range(types, trailing);
  FailureOr<SmallVector<Value>> values = node.importGraph("body", *region, types);
  if (failed(values))
    return failure();
  outputs = std::move(*values);
  return success();
}

/// True when a carried value comes back with other sizes than it had: they are unknown from now on.
FailureOr<bool> LoopBody::relaxCarried(unsigned numFirstOutputs) {
  bool changed = false;
  for (auto [number, type] : llvm::enumerate(carried)) {
    Type next = outputs[numFirstOutputs + number].getType();
    RankedTensorType joined = nn::joinTypes(type, next);
    if (!joined)
      return reportDifference(node, type, next,
                              "carries a value (#" + Twine(number) + ") that begins as " + describe(type) +
                                  " and comes back as " + describe(next));
    changed |= joined != type;
    type = joined;
  }
  return changed;
}

LogicalResult LoopBody::import(ArrayRef<Type> leading, ArrayRef<Type> trailing, unsigned numFirstOutputs) {
  if (failed(checkCounts(leading.size() + trailing.size(), numFirstOutputs)))
    return failure();
  for (auto [number, type] : llvm::enumerate(carried))
    if (!isa<RankedTensorType>(type))
      return node.unsupported("carries a value that is not a tensor");
  while (true) {
    // What the sizes of the first iteration make impossible may be right with those of later ones.
    if (failed(node.attempt([&] { return importOnce(leading, trailing); }))) {
      SmallVector<Type> exact = carried;
      for (Type &type : carried)
        type = withUnknownSizes(type);
      if (failed(node.attempt([&] { return importOnce(leading, trailing); })))
        carried = exact;
      if (failed(importOnce(leading, trailing)))
        return failure();
    }
    FailureOr<bool> changed = relaxCarried(numFirstOutputs);
    if (failed(changed))
      return failure();
    if (!*changed)
      return success();
  }
}

void LoopBody::replaceArgument(unsigned index, Value value) {
  BlockArgument argument = block().getArgument(index);
  for (Value &output : outputs)
    output = output == argument ? value : output;
  argument.replaceAllUsesWith(value);
  block().eraseArgument(index);
}

FailureOr<ValueRange> LoopBody::finish(Value trips, Value condition, Value again, ValueRange yielded) {
  return createLoop(node, trips, condition, again, inits, std::move(region), yielded);
}

FailureOr<ValueRange> createLoop(NodeImporter &node, Value trips, Value condition, Value again, ArrayRef<Value> inits,
                                 std::unique_ptr<Region> region, ValueRange yielded) {
  Block &block = region->front();
  SmallVector<Type> types(llvm::drop_begin(block.getArgumentTypes()));
  for (Value element : yielded.drop_front(inits.size())) {
    auto type = dyn_cast<RankedTensorType>(element.getType());
    if (!type)
      return node.unsupported("stacks values that are not tensors");
    SmallVector<nn::Dim> dims{nn::getTripCount(trips, condition, again)};
    llvm::append_range(dims, nn::getDims(type));
    types.push_back(nn::makeTensorType(dims, type.getElementType()));
  }
  OpBuilder inside(node.builder().getContext());
  inside.setInsertionPointToEnd(&block);
  SmallVector<Value> all{again};
  llvm::append_range(all, yielded);
  nn::YieldOp::create(inside, node.loc(), all);
  OperationState state(node.loc(), nn::LoopOp::getOperationName());
  nn::LoopOp::build(node.builder(), state, types, trips, condition, inits);
  state.regions.front() = std::move(region);
  Operation *op = node.createWithRegions(state);
  if (!op)
    return failure();
  return ValueRange(op->getResults());
}

} // namespace nncc::import
