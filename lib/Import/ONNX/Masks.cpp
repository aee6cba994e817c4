//===- Masks.cpp - import of what compares positions ----------------------------------------------------------------------===//
///
/// \file
/// Operators whose result depends on where an element is: ranges of indices, compared and used as conditions.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Chain.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/Selection.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

/// 0, 1 .. before `limit` (one i64), along the first of `behind` + 1 dims.
static Chain countTo(NodeImporter &node, Value limit, int64_t behind = 0) {
  FailureOr<nn::RangeOp> range = node.create<nn::RangeOp>(node.constantInts(0), limit, node.constantInts(1));
  if (failed(range))
    return Chain(node, Value());
  if (!behind)
    return Chain(node, *range);
  SmallVector<SizeSource> sizes(behind + 1, SizeSource{1, {}});
  sizes[0] = {-1, {}};
  FailureOr<Value> result = reshapeTo(node, *range, sizes);
  return Chain(node, failed(result) ? Value() : *result);
}

/// The number of the column minus that of the row, of a matrix in the last two dims.
static FailureOr<Chain> diagonals(NodeImporter &node, Value matrix) {
  int64_t rank = nn::typeOf(matrix).getRank();
  if (rank < 2)
    return node.error("needs at least 2 dims");
  FailureOr<Value> rows = makeShape(node, SizeSource{rank - 2, matrix}),
                   columns = makeShape(node, SizeSource{rank - 1, matrix});
  if (failed(rows) || failed(columns))
    return failure();
  Chain result = countTo(node, *columns).with<nn::SubOp>(countTo(node, *rows, /*behind=*/1));
  return result.get() ? FailureOr<Chain>(result) : FailureOr<Chain>(failure());
}

static LogicalResult importTrilu(NodeImporter &node) {
  FailureOr<Chain> diagonal = diagonals(node, node.input(0));
  if (failed(diagonal))
    return failure();
  Chain first(node, node.hasInput(1) ? node.input(1) : node.constantInts(0));
  bool upper = node.intAttr("upper", 1) != 0;
  Chain keep = upper ? first.with<nn::LessEqualOp>(*diagonal) : diagonal->with<nn::LessEqualOp>(first);
  Chain zero(node, node.constantScalar(node.inputType(0).getElementType(), 0));
  return Chain(node, node.input(0)).where(keep, zero).becomesOutput();
}

static LogicalResult importEyeLike(NodeImporter &node) {
  Type type = node.inputType(0).getElementType();
  if (node.hasAttr("dtype")) {
    FailureOr<Type> stated = node.elementTypeAttr("dtype");
    if (failed(stated))
      return failure();
    type = *stated;
  }
  if (node.inputType(0).getRank() != 2)
    return node.error("needs 2 dims");
  FailureOr<Chain> diagonal = diagonals(node, node.input(0));
  if (failed(diagonal))
    return failure();
  Value which = node.constantInt(node.builder().getI64Type(), node.intAttr("k"));
  return diagonal->with<nn::EqualOp>(which).cast(type).becomesOutput();
}

/// One element of a 1-D tensor, or the only one of a scalar, as a scalar.
static Chain scalarOf(NodeImporter &node, Value value, int64_t index = 0) {
  if (nn::typeOf(value).getRank() == 0)
    return Chain(node, value);
  FailureOr<nn::SliceOp> part = node.create<nn::SliceOp>(value, node.constantInts(index), node.constantInts(index + 1),
                                                         node.constantInts(1), node.builder().getDenseI64ArrayAttr(0));
  FailureOr<Value> result = failed(part) ? FailureOr<Value>(failure()) : reshapeTo(node, *part, {});
  return Chain(node, failed(result) ? Value() : *result);
}

