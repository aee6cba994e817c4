//===- Convolution.cpp - import of ONNX's convolutions --------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "Shapes.h"
#include "Windows.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

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
  return node.becomes<nn::ConvOp>(node.input(0), node.input(1), node.input(2), b.getDenseI64ArrayAttr(windows->strides),
                                  b.getDenseI64ArrayAttr(windows->dilations), b.getDenseI64ArrayAttr(windows->pads),
                                  b.getI64IntegerAttr(node.intAttr("group", 1)), UnitAttr());
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Transposed convolution: a convolution of the input with zeros between its elements, by the filter turned around
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
  FailureOr<Value> spread = spreadApart(node, node.input(0), windows->strides);
  FailureOr<Value> turned = turnFilter(node, node.input(1), groups);
  if (failed(spread) || failed(turned))
    return failure();
  OpBuilder &b = node.builder();
  return node.becomes<nn::ConvOp>(*spread, *turned, node.input(2),
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
