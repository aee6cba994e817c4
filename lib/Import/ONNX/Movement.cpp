//===- Movement.cpp - import of slices, pads, gathers and other movement of data ------------------------------------------===//

#include "Shapes.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

//===----------------------------------------------------------------------------------------------------------------------===//
// The same elements under another shape
//===----------------------------------------------------------------------------------------------------------------------===//

static LogicalResult becomesReshaped(NodeImporter &node, ArrayRef<SizeSource> sizes) {
  FailureOr<Value> result = reshapeTo(node, node.input(0), sizes);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

/// The axes are known only when the model runs: so is the shape.
template <typename ShapeOp> static LogicalResult reshapeByAxes(NodeImporter &node) {
  if (!node.inputType(1).hasStaticShape() || node.inputType(1).getRank() > 1)
    return node.unsupported("a number of axes that is known only at run time");
  FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(node.input(0));
  if (failed(shape))
    return failure();
  FailureOr<ShapeOp> sizes = node.create<ShapeOp>(*shape, node.input(1));
  if (failed(sizes))
    return failure();
  return node.becomes<nn::ReshapeOp>(node.input(0), *sizes, node.builder().getBoolAttr(true));
}

static LogicalResult importSqueeze(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  if (node.opset() >= 13 && node.hasInput(1) && !node.constantInput(1))
    return reshapeByAxes<nn::DropAxesOp>(node);
  auto axes = importAxes(node, 13, type.getRank());
  if (failed(axes))
    return failure();
  SmallVector<SizeSource> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    bool drop = *axes ? llvm::is_contained(**axes, i) : type.getDimSize(i) == 1;
    if (!*axes && type.isDynamicDim(i))
      return node.unsupported("without axes, of a tensor whose size of dim " + Twine(i) + " is not known");
    if (drop && !type.isDynamicDim(i) && type.getDimSize(i) != 1)
      return node.error("dim " + Twine(i) + " has the size " + Twine(type.getDimSize(i)) + ", not 1");
    if (!drop)
      sizes.push_back({i, node.input(0)});
  }
  return becomesReshaped(node, sizes);
}

static LogicalResult importUnsqueeze(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  std::optional<SmallVector<int64_t>> stated = node.opset() < 13 ? node.intsAttr("axes") : node.constantInput(1);
  if (!stated && node.opset() >= 13)
    return reshapeByAxes<nn::InsertAxesOp>(node);
  if (!stated)
    return node.error("has no axes");
  auto axes = importAxes(node, 13, type.getRank() + int64_t(stated->size()));
  if (failed(axes))
    return failure();
  SmallVector<SizeSource> sizes;
  for (int64_t i = 0, from = 0; i < type.getRank() + int64_t(stated->size()); ++i) {
    if (llvm::is_contained(**axes, i))
      sizes.push_back({1, {}});
    else
      sizes.push_back({from++, node.input(0)});
  }
  return becomesReshaped(node, sizes);
}

/// Two dims: what is before the axis, and what is from it on.
static LogicalResult importFlatten(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  int64_t rank = type.getRank(), axis = node.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank) + "]");
  axis += axis < 0 ? rank : 0;
  auto product = [&](int64_t begin, int64_t end) {
    nn::Dim result(1);
    for (int64_t i = begin; i < end; ++i)
      result = result * nn::Dim::of(type, i);
    return result;
  };
  nn::Dim rows = product(0, axis), columns = product(axis, rank);
  if (columns.isStatic() && columns.getStatic() != 0)
    return becomesReshaped(node, {{-1, {}}, {columns.getStatic(), {}}});
  if (rows.isStatic())
    return becomesReshaped(
        node, {{rows.getStatic(), {}},
               rows.isStatic(0) ? SizeSource{columns.isStatic() ? columns.getStatic() : 0, {}} : SizeSource{-1, {}}});
  if (axis == 1)
    return becomesReshaped(node, {{0, node.input(0)}, {-1, {}}});
  if (axis == rank - 1)
    return becomesReshaped(node, {{-1, {}}, {axis, node.input(0)}});
  // Both sides have several unknown sizes: multiply the rows.
  Value total;
  for (int64_t i = 0; i < axis; ++i) {
    FailureOr<Value> size = makeShape(node, SizeSource{i, node.input(0)});
    if (failed(size))
      return failure();
    if (!total) {
      total = *size;
      continue;
    }
    FailureOr<nn::MulOp> longer = node.create<nn::MulOp>(total, *size);
    if (failed(longer))
      return failure();
    total = *longer;
  }
  FailureOr<nn::ConcatOp> shape =
      node.create<nn::ConcatOp>(ValueRange{total, node.constantInts(-1)}, node.builder().getI64IntegerAttr(0));
  if (failed(shape))
    return failure();
  return node.becomes<nn::ReshapeOp>(node.input(0), *shape, node.builder().getBoolAttr(true));
}

