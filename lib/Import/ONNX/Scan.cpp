//===- Scan.cpp - import of ONNX's Scan -----------------------------------------------------------------------------------===//

#include "Scan.h"
#include "LoopBody.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nncc::import {

namespace {

/// A tensor that the body gets a slice of in each iteration.
struct ScanInput {
  Value tensor;
  int64_t axis = 0;
  bool isReversed = false;
};

/// Scan as a loop: each iteration takes its slices first.
class ScanImporter {
public:
  explicit ScanImporter(NodeImporter &node) : node(node), b(node.builder()) {}

  LogicalResult readInputs(unsigned first);
  LogicalResult run();
  LogicalResult runInBatches();

private:
  FailureOr<SmallVector<int64_t>> readList(StringRef name, size_t count);
  FailureOr<SmallVector<bool>> readDirections(StringRef name, size_t count);
  LogicalResult readAxes();
  FailureOr<Value> sizeAlong(Value tensor, int64_t axis);
  FailureOr<Value> countTrips(ArrayRef<std::pair<Value, int64_t>> sources);
  FailureOr<Value> takeSlice(Value tensor, Value index, int64_t axis);
  FailureOr<SmallVector<Value>> scan(Value trips);
  FailureOr<Value> arrangeOutput(Value stack, int64_t axis, bool isReversed);
  FailureOr<Value> fillUp(Value stack, Value length, Value wanted);
  FailureOr<SmallVector<Value>> scanOneOfBatch(Value number, Value lengths);

  NodeImporter &node;
  OpBuilder &b;
  SmallVector<Value> states;
  SmallVector<ScanInput> inputs;
};

} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// Inputs and attributes
//===----------------------------------------------------------------------------------------------------------------------===//

/// Initial states, then what is scanned; `first` is the number of the first state.
LogicalResult ScanImporter::readInputs(unsigned first) {
  int64_t count = node.intAttr("num_scan_inputs"), given = int64_t(node.numInputs()) - first;
  if (count < 1 || count > given)
    return node.error("num_scan_inputs is " + Twine(count) + ", and there are " + Twine(given) + " inputs");
  for (int64_t i = 0; i < given; ++i) {
    Value value = node.input(first + i);
    if (!value || !isa<RankedTensorType>(value.getType()))
      return node.unsupported("takes tensors only");
    if (i < given - count)
      states.push_back(value);
    else
      inputs.push_back({value});
  }
  return success();
}

FailureOr<SmallVector<int64_t>> ScanImporter::readList(StringRef name, size_t count) {
  SmallVector<int64_t> list = node.intsAttr(name).value_or(SmallVector<int64_t>(count, 0));
  if (list.size() != count)
    return node.error("'" + name + "' has " + Twine(list.size()) + " entries, expected " + Twine(count));
  return list;
}

FailureOr<SmallVector<bool>> ScanImporter::readDirections(StringRef name, size_t count) {
  FailureOr<SmallVector<int64_t>> list = readList(name, count);
  if (failed(list))
    return failure();
  for (int64_t direction : *list)
    if (direction != 0 && direction != 1)
      return node.error("'" + name + "' has the entry " + Twine(direction) + ", expected 0 or 1");
  return llvm::map_to_vector(*list, [](int64_t direction) { return direction == 1; });
}