/// The index is compared with every place along the new axis; one that is out of range is equal to none.
static LogicalResult importOneHot(NodeImporter &node) {
  Type wide = node.builder().getI64Type();
  RankedTensorType indices = node.inputType(0), depthType = node.inputType(1), values = node.inputType(2);
  int64_t rank = indices.getRank() + 1, axis = node.intAttr("axis", -1);
  if (axis < -rank || axis >= rank)
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  axis += axis < 0 ? rank : 0;
  if (depthType.getRank() > 1 || (depthType.getRank() == 1 && depthType.getDimSize(0) != 1) || values.getRank() != 1 ||
      values.getDimSize(0) != 2)
    return node.error("needs a depth of one element and two values");
  Chain depth = scalarOf(node, node.input(1)).cast(wide), index = Chain(node, node.input(0)).cast(wide);
  Chain fromBack = index.with<nn::AddOp>(depth);
  index = fromBack.where(index.with<nn::LessOp>(0), index);
  if (!index.get() || !depth.get())
    return failure();
  SmallVector<SizeSource> sizes;
  for (int64_t i = 0; i < rank; ++i)
    sizes.push_back(i == axis ? SizeSource{1, {}} : SizeSource{i - (i > axis), index.get()});
  FailureOr<Value> spread = reshapeTo(node, index.get(), sizes);
  if (failed(spread))
    return failure();
  Chain places = countTo(node, depth.get(), rank - 1 - axis);
  Chain off = scalarOf(node, node.input(2), 0), on = scalarOf(node, node.input(2), 1);
  return on.where(Chain(node, *spread).with<nn::EqualOp>(places), off).becomesOutput();
}

/// What is picked by a mask along an axis, or of all elements.
static LogicalResult importCompress(NodeImporter &node) {
  Value input = node.input(0);
  if (node.inputType(1).getRank() != 1)
    return node.error("needs a condition of one dim");
  if (!node.hasAttr("axis")) {
    FailureOr<Value> flat = reshapeTo(node, input, SizeSource{-1, {}});
    if (failed(flat))
      return failure();
    input = *flat;
  }
  FailureOr<nn::NonZeroOp> places = node.create<nn::NonZeroOp>(node.input(1));
  if (failed(places))
    return failure();
  FailureOr<Value> indices = reshapeTo(node, *places, SizeSource{-1, {}});
  if (failed(indices))
    return failure();
  return node.becomes<nn::GatherOp>(input, *indices, node.builder().getI64IntegerAttr(node.intAttr("axis")));
}

/// The first output of the pooling, put back where it came from; all else is zero.
static LogicalResult importMaxUnpool(NodeImporter &node) {
  RankedTensorType type = node.inputType(0);
  int64_t rank = type.getRank(), spatial = rank - 2;
  std::optional<SmallVector<int64_t>> kernel = node.intsAttr("kernel_shape");
  if (rank < 3 || !kernel || int64_t(kernel->size()) != spatial)
    return node.error("needs at least 3 dims and a kernel_shape that fits");
  SmallVector<int64_t> strides = node.intsAttr("strides").value_or(SmallVector<int64_t>(spatial, 1)),
                       pads = node.intsAttr("pads").value_or(SmallVector<int64_t>(2 * spatial, 0));
  if (int64_t(strides.size()) != spatial || int64_t(pads.size()) != 2 * spatial)
    return node.error("strides or pads do not fit " + Twine(spatial) + " spatial dims");
  // (size - 1) * stride - pads + kernel: what the indices count in.
  SmallVector<int64_t> factors(rank, 1), offsets(rank, 0);
  for (int64_t i = 0; i < spatial; ++i) {
    factors[2 + i] = strides[i];
    offsets[2 + i] = (*kernel)[i] - pads[i] - pads[spatial + i] - strides[i];
  }
  FailureOr<nn::ShapeOfOp> sizes = node.create<nn::ShapeOfOp>(node.input(0));
  if (failed(sizes))
    return failure();
  Chain shape =
      Chain(node, *sizes).with<nn::MulOp>(node.constantInts(factors)).with<nn::AddOp>(node.constantInts(offsets));
  if (!shape.get())
    return failure();
  Value zero = node.constantScalar(type.getElementType(), 0);
  FailureOr<nn::FullOp> zeros = node.create<nn::FullOp>(shape.get(), zero);
  if (failed(zeros))
    return failure();
  FailureOr<Value> target = reshapeTo(node, *zeros, SizeSource{-1, {}}),
                   updates = reshapeTo(node, node.input(0), SizeSource{-1, {}}),
                   indices = reshapeTo(node, node.input(1), SizeSource{-1, {}});
  if (failed(target) || failed(updates) || failed(indices))
    return failure();
  FailureOr<nn::ScatterElementsOp> flat = node.create<nn::ScatterElementsOp>(
      *target, *indices, *updates, node.builder().getStringAttr("none"), node.builder().getI64IntegerAttr(0));
  if (failed(flat))
    return failure();
  if (!node.hasInput(2))
    return node.becomes<nn::ReshapeOp>(*flat, shape.get(), true);
  // A larger output has zeros at its end.
  FailureOr<nn::ReshapeOp> whole = node.create<nn::ReshapeOp>(*flat, shape.get(), node.builder().getBoolAttr(true));
  Value more = Chain(node, node.input(2)).with<nn::SubOp>(shape).get();
  if (failed(whole) || !more)
    return failure();
  FailureOr<nn::ConcatOp> both = node.create<nn::ConcatOp>(
      ValueRange{node.constantInts(SmallVector<int64_t>(rank, 0)), more}, node.builder().getI64IntegerAttr(0));
  return failed(both) ? failure()
                      : node.becomes<nn::PadOp>(*whole, *both, zero, node.builder().getStringAttr("constant"));
}

