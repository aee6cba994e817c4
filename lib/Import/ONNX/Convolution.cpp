//===- Convolution.cpp - import of ONNX's convolutions --------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "Shapes.h"
#include "Windows.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nncc::import {

static LogicalResult importConv(NodeImporter &node) {
  RankedTensorType input = node.inputType(0), filter = node.inputType(1);
  if (input.getRank() < 3 || filter.getRank() != input.getRank())
    return node.error("needs an input and a filter of one rank, at least 3");
  SmallVector<int64_t> kernel(filter.getShape().drop_front(2));
  std::optional<SmallVector<int64_t>> stated = node.intsAttr("kernel_shape");
  if (stated && *stated != kernel)
    return node.error("kernel_shape differs from the filter's shape");
  FailureOr<WindowAttributes> windows = importWindows(node, input, kernel);
  if (failed(windows))
    return failure();
  OpBuilder &b = node.builder();
  return node.becomes<nn::ConvOp>(node.input(0), node.input(1), node.input(2), /*outside=*/Value(),
                                  b.getDenseI64ArrayAttr(windows->strides), b.getDenseI64ArrayAttr(windows->dilations),
                                  b.getDenseI64ArrayAttr(windows->pads), b.getI64IntegerAttr(node.intAttr("group", 1)),
                                  UnitAttr());
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Transposed convolution with dilations: a convolution of the input with zeros between its elements, by the filter turned around
//===----------------------------------------------------------------------------------------------------------------------===//

static FailureOr<Value> cutTails(NodeImporter &node, Value value, ArrayRef<int64_t> axes, ArrayRef<int64_t> ends) {
  FailureOr<nn::SliceOp> result = node.create<nn::SliceOp>(
      value, node.constantInts(SmallVector<int64_t>(axes.size(), 0)), node.constantInts(ends),
      node.constantInts(SmallVector<int64_t>(axes.size(), 1)), node.builder().getDenseI64ArrayAttr(axes));
  return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
}

/// x0 0 0 x1 0 0 x2 along each spatial dim with a stride: a dim of 1 is padded to the stride, merged, and the tail cut off.
static FailureOr<Value> spreadApart(NodeImporter &node, Value input, ArrayRef<int64_t> strides) {
  if (llvm::all_of(strides, [](int64_t stride) { return stride == 1; }))
    return input;
  int64_t spatialRank = strides.size();
  SmallVector<SizeSource> split = {{0, input}, {1, input}};
  SmallVector<int64_t> pads(4 + 4 * spatialRank, 0), ends, axes;
  for (int64_t i = 0; i < spatialRank; ++i) {
    split.append({{2 + i, input}, {1, {}}});
    pads[2 + 2 * spatialRank + 2 + 2 * i + 1] = strides[i] - 1;
  }
  FailureOr<Value> columns = reshapeTo(node, input, split);
  if (failed(columns))
    return failure();
  FailureOr<nn::PadOp> padded =
      node.create<nn::PadOp>(*columns, node.constantInts(pads), Value(), node.builder().getStringAttr("constant"));
  if (failed(padded))
    return failure();
  // The merged size is a product, which a shape can say only through -1 or a number.
  Value current = *padded;
  for (int64_t i = 0; i < spatialRank; ++i) {
    RankedTensorType type = nn::typeOf(current);
    SmallVector<SizeSource> sizes;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (d == 2 + i)
        sizes.push_back({-1, {}});
      else if (d != 2 + i + 1)
        sizes.push_back({d, current});
    }
    FailureOr<Value> next = reshapeTo(node, current, sizes);
    if (failed(next))
      return failure();
    current = *next;
    if (strides[i] > 1) {
      axes.push_back(2 + i);
      ends.push_back(1 - strides[i]);
    }
  }
  return cutTails(node, current, axes, ends);
}