LogicalResult ScanImporter::readAxes() {
  auto axes = readList("scan_input_axes", inputs.size());
  auto directions = readDirections("scan_input_directions", inputs.size());
  if (failed(axes) || failed(directions))
    return failure();
  for (auto [input, axis, isReversed] : llvm::zip_equal(inputs, *axes, *directions)) {
    FailureOr<int64_t> fromFront =
        nn::normalizeAxis(axis, nn::typeOf(input.tensor).getRank(), node.loc(), "scan_input_axes: axis");
    if (failed(fromFront))
      return failure();
    input.axis = *fromFront;
    input.isReversed = isReversed;
  }
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Parts of a scan
//===----------------------------------------------------------------------------------------------------------------------===//

template <typename OpTy> static FailureOr<Value> resultOf(FailureOr<OpTy> op) {
  if (failed(op))
    return failure();
  return Value((*op)->getResult(0));
}

/// A tensor of rank 0.
FailureOr<Value> ScanImporter::sizeAlong(Value tensor, int64_t axis) {
  if (int64_t size = nn::typeOf(tensor).getDimSize(axis); !ShapedType::isDynamic(size))
    return node.constantInt(b.getI64Type(), size);
  FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(tensor);
  if (failed(shape))
    return failure();
  return takeSlice(*shape, node.constantInt(b.getI64Type(), axis), 0);
}

FailureOr<Value> ScanImporter::takeSlice(Value tensor, Value index, int64_t axis) {
  return resultOf(node.create<nn::GatherOp>(tensor, index, b.getI64IntegerAttr(axis)));
}

/// The size that all these have. Where that is not sure, the largest: what is shorter ends the run by an index out of range.
FailureOr<Value> ScanImporter::countTrips(ArrayRef<std::pair<Value, int64_t>> sources) {
  SmallVector<nn::Dim> seen;
  Value trips;
  for (auto [tensor, axis] : sources) {
    nn::Dim dim = nn::Dim::of(nn::typeOf(tensor), axis);
    if (llvm::is_contained(seen, dim))
      continue;
    for (const nn::Dim &other : seen)
      if (dim.isStatic() && other.isStatic())
        return node.error("scans tensors of sizes " + Twine(other.getStatic()) + " and " + Twine(dim.getStatic()));
    seen.push_back(dim);
    FailureOr<Value> size = sizeAlong(tensor, axis);
    if (failed(size))
      return failure();
    if (!trips) {
      trips = *size;
      continue;
    }
    FailureOr<nn::MaxOp> larger = node.create<nn::MaxOp>(trips, *size);
    if (failed(larger))
      return failure();
    trips = *larger;
  }
  return trips;
}

static Type typeOfSlice(const ScanInput &input) {
  SmallVector<nn::Dim> dims = nn::getDims(nn::typeOf(input.tensor));
  dims.erase(dims.begin() + input.axis);
  return nn::makeTensorType(dims, nn::typeOf(input.tensor).getElementType());
}

/// The loop, with stacks along the first dim.
FailureOr<SmallVector<Value>> ScanImporter::scan(Value trips) {
  LoopBody body(node, states);
  SmallVector<Type> slices = llvm::map_to_vector(inputs, typeOfSlice);
  if (failed(body.import({}, slices, /*numFirstOutputs=*/0)))
    return failure();
  Value again = node.constant(DenseElementsAttr::get(RankedTensorType::get({}, b.getI1Type()), true));
  FailureOr<nn::SubOp> last = node.create<nn::SubOp>(trips, node.constantInt(b.getI64Type(), 1));
  if (failed(last))
    return failure();
  Value number = body.block().insertArgument(0u, RankedTensorType::get({}, b.getI64Type()), node.loc());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&body.block());
    for (const ScanInput &input : inputs) {
      Value index = number;
      if (input.isReversed) {
        FailureOr<nn::SubOp> fromBack = node.create<nn::SubOp>(*last, number);
        if (failed(fromBack))
          return failure();
        index = *fromBack;
      }
      FailureOr<Value> slice = takeSlice(input.tensor, index, input.axis);
      if (failed(slice))
        return failure();
      body.replaceArgument(1 + states.size(), *slice);
    }
  }
  FailureOr<ValueRange> results = body.finish(trips, Value(), again, body.outputs);
  if (failed(results))
    return failure();
  return llvm::to_vector(*results);
}

FailureOr<Value> ScanImporter::arrangeOutput(Value stack, int64_t axis, bool isReversed) {
  int64_t rank = nn::typeOf(stack).getRank();
  FailureOr<int64_t> target = nn::normalizeAxis(axis, rank, node.loc(), "scan_output_axes: axis");
  if (failed(target))
    return failure();
  if (isReversed) {
    FailureOr<nn::SliceOp> reversed = node.create<nn::SliceOp>(
        stack, node.constantInts(-1), node.constantInts(INT64_MIN), node.constantInts(-1), b.getDenseI64ArrayAttr(0));
    if (failed(reversed))
      return failure();
    stack = *reversed;
  }
  if (*target == 0)
    return stack;
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank));
  permutation.insert(permutation.begin() + *target, 0);
  return resultOf(node.create<nn::TransposeOp>(stack, ArrayRef<int64_t>(permutation)));
}