/// The product of all sizes.
static LogicalResult importSize(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  Value product = node.constantInt(node.builder().getI64Type(), 1);
  for (int64_t i = 0; i < type.getRank(); ++i) {
    FailureOr<Value> size = makeShape(node, SizeSource{i, node.input(0)});
    if (failed(size))
      return failure();
    FailureOr<nn::ReshapeOp> scalar = node.create<nn::ReshapeOp>(*size, node.constantInts({}));
    if (failed(scalar))
      return failure();
    FailureOr<nn::MulOp> next = node.create<nn::MulOp>(product, *scalar);
    if (failed(next))
      return failure();
    product = *next;
  }
  node.setOutput(0, product);
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------------------------------------------------------===//

static LogicalResult importSliceWithAttributes(NodeImporter &node) {
  SmallVector<int64_t> starts = node.intsAttr("starts").value_or(SmallVector<int64_t>());
  SmallVector<int64_t> ends = node.intsAttr("ends").value_or(SmallVector<int64_t>());
  SmallVector<int64_t> axes = node.intsAttr("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(0, starts.size())));
  return node.becomes<nn::SliceOp>(node.input(0), node.constantInts(starts), node.constantInts(ends),
                                   node.constantInts(SmallVector<int64_t>(starts.size(), 1)),
                                   node.builder().getDenseI64ArrayAttr(axes));
}

/// One entry for each dim: `fill`, but at the axes those of `values`.
static FailureOr<Value> spreadToDims(NodeImporter &node, Value values, Value axes, int64_t rank, int64_t fill) {
  Type wide = node.builder().getI64Type();
  FailureOr<nn::CastOp> wideValues = node.create<nn::CastOp>(values, wide),
                        wideAxes = node.create<nn::CastOp>(axes, wide);
  if (failed(wideValues) || failed(wideAxes))
    return failure();
  FailureOr<nn::ScatterElementsOp> result =
      node.create<nn::ScatterElementsOp>(node.constantInts(SmallVector<int64_t>(rank, fill)), *wideAxes, *wideValues,
                                         node.builder().getStringAttr("none"), node.builder().getI64IntegerAttr(0));
  if (failed(result))
    return failure();
  return Value(*result);
}

/// The axes are known only when the model runs: all axes are sliced, most of them from end to end.
static LogicalResult importSliceOfAnyAxes(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank(), count = node.inputType(1).getDimSize(0);
  Value steps = node.hasInput(4) ? node.input(4) : node.constantInts(SmallVector<int64_t>(count, 1));
  FailureOr<Value> allStarts = spreadToDims(node, node.input(1), node.input(3), rank, 0);
  FailureOr<Value> allEnds = spreadToDims(node, node.input(2), node.input(3), rank, INT64_MAX);
  FailureOr<Value> allSteps = spreadToDims(node, steps, node.input(3), rank, 1);
  if (failed(allStarts) || failed(allEnds) || failed(allSteps))
    return failure();
  return node.becomes<nn::SliceOp>(node.input(0), *allStarts, *allEnds, *allSteps,
                                   node.builder().getDenseI64ArrayAttr(llvm::to_vector(llvm::seq<int64_t>(0, rank))));
}

static LogicalResult importSlice(NodeImporter &node) {
  RankedTensorType starts = node.inputType(1);
  if (starts.getRank() != 1 || starts.isDynamicDim(0))
    return node.unsupported("a number of starts that is known only at run time");
  int64_t count = starts.getDimSize(0);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, count));
  if (node.hasInput(3)) {
    std::optional<SmallVector<int64_t>> stated = node.constantInput(3);
    if (!stated)
      return importSliceOfAnyAxes(node);
    axes = *stated;
  }
  Value steps = node.hasInput(4) ? node.input(4) : node.constantInts(SmallVector<int64_t>(count, 1));
  return node.becomes<nn::SliceOp>(node.input(0), node.input(1), node.input(2), steps,
                                   node.builder().getDenseI64ArrayAttr(axes));
}

