//===- Control.cpp - import of ONNX's If, Loop and Scan -------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Control.h"
#include "LoopBody.h"
#include "Scan.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nncc::import {

/// A tensor that stands for one number.
static LogicalResult checkOneElement(NodeImporter &node, Value value, StringRef what) {
  auto type = value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
  bool fits = !type || llvm::all_of(type.getShape(), [](int64_t size) { return size == 1 || size < 0; });
  return fits ? success() : node.error(what + " is to have one element, not the shape of " + describe(type));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------------------------------------------------------===//

/// The branch that a known condition leaves: its nodes join the graph around.
static LogicalResult importTaken(NodeImporter &node, StringRef branch) {
  Region region;
  FailureOr<SmallVector<Value>> values = node.importGraph(branch, region, {});
  if (failed(values))
    return failure();
  OpBuilder &b = node.builder();
  b.getInsertionBlock()->getOperations().splice(b.getInsertionPoint(), region.front().getOperations());
  node.setOutputs(*values);
  return success();
}

/// One branch, where nothing could follow the other.
static LogicalResult importExpected(NodeImporter &node, Value condition, bool taken) {
  auto expected = node.createTyped<nn::ExpectOp>(
      TypeRange(), condition, taken,
      "the condition of an If chooses a tensor of another rank than what follows can take");
  return failed(expected) ? failure() : importTaken(node, taken ? "then_branch" : "else_branch");
}

static LogicalResult importIf(NodeImporter &node) {
  Value condition = node.input(0);
  if (failed(checkOneElement(node, condition, "the condition")))
    return failure();
  for (StringRef branch : {"then_branch", "else_branch"})
    if (node.numGraphInputs(branch) != 0 || node.numGraphOutputs(branch) != node.numOutputs())
      return node.error("the graph '" + branch + "' has " + Twine(node.numGraphInputs(branch)) + " inputs and " +
                        Twine(node.numGraphOutputs(branch)) + " outputs, expected none and " +
                        Twine(node.numOutputs()));
  if (std::optional<SmallVector<int64_t>> known = nn::getConstantInts(condition); known && known->size() == 1)
    return importTaken(node, known->front() ? "then_branch" : "else_branch");

  OperationState state(node.loc(), nn::IfOp::getOperationName());
  state.addOperands(condition);
  SmallVector<SmallVector<Value>> yielded;
  for (StringRef branch : {"then_branch", "else_branch"}) {
    Region *region = state.addRegion();
    FailureOr<SmallVector<Value>> values = node.importGraph(branch, *region, {});
    if (failed(values))
      return failure();
    OpBuilder inside(node.builder().getContext());
    inside.setInsertionPointToEnd(&region->front());
    nn::YieldOp::create(inside, node.loc(), *values);
    yielded.push_back(std::move(*values));
  }
  for (auto [number, yes, no] : llvm::enumerate(yielded[0], yielded[1])) {
    Type type = nn::joinTypes(yes.getType(), no.getType());
    if (!type && nn::typeOf(yes).getElementType() == nn::typeOf(no).getElementType())
      if (std::optional<bool> taken = node.chooseBranch("then_branch", "else_branch"))
        return importExpected(node, condition, *taken);
    if (!type)
      return reportDifference(node, yes.getType(), no.getType(),
                              "has branches that give output " + Twine(number) + " as " + describe(yes.getType()) +
                                  " and as " + describe(no.getType()));
    state.addTypes(type);
  }
  Operation *op = node.createWithRegions(state);
  if (!op)
    return failure();
  node.setOutputs(op->getResults());
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------------------------------------------------------===//

/// The body takes the number of the iteration, the condition and what is carried; it gives the condition, what is carried, and what is
/// stacked.
static LogicalResult importLoop(NodeImporter &node) {
  Value trips = node.input(0), condition = node.input(1);
  if (failed(checkOneElement(node, trips, "the number of trips")) ||
      failed(checkOneElement(node, condition, "the condition")))
    return failure();
  SmallVector<Value> inits(llvm::drop_begin(node.inputs(), std::min(2u, node.numInputs())));
  LoopBody body(node, inits);
  Builder &b = node.builder();
  RankedTensorType counter = body.scalarType(0, b.getI64Type()), holds = body.scalarType(1, b.getI1Type());
  if (failed(body.import({counter, holds}, {}, /*numFirstOutputs=*/1)))
    return failure();
  body.replaceArgument(1, node.constant(DenseElementsAttr::get(holds, true))); // Else there were no iteration.
  ValueRange outputs = body.outputs;
  FailureOr<ValueRange> results = body.finish(trips, condition, outputs.front(), outputs.drop_front());
  if (failed(results))
    return failure();
  node.setOutputs(*results);
  return success();
}

void registerControl(ImportTable &table) {
  table.add({
      {"", "If", 1, importIf},
      {"", "Loop", 1, importLoop},
      {"", "Scan", 8, importBatchedScan},
      {"", "Scan", 9, importScan},
  });
}

} // namespace nncc::import