LogicalResult ScanImporter::run() {
  if (failed(readAxes()))
    return failure();
  SmallVector<std::pair<Value, int64_t>> sources =
      llvm::map_to_vector(inputs, [](const ScanInput &input) { return std::pair(input.tensor, input.axis); });
  FailureOr<Value> trips = countTrips(sources);
  if (failed(trips))
    return failure();
  FailureOr<SmallVector<Value>> results = scan(*trips);
  if (failed(results))
    return failure();
  size_t numStacks = results->size() - states.size();
  auto axes = readList("scan_output_axes", numStacks);
  auto directions = readDirections("scan_output_directions", numStacks);
  if (failed(axes) || failed(directions))
    return failure();
  for (size_t i = 0; i < numStacks; ++i) {
    Value &stack = (*results)[states.size() + i];
    FailureOr<Value> arranged = arrangeOutput(stack, (*axes)[i], (*directions)[i]);
    if (failed(arranged))
      return failure();
    stack = *arranged;
  }
  node.setOutputs(*results);
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------------------------------------------------------===//

/// Zeros behind the last element, up to the longest sequence.
FailureOr<Value> ScanImporter::fillUp(Value stack, Value length, Value wanted) {
  int64_t rank = nn::typeOf(stack).getRank();
  FailureOr<nn::SubOp> missing = node.create<nn::SubOp>(wanted, length);
  if (failed(missing))
    return failure();
  FailureOr<nn::ReshapeOp> asList = node.create<nn::ReshapeOp>(*missing, node.constantInts(1), true);
  if (failed(asList))
    return failure();
  SmallVector<Value> parts{node.constantInts(SmallVector<int64_t>(rank, 0)), *asList};
  if (rank > 1)
    parts.push_back(node.constantInts(SmallVector<int64_t>(rank - 1, 0)));
  FailureOr<nn::ConcatOp> pads = node.create<nn::ConcatOp>(ValueRange(parts), b.getI64IntegerAttr(0));
  if (failed(pads))
    return failure();
  return resultOf(node.create<nn::PadOp>(stack, *pads, Value(), b.getStringAttr("constant")));
}

/// Scans entry `number` of the batch, whose states and inputs take the place of those of the whole.
FailureOr<SmallVector<Value>> ScanImporter::scanOneOfBatch(Value number, Value lengths) {
  for (Value &state : states) {
    FailureOr<Value> own = takeSlice(state, number, 0);
    if (failed(own))
      return failure();
    state = *own;
  }
  SmallVector<std::pair<Value, int64_t>> sources;
  for (ScanInput &input : inputs) {
    FailureOr<Value> own = takeSlice(input.tensor, number, 0);
    if (failed(own))
      return failure();
    input.tensor = *own;
    sources.emplace_back(*own, 0);
  }
  FailureOr<Value> longest = countTrips(sources);
  if (failed(longest))
    return failure();
  if (!lengths)
    return scan(*longest);
  FailureOr<Value> length = takeSlice(lengths, number, 0);
  if (failed(length))
    return failure();
  FailureOr<SmallVector<Value>> results = scan(*length);
  if (failed(results))
    return failure();
  for (Value &stack : MutableArrayRef(*results).drop_front(states.size())) {
    FailureOr<Value> full = fillUp(stack, *length, *longest);
    if (failed(full))
      return failure();
    stack = *full;
  }
  return results;
}

LogicalResult ScanImporter::runInBatches() {
  auto directions = readDirections("directions", inputs.size());
  if (failed(directions))
    return failure();
  SmallVector<std::pair<Value, int64_t>> sources;
  for (auto [input, isReversed] : llvm::zip_equal(inputs, *directions)) {
    input.isReversed = isReversed;
    sources.emplace_back(input.tensor, 0);
    if (nn::typeOf(input.tensor).getRank() < 2)
      return node.error("scans a tensor of rank " + Twine(nn::typeOf(input.tensor).getRank()) +
                        ", which has no batch and sequence");
  }
  for (Value state : states) {
    sources.emplace_back(state, 0);
    if (nn::typeOf(state).getRank() < 1)
      return node.error("has a state of rank 0, which has no batch");
  }
  Value lengths = node.input(0);
  if (lengths && nn::typeOf(lengths).getRank() != 1)
    return node.error("has lengths of rank " + Twine(nn::typeOf(lengths).getRank()) + ", expected 1");
  FailureOr<Value> batch = countTrips(sources);
  if (failed(batch))
    return failure();
  Value again = node.constant(DenseElementsAttr::get(RankedTensorType::get({}, b.getI1Type()), true));
  auto region = std::make_unique<Region>();
  SmallVector<Value> yielded;
  {
    OpBuilder::InsertionGuard guard(b);
    Block *block = b.createBlock(region.get(), {}, RankedTensorType::get({}, b.getI64Type()), node.loc());
    FailureOr<SmallVector<Value>> results = scanOneOfBatch(block->getArgument(0), lengths);
    if (failed(results))
      return failure();
    yielded = std::move(*results);
  }
  FailureOr<ValueRange> results = createLoop(node, *batch, Value(), again, {}, std::move(region), yielded);
  if (failed(results))
    return failure();
  node.setOutputs(*results);
  return success();
}

LogicalResult importScan(NodeImporter &node) {
  ScanImporter importer(node);
  return failed(importer.readInputs(0)) ? failure() : importer.run();
}

LogicalResult importBatchedScan(NodeImporter &node) {
  ScanImporter importer(node);
  return failed(importer.readInputs(1)) ? failure() : importer.runInBatches();
}

} // namespace nncc::import
