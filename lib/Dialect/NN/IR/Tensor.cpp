//===- Tensor.cpp - constants, weights, and the movement of data in nn ----------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Tensor.cpp.inc"

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  auto type = dyn_cast<RankedTensorType>(op.getValue().getShapedType());
  if (!type)
    return emitOptionalError(loc, "needs a ranked tensor");
  results.push_back(type);
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

LogicalResult WeightOp::verify() {
  RankedTensorType type = typeOf(getResult());
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return emitOpError("needs a static shape and numbers (C1), got ") << type;
  int64_t bytes = (type.getNumElements() * type.getElementTypeBitWidth() + 7) / 8;
  if (type.getElementType().isInteger(1))
    bytes = type.getNumElements(); // ONNX stores a bool in a byte
  if (bytes != int64_t(getLength()))
    return emitOpError("has ") << getLength() << " bytes, its type needs " << bytes << " (C1)";
  return success();
}

LogicalResult ShapeOfOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor op,
                                          SmallVectorImpl<Type> &results) {
  results.push_back(RankedTensorType::get({typeOf(op.getInput()).getRank()}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                          SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), shape = typeOf(op.getShape());
  if (shape.getRank() != 1 || shape.isDynamicDim(0))
    return emitOptionalError(loc, "needs a shape of known length, got ", shape);
  std::optional<SmallVector<Dim>> sizes = getShapeElements(op.getShape());
  if (!sizes)
    sizes = SmallVector<Dim>(shape.getDimSize(0), Dim::unknown());
  std::optional<size_t> rest;
  Dim known(1), total(1);
  for (const Dim &dim : getDims(input))
    total = total * dim;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    if (size.isStatic(0) && !op.getAllowzero()) {
      if (int64_t(i) >= input.getRank())
        return emitOptionalError(loc, "shape has 0 for dim ", i, " of an input of rank ", input.getRank());
      size = Dim::of(input, i);
    }
    if (size.isStatic(-1)) {
      if (rest)
        return emitOptionalError(loc, "shape has more than one -1");
      rest = i;
      continue;
    }
    if (size.isStatic() && size.getStatic() < 0)
      return emitOptionalError(loc, "shape has the size ", size.getStatic());
    known = known * size;
  }
  if (rest)
    (*sizes)[*rest] = known.isStatic(0) ? Dim(0) : total.floorDiv(known);
  if (known.isStatic() && total.isStatic() &&
      (rest ? known.getStatic() != 0 && total.getStatic() % known.getStatic() != 0
            : known.getStatic() != total.getStatic()))
    return emitOptionalError(loc, "cannot reshape ", input, ": ", total.getStatic(), " elements do not fit a shape of ",
                             known.getStatic(), rest ? " times a whole number (C1)" : " (C1)");
  results.push_back(makeTensorType(*sizes, input.getElementType()));
  return success();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                            SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  SmallVector<bool> seen(input.getRank(), false);
  SmallVector<Dim> dims;
  for (int64_t axis : op.getPermutation()) {
    if (axis < 0 || axis >= input.getRank() || seen[axis])
      return emitOptionalError(loc, "permutation [", op.getPermutation(), "] does not fit rank ", input.getRank());
    seen[axis] = true;
    dims.push_back(Dim::of(input, axis));
  }
  if (int64_t(dims.size()) != input.getRank())
    return emitOptionalError(loc, "permutation [", op.getPermutation(), "] does not fit rank ", input.getRank());
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &results) {
  if (op.getInputs().empty())
    return emitOptionalError(loc, "needs at least one operand");
  RankedTensorType first = typeOf(op.getInputs().front());
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), first.getRank(), loc);
  if (failed(axis))
    return failure();
  SmallVector<Dim> dims = getDims(first);
  for (Value input : op.getInputs().drop_front()) {
    RankedTensorType type = typeOf(input);
    if (type.getRank() != first.getRank() || type.getElementType() != first.getElementType())
      return emitOptionalError(loc, "cannot concatenate ", first, " and ", type);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      Dim dim = Dim::of(type, i);
      if (i == *axis)
        dims[i] = dims[i] + dim;
      else if (dims[i].isStatic() && dim.isStatic() && dims[i] != dim)
        return emitOptionalError(loc, "cannot concatenate ", first, " and ", type, " along axis ", *axis);
      else if (dim.isStatic() || dims[i].isUnknown())
        dims[i] = dim;
    }
  }
  results.push_back(makeTensorType(dims, first.getElementType()));
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Shapes given as tensors
//===----------------------------------------------------------------------------------------------------------------------===//

