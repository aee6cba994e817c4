//===- ChooseBranch.cpp - the branch of an If that the rest of the graph is made for --------------------------------------===//
///
/// \file
/// PyTorch writes squeeze() of a size that it does not know as an If whose branches give tensors of different ranks. A tensor has one rank
/// here. What follows was traced behind one of the branches, and mostly makes no sense behind the other: importing it shows which one it
/// is. The condition is checked in each run.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "GraphImporter.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nncc::import {

/// More choices inside of one another are not tried: each takes twice the time.
static constexpr unsigned kMaxChoices = 6;

/// Nothing when the rest of the graph cannot follow; else whether the graph's outputs have the ranks then that it declares.
std::optional<bool> GraphImporter::tryBranch(const onnx::NodeProto &node, const onnx::GraphProto &branch) {
  Region scratch;
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&scratch);
  Scope scope;
  scope.outer = frame->scope;
  scope.depth = frame->scope->depth;
  Frame inner = *frame, *outer = frame;
  inner.scope = &scope;
  std::string here = place;
  bool asDeclared = true;
  LogicalResult result = attempt([&]() -> LogicalResult {
    Region region;
    FailureOr<SmallVector<Value>> values = importSubgraph(branch, region, {}, "branch");
    if (failed(values))
      return failure();
    block->getOperations().splice(block->end(), region.front().getOperations());
    frame = &inner;
    for (auto [name, value] : llvm::zip(node.output(), *values))
      define(name, value);
    importNodes();
    for (const onnx::ValueInfoProto &output : inner.graph->output()) {
      Value value = lookup(output.name());
      auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
      if (!type)
        return failure();
      const onnx::TypeProto &declared = output.type();
      bool isKnown = declared.has_tensor_type() && declared.tensor_type().has_shape();
      asDeclared &= !isKnown || declared.tensor_type().shape().dim_size() == type.getRank();
    }
    return success();
  });
  frame = outer;
  place = here;
  return succeeded(result) ? std::optional(asDeclared) : std::nullopt;
}

std::optional<bool> GraphImporter::chooseBranch(const onnx::NodeProto &node, const onnx::GraphProto &yes,
                                                const onnx::GraphProto &no) {
  if (!frame->graph || choices == kMaxChoices)
    return std::nullopt;
  ++choices;
  std::optional<bool> first = tryBranch(node, yes), second = tryBranch(node, no);
  --choices;
  bool isFirst = first.value_or(false), isSecond = second.value_or(false);
  if (isFirst == isSecond) { // The outputs do not tell.
    isFirst = first.has_value();
    isSecond = second.has_value();
  }
  return isFirst == isSecond ? std::nullopt : std::optional(isFirst);
}

} // namespace nncc::import