/// C x M/G x K1.. -> M x C/G x K1.., spatial dims backwards.
static FailureOr<Value> turnFilter(NodeImporter &node, Value filter, int64_t groups) {
  RankedTensorType type = nn::typeOf(filter);
  int64_t rank = type.getRank();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, rank)), back(rank - 2, -1),
                       first(rank - 2, INT64_MIN + 1);
  FailureOr<nn::SliceOp> turned =
      node.create<nn::SliceOp>(filter, node.constantInts(back), node.constantInts(first), node.constantInts(back),
                               node.builder().getDenseI64ArrayAttr(axes));
  if (failed(turned))
    return failure();
  SmallVector<int64_t> grouped = {groups, type.getDimSize(0) / groups, type.getDimSize(1)},
                       whole = {type.getDimSize(1) * groups, type.getDimSize(0) / groups};
  llvm::append_range(grouped, type.getShape().drop_front(2));
  llvm::append_range(whole, type.getShape().drop_front(2));
  SmallVector<int64_t> permutation = {0, 2, 1};
  llvm::append_range(permutation, llvm::seq<int64_t>(3, rank + 1));
  FailureOr<nn::ReshapeOp> split = node.create<nn::ReshapeOp>(*turned, node.constantInts(grouped));
  if (failed(split))
    return failure();
  FailureOr<nn::TransposeOp> swapped = node.create<nn::TransposeOp>(*split, ArrayRef<int64_t>(permutation));
  if (failed(swapped))
    return failure();
  FailureOr<nn::ReshapeOp> result = node.create<nn::ReshapeOp>(*swapped, node.constantInts(whole));
  return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Transposed convolution without dilations: elements of the result that lie a stride apart see the same taps. Each of these phases is a
// convolution of the input itself; together they are one, whose channels are the phases of a place.
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
/// Along one spatial dim. A convolution of the spread input by the turned filter of `kernel` taps would have the pads `before` and `behind`.
struct Phases {
  int64_t stride, kernel, before, behind;

  int64_t getPadBefore() const { return llvm::divideFloorSigned(before, stride); }
  /// Zeros around the filter (not turned) such that tap t of phase p is element t * stride + p.
  int64_t getZerosBehind() const { return stride - 1 - (before - getPadBefore() * stride); }
  int64_t getTaps() const { return llvm::divideCeil(kernel + getZerosBehind(), stride); }
  int64_t getZerosBefore() const { return getTaps() * stride - kernel - getZerosBehind(); }
  /// The size of the result is that of the input times the stride and this.
  int64_t getRest() const { return before + behind + 2 - kernel - stride; }
  /// Places behind the last of the input, all of whose phases are computed.
  int64_t getExtraPlaces() const { return llvm::divideCeilSigned(getRest(), stride); }
  int64_t getPadBehind() const { return getExtraPlaces() + getTaps() - 1 - getPadBefore(); }
  /// How many elements the last place has too many.
  int64_t getExcess() const { return getExtraPlaces() * stride - getRest(); }
};
} // namespace

static int64_t countPhases(ArrayRef<Phases> dims) {
  int64_t count = 1;
  for (const Phases &dim : dims)
    count *= dim.stride;
  return count;
}

/// C x M/G x K1.. -> C x P M/G x T1.., where P is the number of phases and T the taps of each.
static FailureOr<Value> splitFilter(NodeImporter &node, Value filter, ArrayRef<Phases> dims) {
  int64_t rank = dims.size(), channels = nn::typeOf(filter).getDimSize(0), outputs = nn::typeOf(filter).getDimSize(1);
  SmallVector<int64_t> pads(4 + 2 * rank, 0), split = {channels, outputs}, order = {0},
                                              merged = {channels, outputs * countPhases(dims)};
  for (auto [i, dim] : llvm::enumerate(dims)) {
    pads[2 + i] = dim.getZerosBefore();
    pads[4 + rank + i] = dim.getZerosBehind();
    split.append({dim.getTaps(), dim.stride});
    merged.push_back(dim.getTaps());
    order.push_back(3 + 2 * i);
  }
  order.push_back(1);
  for (int64_t i = 0; i < rank; ++i)
    order.push_back(2 + 2 * i);
  FailureOr<nn::PadOp> padded =
      node.create<nn::PadOp>(filter, node.constantInts(pads), Value(), node.builder().getStringAttr("constant"));
  if (failed(padded))
    return failure();
  FailureOr<nn::ReshapeOp> phases = node.create<nn::ReshapeOp>(*padded, node.constantInts(split));
  if (failed(phases))
    return failure();
  FailureOr<nn::TransposeOp> moved = node.create<nn::TransposeOp>(*phases, ArrayRef<int64_t>(order));
  if (failed(moved))
    return failure();
  FailureOr<nn::ReshapeOp> result = node.create<nn::ReshapeOp>(*moved, node.constantInts(merged));
  return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
}

/// The bias of each output for each of its phases.
static FailureOr<Value> repeatBias(NodeImporter &node, Value bias, int64_t groups, int64_t phases) {
  if (!bias)
    return Value();
  int64_t outputs = nn::typeOf(bias).getNumElements() / groups;
  FailureOr<nn::ReshapeOp> apart = node.create<nn::ReshapeOp>(bias, node.constantInts({groups, 1, outputs}));
  if (failed(apart))
    return failure();
  FailureOr<nn::ExpandOp> repeated = node.create<nn::ExpandOp>(*apart, node.constantInts({groups, phases, outputs}));
  if (failed(repeated))
    return failure();
  FailureOr<nn::ReshapeOp> result = node.create<nn::ReshapeOp>(*repeated, node.constantInts(-1));
  return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
}