/// x + bias below -lambd, x - bias above lambd, else 0; of integers as numbers, rounded towards zero.
static LogicalResult importShrink(NodeImporter &node) {
  Type type = node.inputType(0).getElementType();
  Type real = isa<FloatType>(type) ? type : Type(node.builder().getF64Type());
  double bias = node.floatAttr("bias"), lambd = node.floatAttr("lambd", 0.5f);
  Chain x = Chain(node, node.input(0)).cast(real);
  Chain isAbove = Chain(node, node.constantScalar(real, lambd)).with<nn::LessOp>(x);
  Chain zero(node, node.constantScalar(real, 0));
  Chain upper = x.with<nn::SubOp>(bias).where(isAbove, zero);
  return x.with<nn::AddOp>(bias).where(x.with<nn::LessOp>(-lambd), upper).cast(type).becomesOutput();
}

/// The update where its places along the axis, counted from the write index of each batch element, are; else the past. In circular mode
/// places go round.
static LogicalResult importTensorScatter(NodeImporter &node) {
  OpBuilder &b = node.builder();
  Value past = node.input(0), update = node.input(1);
  int64_t rank = node.inputType(0).getRank(), axis = node.intAttr("axis", -2);
  axis += axis < 0 ? rank : 0;
  if (axis < 1 || axis >= rank || node.inputType(1).getRank() != rank)
    return node.error("needs a past and an update of one rank, and an axis of it that is not the first");
  FailureOr<Value> size = makeShape(node, SizeSource{axis, past}), length = makeShape(node, SizeSource{axis, update});
  if (failed(size) || failed(length))
    return failure();
  Chain place = countTo(node, *size, rank - 1 - axis);
  if (node.hasInput(2)) {
    SmallVector<SizeSource> sizes(rank, SizeSource{1, {}});
    sizes[0] = {0, node.input(2)};
    FailureOr<Value> starts = reshapeTo(node, node.input(2), sizes);
    if (failed(starts))
      return failure();
    place = place.with<nn::SubOp>(*starts);
  }
  if (node.stringAttr("mode", "linear") == "circular")
    place = place.with<nn::ModOp>(*size);
  Chain zero(node, node.constantInts(0)), last = Chain(node, *length).with<nn::SubOp>(1);
  Chain inside = zero.with<nn::LessEqualOp>(place).with<nn::AndOp>(place.with<nn::LessEqualOp>(last));
  Value clamped = place.with<nn::MinOp>(last).with<nn::MaxOp>(zero).get();
  FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(past);
  if (failed(shape) || !clamped)
    return failure();
  FailureOr<nn::ExpandOp> indices = node.create<nn::ExpandOp>(clamped, *shape);
  if (failed(indices))
    return failure();
  FailureOr<nn::GatherElementsOp> moved =
      node.create<nn::GatherElementsOp>(update, *indices, b.getI64IntegerAttr(axis));
  return failed(moved) ? failure() : Chain(node, *moved).where(inside, Chain(node, past)).becomesOutput();
}

void registerMasks(ImportTable &table) {
  table.add({
      {"", "Trilu", 14, importTrilu},
      {"", "EyeLike", 9, importEyeLike},
      {"", "OneHot", 9, importOneHot},
      {"", "Compress", 9, importCompress},
      {"", "MaxUnpool", 9, importMaxUnpool},
      {"", "Shrink", 9, importShrink},
      {"", "TensorScatter", 24, importTensorScatter},
  });
}

} // namespace nncc::import