/// The elements of a 1-D tensor of known length, unknown where they are; fails when the length is not known.
static FailureOr<SmallVector<Dim>> sizesFrom(std::optional<Location> loc, Value tensor, StringRef what) {
  RankedTensorType type = typeOf(tensor);
  if (type.getRank() != 1 || type.isDynamicDim(0))
    return emitOptionalError(loc, "needs a 1-D ", what, " of known length, got ", type);
  if (std::optional<SmallVector<Dim>> elements = getShapeElements(tensor))
    return *elements;
  return SmallVector<Dim>(type.getDimSize(0), Dim::unknown());
}

LogicalResult FullOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  FailureOr<SmallVector<Dim>> dims = sizesFrom(loc, op.getShape(), "shape");
  if (failed(dims))
    return failure();
  for (const Dim &dim : *dims)
    if (dim.isStatic() && dim.getStatic() < 0)
      return emitOptionalError(loc, "has the size ", dim.getStatic(), " (C1)");
  if (typeOf(op.getValue()).getNumElements() != 1)
    return emitOptionalError(loc, "needs a value of one element, got ", op.getValue().getType());
  results.push_back(makeTensorType(*dims, typeOf(op.getValue()).getElementType()));
  return success();
}

LogicalResult ExpandOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &results) {
  FailureOr<SmallVector<Dim>> shape = sizesFrom(loc, op.getShape(), "shape");
  if (failed(shape))
    return failure();
  SmallVector<Dim> input = getDims(typeOf(op.getInput()));
  FailureOr<SmallVector<Dim>> dims = broadcastShapes({input, *shape}, loc);
  if (failed(dims))
    return failure();
  results.push_back(makeTensorType(*dims, typeOf(op.getInput()).getElementType()));
  return success();
}