/// Merges dims 2 and 3, 4 and 5 ..; a product of sizes that are not known can be said only as what is left, one at a time.
static FailureOr<Value> mergePairs(NodeImporter &node, Value value) {
  ArrayRef<int64_t> shape = nn::typeOf(value).getShape();
  auto isKnown = [](int64_t size) { return size > 0; };
  if (nn::typeOf(value).hasStaticShape() || llvm::all_of(shape.drop_front(), isKnown)) {
    SmallVector<int64_t> merged(shape.take_front(2));
    if (ShapedType::isDynamic(merged[0]))
      merged[0] = 0; // as it was
    for (size_t i = 2; i < shape.size(); i += 2)
      merged.push_back(shape[i] * shape[i + 1]);
    FailureOr<nn::ReshapeOp> result = node.create<nn::ReshapeOp>(value, node.constantInts(merged));
    return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
  }
  for (int64_t i = 2; i < nn::typeOf(value).getRank(); ++i) {
    SmallVector<SizeSource> sizes;
    for (int64_t dim = 0; dim < nn::typeOf(value).getRank(); ++dim) {
      if (dim == i)
        sizes.push_back({-1, {}});
      else if (dim != i + 1)
        sizes.push_back({dim, value});
    }
    FailureOr<Value> next = reshapeTo(node, value, sizes);
    if (failed(next))
      return failure();
    value = *next;
  }
  return value;
}

/// N x (G, P1.., M/G) x Q1.. -> N x M x (Q1, P1) x .., without what is too much.
static LogicalResult interleavePhases(NodeImporter &node, Value value, int64_t groups, ArrayRef<Phases> dims) {
  int64_t rank = dims.size(), outputs = nn::typeOf(value).getDimSize(1) / groups / countPhases(dims);
  SmallVector<SizeSource> split = {{0, value}};
  if (groups > 1)
    split.push_back({groups, {}});
  int64_t first = split.size(); // of the phases
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, first)), axes, ends;
  for (const Phases &dim : dims)
    split.push_back({dim.stride, {}});
  split.push_back({outputs, {}});
  order.push_back(first + rank);
  for (auto [i, dim] : llvm::enumerate(dims)) {
    split.push_back({int64_t(2 + i), value});
    order.append({first + rank + 1 + int64_t(i), first + int64_t(i)});
    if (dim.getExcess()) {
      axes.push_back(2 + i);
      ends.push_back(-dim.getExcess());
    }
  }
  FailureOr<Value> phases = reshapeTo(node, value, split);
  if (failed(phases))
    return failure();
  FailureOr<nn::TransposeOp> moved = node.create<nn::TransposeOp>(*phases, ArrayRef<int64_t>(order));
  if (failed(moved))
    return failure();
  value = *moved;
  if (groups > 1) {
    SmallVector<SizeSource> joined = {{0, value}, {groups * outputs, {}}};
    for (int64_t dim = 3; dim < nn::typeOf(value).getRank(); ++dim)
      joined.push_back({dim, value});
    FailureOr<Value> next = reshapeTo(node, value, joined);
    if (failed(next))
      return failure();
    value = *next;
  }
  FailureOr<Value> merged = mergePairs(node, value);
  if (succeeded(merged) && !axes.empty())
    merged = cutTails(node, *merged, axes, ends);
  if (failed(merged))
    return failure();
  node.setOutputs(*merged);
  return success();
}