/// Slices along one axis. The sizes of the parts are an attribute, an input, or follow from the number of outputs.
static LogicalResult importSplit(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  int64_t rank = type.getRank(), axis = node.intAttr("axis"), parts = node.numOutputs();
  if (axis < -rank || axis >= rank)
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  axis += axis < 0 ? rank : 0;
  std::optional<SmallVector<int64_t>> sizes = node.intsAttr("split");
  Value runtimeSizes;
  if (node.hasInput(1)) {
    sizes = node.constantInput(1);
    runtimeSizes = sizes ? Value() : node.input(1);
  }
  int64_t size = type.getDimSize(axis);
  if (!sizes && !runtimeSizes) {
    if (ShapedType::isDynamic(size))
      return node.unsupported("equal parts of a size that is known only at run time");
    if (node.opset() < 18 && size % parts)
      return node.error("a size of " + Twine(size) + " has no " + Twine(parts) + " equal parts");
    int64_t each = (size + parts - 1) / parts;
    sizes.emplace();
    for (int64_t i = 0; i < parts; ++i)
      sizes->push_back(std::clamp<int64_t>(size - i * each, 0, each));
  }
  if (sizes && int64_t(sizes->size()) != parts)
    return node.error("has " + Twine(parts) + " outputs for " + Twine(sizes->size()) + " parts");
  Value start = node.constantInts(0), one = node.constantInts(1);
  int64_t known = 0;
  for (int64_t i = 0; i < parts; ++i) {
    Value end;
    if (sizes) {
      if ((*sizes)[i] < 0)
        return node.error("a part has the size " + Twine((*sizes)[i]));
      known += (*sizes)[i];
      end = node.constantInts(known);
    } else {
      FailureOr<nn::GatherOp> length =
          node.create<nn::GatherOp>(runtimeSizes, node.constantInts(i), node.builder().getI64IntegerAttr(0));
      if (failed(length))
        return failure();
      FailureOr<nn::AddOp> sum = node.create<nn::AddOp>(start, *length);
      if (failed(sum))
        return failure();
      end = *sum;
    }
    FailureOr<nn::SliceOp> part =
        node.create<nn::SliceOp>(node.input(0), start, end, one, node.builder().getDenseI64ArrayAttr(axis));
    if (failed(part))
      return failure();
    node.setOutput(i, *part);
    start = end;
  }
  if (sizes && !ShapedType::isDynamic(size) && known != size)
    return node.error("parts of " + Twine(known) + " in all do not make a size of " + Twine(size));
  return success();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Pads and repetition
//===----------------------------------------------------------------------------------------------------------------------===//

static LogicalResult importPadWithAttributes(NodeImporter &node) {
  std::optional<SmallVector<int64_t>> pads = node.intsAttr(node.opset() < 2 ? "paddings" : "pads");
  if (!pads)
    return node.error("has no pads");
  Value value = node.constantScalar(node.inputType(0).getElementType(), node.floatAttr("value"));
  return node.becomes<nn::PadOp>(node.input(0), node.constantInts(*pads), value,
                                 node.builder().getStringAttr(node.stringAttr("mode", "constant")));
}

/// The axes are known only when the model runs.
static LogicalResult importPadOfAnyAxes(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank();
  RankedTensorType axesType = node.inputType(3);
  if (axesType.getRank() != 1 || axesType.isDynamicDim(0))
    return node.unsupported("a number of axes that is known only at run time");
  int64_t count = axesType.getDimSize(0);
  Value zero = node.constantInts(0), middle = node.constantInts(count), end = node.constantInts(2 * count),
        one = node.constantInts(1);
  auto half = [&](Value from, Value to) -> FailureOr<Value> {
    FailureOr<nn::SliceOp> part =
        node.create<nn::SliceOp>(node.input(1), from, to, one, node.builder().getDenseI64ArrayAttr(0));
    return failed(part) ? FailureOr<Value>(failure()) : spreadToDims(node, *part, node.input(3), rank, 0);
  };
  FailureOr<Value> begins = half(zero, middle), ends = half(middle, end);
  if (failed(begins) || failed(ends))
    return failure();
  FailureOr<nn::ConcatOp> pads =
      node.create<nn::ConcatOp>(ValueRange{*begins, *ends}, node.builder().getI64IntegerAttr(0));
  if (failed(pads))
    return failure();
  return node.becomes<nn::PadOp>(node.input(0), *pads, node.input(2),
                                 node.builder().getStringAttr(node.stringAttr("mode", "constant")));
}

static LogicalResult importPad(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank();
  Value pads = node.input(1);
  if (node.hasInput(3)) {
    std::optional<SmallVector<int64_t>> axes = node.constantInput(3);
    if (!axes)
      return importPadOfAnyAxes(node);
    // Pads of the axes that are named, zero for the others.
    int64_t count = axes->size();
    SmallVector<int64_t> source(2 * rank, 2 * count);
    for (auto [i, axis] : llvm::enumerate(*axes)) {
      if (axis < -rank || axis >= rank)
        return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
      int64_t at = axis < 0 ? axis + rank : axis;
      source[at] = i;
      source[rank + at] = count + i;
    }
    if (node.inputType(1).getRank() != 1 || node.inputType(1).getDimSize(0) != 2 * count)
      return node.error("needs two pads for each axis");
    FailureOr<nn::CastOp> wide = node.create<nn::CastOp>(pads, node.builder().getI64Type());
    if (failed(wide))
      return failure();
    FailureOr<nn::ConcatOp> withZero =
        node.create<nn::ConcatOp>(ValueRange{*wide, node.constantInts(0)}, node.builder().getI64IntegerAttr(0));
    if (failed(withZero))
      return failure();
    FailureOr<nn::GatherOp> all =
        node.create<nn::GatherOp>(*withZero, node.constantInts(source), node.builder().getI64IntegerAttr(0));
    if (failed(all))
      return failure();
    pads = *all;
  }
  return node.becomes<nn::PadOp>(node.input(0), pads, node.input(2),
                                 node.builder().getStringAttr(node.stringAttr("mode", "constant")));
}

static LogicalResult importExpand(NodeImporter &node) {
  return node.becomes<nn::ExpandOp>(node.input(0), node.input(1));
}

/// Version 1 has one number of repeats for one axis.
static LogicalResult importTileOld(NodeImporter &node) {
  std::optional<SmallVector<int64_t>> tiles = node.constantInput(1), axis = node.constantInput(2);
  int64_t rank = node.inputType(0).getRank();
  if (!tiles || !axis || tiles->size() != 1 || axis->size() != 1)
    return node.unsupported("tiles or axis that are known only at run time");
  if ((*axis)[0] < 0 || (*axis)[0] >= rank)
    return node.error("axis " + Twine((*axis)[0]) + " is not in [0, " + Twine(rank - 1) + "]");
  SmallVector<int64_t> repeats(rank, 1);
  repeats[(*axis)[0]] = (*tiles)[0];
  return node.becomes<nn::TileOp>(node.input(0), node.constantInts(repeats));
}

static LogicalResult importTile(NodeImporter &node) { return node.becomes<nn::TileOp>(node.input(0), node.input(1)); }

static LogicalResult importConstantOfShape(NodeImporter &node) {
  Value value = node.constantScalar(node.builder().getF32Type(), 0);
  if (node.hasAttr("value")) {
    FailureOr<Value> stated = node.tensorValue("value");
    if (failed(stated))
      return failure();
    value = *stated;
  }
  return node.becomes<nn::FullOp>(node.input(0), value);
}

static LogicalResult importRange(NodeImporter &node) {
  return node.becomes<nn::RangeOp>(node.input(0), node.input(1), node.input(2));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------------------------------------------------------===//

template <typename OpTy> static LogicalResult importGather(NodeImporter &node) {
  return node.becomes<OpTy>(node.input(0), node.input(1), node.builder().getI64IntegerAttr(node.intAttr("axis")));
}

static LogicalResult importGatherND(NodeImporter &node) {
  return node.becomes<nn::GatherNDOp>(node.input(0), node.input(1),
                                      node.builder().getI64IntegerAttr(node.intAttr("batch_dims")));
}

static LogicalResult importReverseSequence(NodeImporter &node) {
  return node.becomes<nn::ReverseSequenceOp>(node.input(0), node.input(1), uint64_t(node.intAttr("time_axis")),
                                             uint64_t(node.intAttr("batch_axis", 1)));
}

static LogicalResult importScatterElements(NodeImporter &node) {
  return node.becomes<nn::ScatterElementsOp>(node.input(0), node.input(1), node.input(2),
                                             node.builder().getStringAttr(node.stringAttr("reduction", "none")),
                                             node.builder().getI64IntegerAttr(node.intAttr("axis")));
}

static LogicalResult importScatterND(NodeImporter &node) {
  return node.becomes<nn::ScatterNDOp>(node.input(0), node.input(1), node.input(2),
                                       node.builder().getStringAttr(node.stringAttr("reduction", "none")));
}

void registerMovement(ImportTable &table) {
  table.add({
      {"", "Squeeze", 1, importSqueeze},
      {"", "Unsqueeze", 1, importUnsqueeze},
      {"", "Flatten", 1, importFlatten},
      {"", "Size", 1, importSize},
      {"", "Slice", 1, importSliceWithAttributes},
      {"", "Slice", 10, importSlice},
      {"", "Split", 1, importSplit},
      {"", "Pad", 1, importPadWithAttributes},
      {"", "Pad", 11, importPad},
      {"", "Expand", 8, importExpand},
      {"", "Tile", 1, importTileOld},
      {"", "Tile", 6, importTile},
      {"", "ConstantOfShape", 9, importConstantOfShape},
      {"", "Range", 11, importRange},
      {"", "Gather", 1, importGather<nn::GatherOp>},
      {"", "GatherElements", 11, importGather<nn::GatherElementsOp>},
      {"", "GatherND", 11, importGatherND},
      {"", "ReverseSequence", 10, importReverseSequence},
      {"", "Scatter", 9, importScatterElements},
      {"", "ScatterElements", 11, importScatterElements},
      {"", "ScatterND", 11, importScatterND},
  });
}

} // namespace nncc::import