LogicalResult TileOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  FailureOr<SmallVector<Dim>> repeats = sizesFrom(loc, op.getRepeats(), "repeats");
  if (failed(repeats))
    return failure();
  RankedTensorType input = typeOf(op.getInput());
  if (int64_t(repeats->size()) != input.getRank())
    return emitOptionalError(loc, repeats->size(), " repeats do not fit ", input);
  SmallVector<Dim> dims;
  for (auto [i, repeat] : llvm::enumerate(*repeats)) {
    if (repeat.isStatic() && repeat.getStatic() < 0)
      return emitOptionalError(loc, "repeats dim ", i, " ", repeat.getStatic(), " times");
    dims.push_back(Dim::of(input, i) * repeat);
  }
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult RangeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                        SmallVectorImpl<Type> &results) {
  Type elementType = typeOf(op.getStart()).getElementType();
  for (Value value : op.getOperands())
    if (typeOf(value).getElementType() != elementType || typeOf(value).getNumElements() != 1)
      return emitOptionalError(loc, "needs three scalars of one type");
  auto element = [](Value value) {
    std::optional<SmallVector<Dim>> elements = getShapeElements(value);
    return elements && elements->size() == 1 ? elements->front() : Dim::unknown();
  };
  Dim start = element(op.getStart()), limit = element(op.getLimit()), delta = element(op.getDelta());
  Dim count = Dim::unknown();
  if (delta.isStatic() && delta.getStatic() != 0) {
    Dim span = limit - start;
    if (span.isStatic() || (delta.getStatic() > 0 && span.isAtLeast(0)))
      count = Dim::max(span.ceilDiv(delta), 0);
    if (span.isStatic() && !count.isStatic())
      count = Dim::unknown();
  }
  results.push_back(makeTensorType({count}, elementType));
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Slices and pads
//===----------------------------------------------------------------------------------------------------------------------===//

/// The size of a slice of a dim; unknown unless numbers decide it, or the common symbolic forms x[a:], x[:-a], x[:a] do.
static Dim sliceSize(const Dim &size, const Dim &start, const Dim &end, const Dim &step) {
  if (!step.isStatic() || step.isStatic(0))
    return Dim::unknown();
  int64_t by = step.getStatic();
  if (size.isStatic() && start.isStatic() && end.isStatic()) {
    int64_t n = size.getStatic();
    auto clamp = [&](int64_t at, int64_t low, int64_t high) { return std::clamp(at < 0 ? at + n : at, low, high); };
    int64_t first = clamp(start.getStatic(), by > 0 ? 0 : -1, by > 0 ? n : n - 1);
    int64_t last = clamp(end.getStatic(), by > 0 ? 0 : -1, by > 0 ? n : n - 1);
    int64_t span = by > 0 ? last - first : first - last, magnitude = by > 0 ? by : by == INT64_MIN ? INT64_MAX : -by;
    return span <= 0 ? 0 : (span - 1) / magnitude + 1;
  }
  if (by <= 0 || !start.isStatic())
    return Dim::unknown();
  // Bounds as positions from the front, when that much is known.
  Dim first = start.getStatic() < 0 ? size + start : start;
  Dim last = end.isStatic() && end.getStatic() < 0 ? size + end : end;
  if (end.isStatic() && end.getStatic() >= (int64_t(1) << 31) - 1)
    last = size;
  if (start.isStatic(0) && size.isAtLeast(0) && last.isAtLeast(0))
    return Dim::min(size, last).ceilDiv(step);
  bool inside = first.isAtLeast(0) && (size - first).isAtLeast(0) && last.isAtLeast(0) && (size - last).isAtLeast(0);
  if (!inside)
    return Dim::unknown();
  Dim span = last - first;
  return span.isAtLeast(0) ? span.ceilDiv(step) : Dim::unknown();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                        SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  FailureOr<SmallVector<Dim>> starts = sizesFrom(loc, op.getStarts(), "starts"),
                              ends = sizesFrom(loc, op.getEnds(), "ends"),
                              steps = sizesFrom(loc, op.getSteps(), "steps");
  if (failed(starts) || failed(ends) || failed(steps))
    return failure();
  size_t count = op.getAxes().size();
  if (starts->size() != count || ends->size() != count || steps->size() != count)
    return emitOptionalError(loc, "needs as many starts, ends and steps as axes: ", count);
  SmallVector<Dim> dims = getDims(input);
  SmallVector<bool> seen(input.getRank(), false);
  for (size_t i = 0; i < count; ++i) {
    FailureOr<int64_t> axis = normalizeAxis(op.getAxes()[i], input.getRank(), loc);
    if (failed(axis))
      return failure();
    if (seen[*axis])
      return emitOptionalError(loc, "slices axis ", *axis, " twice");
    seen[*axis] = true;
    if ((*steps)[i].isStatic(0))
      return emitOptionalError(loc, "has a step of 0");
    dims[*axis] = sliceSize(dims[*axis], (*starts)[i], (*ends)[i], (*steps)[i]);
  }
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  FailureOr<SmallVector<Dim>> pads = sizesFrom(loc, op.getPads(), "pads");
  if (failed(pads))
    return failure();
  int64_t rank = input.getRank();
  if (int64_t(pads->size()) != 2 * rank)
    return emitOptionalError(loc, pads->size(), " pads do not fit ", input);
  if (op.getMode() != "constant" && op.getMode() != "reflect" && op.getMode() != "edge" && op.getMode() != "wrap")
    return emitOptionalError(loc, "mode is '", op.getMode(), "', not constant, reflect, edge or wrap");
  if (op.getValue() &&
      (typeOf(op.getValue()).getElementType() != input.getElementType() || typeOf(op.getValue()).getNumElements() != 1))
    return emitOptionalError(loc, "pads ", input, " with a value of type ", op.getValue().getType());
  SmallVector<Dim> dims;
  for (int64_t i = 0; i < rank; ++i) {
    Dim size = Dim::of(input, i);
    dims.push_back(size + (*pads)[i] + (*pads)[rank + i]);
    if (dims.back().isStatic() && dims.back().getStatic() < 0)
      return emitOptionalError(loc, "removes more than dim ", i, " has");
    if (op.getMode() != "constant" && size.isStatic(0) && !dims.back().isStatic(0))
      return emitOptionalError(loc, "has nothing to pad the empty dim ", i, " with");
  }
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), input.getRank(), loc);
  if (failed(axis))
    return failure();
  SmallVector<Dim> inputDims = getDims(input);
  SmallVector<Dim> dims(ArrayRef(inputDims).take_front(*axis));
  llvm::append_range(dims, getDims(typeOf(op.getIndices())));
  llvm::append_range(dims, ArrayRef(inputDims).drop_front(*axis + 1));
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

/// The operands of gather_elements and scatter_elements: same rank, and an axis in it.
static LogicalResult checkElementwiseIndices(std::optional<Location> loc, RankedTensorType input,
                                             RankedTensorType indices, int64_t axis) {
  if (input.getRank() != indices.getRank() || !input.getRank())
    return emitOptionalError(loc, "needs input and indices of one rank, at least 1, got ", input, " and ", indices);
  return success(succeeded(normalizeAxis(axis, input.getRank(), loc)));
}