static LogicalResult importPhases(NodeImporter &node, ArrayRef<Phases> dims, int64_t groups) {
  FailureOr<Value> split = splitFilter(node, node.input(1), dims);
  FailureOr<Value> turned = failed(split) ? split : turnFilter(node, *split, groups);
  FailureOr<Value> bias = repeatBias(node, node.input(2), groups, countPhases(dims));
  if (failed(turned) || failed(bias))
    return failure();
  SmallVector<int64_t> pads(2 * dims.size()), ones(dims.size(), 1);
  for (auto [i, dim] : llvm::enumerate(dims)) {
    pads[i] = dim.getPadBefore();
    pads[dims.size() + i] = dim.getPadBehind();
  }
  OpBuilder &b = node.builder();
  FailureOr<nn::ConvOp> conv = node.create<nn::ConvOp>(
      node.input(0), *turned, *bias, /*outside=*/Value(), b.getDenseI64ArrayAttr(ones), b.getDenseI64ArrayAttr(ones),
      b.getDenseI64ArrayAttr(pads), b.getI64IntegerAttr(groups), UnitAttr());
  return failed(conv) ? failure() : interleavePhases(node, *conv, groups, dims);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Both
//===----------------------------------------------------------------------------------------------------------------------===//

/// Pads of the transposed convolution, from `pads`, or such that the output has the stated shape.
static LogicalResult resolveOutputShape(NodeImporter &node, RankedTensorType input, WindowAttributes &windows,
                                        ArrayRef<int64_t> outputPadding) {
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  std::optional<SmallVector<int64_t>> shape = node.intsAttr("output_shape");
  size_t rank = windows.kernel.size();
  bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (!shape && !same)
    return success();
  if (shape && shape->size() == rank + 2) // some exporters state batch and channels too
    shape->erase(shape->begin(), shape->begin() + 2);
  if (shape && shape->size() != rank)
    return node.error("output_shape does not fit an input of " + Twine(rank) + " spatial dims");
  for (size_t i = 0; i < rank; ++i) {
    int64_t size = input.getDimSize(i + 2), stride = windows.strides[i];
    if (ShapedType::isDynamic(size) && shape)
      return node.unsupported("output_shape for an input whose size is known only at run time");
    // What is left of stride * size (the output's size with auto_pad) when the window is counted once.
    int64_t total = outputPadding[i] + windows.dilations[i] * (windows.kernel[i] - 1) + 1 - stride;
    if (shape)
      total += stride * size - (*shape)[i];
    else
      total = std::max<int64_t>(total, 0);
    // A shape beyond what the input reaches is filled at the end.
    bool upper = mode == "SAME_UPPER";
    windows.pads[i] = total < 0 ? 0 : upper ? total / 2 : total - total / 2;
    windows.pads[rank + i] = total - windows.pads[i];
  }
  return success();
}

static LogicalResult importConvTranspose(NodeImporter &node) {
  RankedTensorType input = node.inputType(0), filter = node.inputType(1);
  int64_t groups = node.intAttr("group", 1);
  if (input.getRank() < 3 || filter.getRank() != input.getRank() || !filter.hasStaticShape())
    return node.error("needs an input and a filter of known size of one rank, at least 3");
  if (groups < 1 || filter.getDimSize(0) % groups)
    return node.error(Twine(filter.getDimSize(0)) + " channels do not make " + Twine(groups) + " groups");
  SmallVector<int64_t> kernel(filter.getShape().drop_front(2));
  FailureOr<WindowAttributes> windows = importWindows(node, input, kernel, /*resolveAutoPad=*/false);
  if (failed(windows))
    return failure();
  size_t rank = kernel.size();
  SmallVector<int64_t> outputPadding = node.intsAttr("output_padding").value_or(SmallVector<int64_t>(rank, 0));
  if (outputPadding.size() != rank)
    return node.error("output_padding does not fit an input of " + Twine(rank) + " spatial dims");
  if (failed(resolveOutputShape(node, input, *windows, outputPadding)))
    return failure();
  SmallVector<int64_t> pads(2 * rank);
  for (size_t i = 0; i < rank; ++i) {
    int64_t reach = windows->dilations[i] * (kernel[i] - 1);
    pads[i] = reach - windows->pads[i];
    pads[rank + i] = reach - windows->pads[rank + i] + outputPadding[i];
  }
  auto isOne = [](int64_t number) { return number == 1; };
  if (llvm::all_of(windows->dilations, isOne) && !llvm::all_of(windows->strides, isOne)) {
    SmallVector<Phases> dims;
    for (size_t i = 0; i < rank; ++i)
      dims.push_back({windows->strides[i], kernel[i], pads[i], pads[rank + i]});
    return importPhases(node, dims, groups);
  }
  FailureOr<Value> spread = spreadApart(node, node.input(0), windows->strides);
  FailureOr<Value> turned = turnFilter(node, node.input(1), groups);
  if (failed(spread) || failed(turned))
    return failure();
  OpBuilder &b = node.builder();
  return node.becomes<nn::ConvOp>(*spread, *turned, node.input(2), /*outside=*/Value(),
                                  b.getDenseI64ArrayAttr(SmallVector<int64_t>(rank, 1)),
                                  b.getDenseI64ArrayAttr(windows->dilations), b.getDenseI64ArrayAttr(pads),
                                  b.getI64IntegerAttr(groups), UnitAttr());
}

void registerConvolution(ImportTable &table) {
  table.add({
      {"", "Conv", 1, importConv},
      {"", "ConvTranspose", 1, importConvTranspose},
  });
}

} // namespace nncc::import