LogicalResult GatherElementsOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                                 SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), indices = typeOf(op.getIndices());
  if (failed(checkElementwiseIndices(loc, input, indices, op.getAxis())))
    return failure();
  results.push_back(withElementType(indices, input.getElementType()));
  return success();
}

LogicalResult GatherNDOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), indices = typeOf(op.getIndices());
  int64_t batch = op.getBatchDims();
  if (!indices.getRank() || indices.isDynamicDim(indices.getRank() - 1))
    return emitOptionalError(loc, "needs indices whose last dim is known, got ", indices);
  int64_t tuple = indices.getShape().back();
  if (batch < 0 || batch >= std::min(input.getRank(), indices.getRank()) || batch + tuple > input.getRank())
    return emitOptionalError(loc, "index tuples of ", tuple, " with ", batch, " batch dims do not fit ", input);
  SmallVector<Dim> dims = getDims(indices);
  dims.pop_back();
  for (int64_t i = batch + tuple; i < input.getRank(); ++i)
    dims.push_back(Dim::of(input, i));
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

static LogicalResult checkReduction(std::optional<Location> loc, StringRef reduction) {
  if (llvm::is_contained({"none", "add", "mul", "max", "min"}, reduction))
    return success();
  return emitOptionalError(loc, "reduction is '", reduction, "', not none, add, mul, max or min");
}

LogicalResult ScatterElementsOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                                  SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), indices = typeOf(op.getIndices()), updates = typeOf(op.getUpdates());
  if (failed(checkElementwiseIndices(loc, input, indices, op.getAxis())) ||
      failed(checkReduction(loc, op.getReduction())))
    return failure();
  if (updates.getElementType() != input.getElementType() || failed(verifyCompatibleShape(updates, indices)))
    return emitOptionalError(loc, "needs updates like the indices, of the input's type, got ", updates, " for ",
                             indices);
  results.push_back(input);
  return success();
}

LogicalResult ScatterNDOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                            SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), indices = typeOf(op.getIndices()), updates = typeOf(op.getUpdates());
  if (failed(checkReduction(loc, op.getReduction())))
    return failure();
  if (!indices.getRank() || indices.isDynamicDim(indices.getRank() - 1) || indices.getShape().back() > input.getRank())
    return emitOptionalError(loc, "needs index tuples of known length for ", input, ", got ", indices);
  SmallVector<int64_t> wanted(indices.getShape().drop_back());
  llvm::append_range(wanted, input.getShape().drop_front(indices.getShape().back()));
  if (updates.getElementType() != input.getElementType() || failed(verifyCompatibleShape(updates.getShape(), wanted)))
    return emitOptionalError(loc, "needs updates that fit input and indices, got ", updates);
  results.push_back(input);
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Shapes with axes that are known at run time
//===----------------------------------------------------------------------------------------------------------------------===//

static LogicalResult inferAxes(std::optional<Location> loc, Value shape, Value axes, int64_t sign,
                               SmallVectorImpl<Type> &results) {
  RankedTensorType shapeType = typeOf(shape), axesType = typeOf(axes);
  if (shapeType.getRank() != 1 || axesType.getRank() > 1 || !shapeType.hasStaticShape() || !axesType.hasStaticShape())
    return emitOptionalError(loc, "needs a shape and axes of known length, got ", shapeType, " and ", axesType);
  int64_t length = shapeType.getDimSize(0) + sign * axesType.getNumElements();
  if (length < 0)
    return emitOptionalError(loc, "has more axes than the shape has sizes");
  results.push_back(RankedTensorType::get({length}, shapeType.getElementType()));
  return success();
}

LogicalResult DropAxesOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  return inferAxes(loc, op.getShape(), op.getAxes(), -1, results);
}

LogicalResult InsertAxesOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  return inferAxes(loc, op.getShape(), op.getAxes(), 1, results);
}

LogicalResult ReverseSequenceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                                  SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), lengths = typeOf(op.getLengths());
  FailureOr<int64_t> time = normalizeAxis(op.getTimeAxis(), input.getRank(), loc),
                     batch = normalizeAxis(op.getBatchAxis(), input.getRank(), loc);
  if (failed(time) || failed(batch))
    return failure();
  if (*time == *batch || lengths.getRank() != 1)
    return emitOptionalError(loc, "needs two axes and one length for each element of the second");
  Dim count = Dim::of(lengths, 0), size = Dim::of(input, *batch);
  if (count.isStatic() && size.isStatic() && count != size)
    return emitOptionalError(loc, "has ", count.getStatic(), " lengths for ", size.getStatic(), " sequences");
  results.push_back(input);
  return success();
}
