//===- Quantization.cpp - import of quantised arithmetic ------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Quantization.h"
#include "Chain.h"
#include "Shapes.h"
#include "Windows.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/IR/ZeroPoints.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

/// Integers that a float type of so many bits of fraction holds, and that the runtime stores whole.
static bool isWholeByteInteger(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() >= 8;
}

/// Scale or zero point as a tensor that broadcasts against the operand: one number, one for each element of an axis, or one for each
/// block of `blockSize` elements along the axis.
static FailureOr<Value> spreadParameter(NodeImporter &node, Value parameter, Value operand, int64_t axis,
                                        int64_t blockSize) {
  RankedTensorType type = nn::typeOf(parameter), operandType = nn::typeOf(operand);
  int64_t rank = operandType.getRank();
  if (type.getRank() == 0)
    return parameter;
  if (type.getRank() == 1 && type.getDimSize(0) == 1 && blockSize == 0)
    return reshapeTo(node, parameter, {});
  if (axis < -rank || axis >= rank)
    return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  axis += axis < 0 ? rank : 0;
  if (blockSize == 0) {
    if (type.getRank() != 1)
      return node.error("needs scales of one number, or one for each element of an axis");
    SmallVector<SizeSource> sizes(rank, SizeSource{1, {}});
    sizes[axis] = {0, parameter};
    return reshapeTo(node, parameter, sizes);
  }
  if (type.getRank() != rank || !type.hasStaticShape() || operandType.isDynamicDim(axis))
    return node.unsupported("blocks along an axis whose size is known only at run time");
  // Each number blockSize times along the axis; the last block may be cut short.
  SmallVector<SizeSource> split, merged;
  SmallVector<int64_t> repeats(rank + 1, 1);
  for (int64_t i = 0; i < rank; ++i) {
    split.push_back({type.getDimSize(i), {}});
    merged.push_back({i == axis ? type.getDimSize(i) * blockSize : type.getDimSize(i), {}});
    if (i == axis)
      split.push_back({1, {}});
  }
  repeats[axis + 1] = blockSize;
  FailureOr<Value> columns = reshapeTo(node, parameter, split);
  if (failed(columns))
    return failure();
  FailureOr<nn::TileOp> repeated = node.create<nn::TileOp>(*columns, node.constantInts(repeats));
  if (failed(repeated))
    return failure();
  FailureOr<Value> whole = reshapeTo(node, *repeated, merged);
  if (failed(whole))
    return failure();
  FailureOr<nn::SliceOp> cut =
      node.create<nn::SliceOp>(*whole, node.constantInts(0), node.constantInts(operandType.getDimSize(axis)),
                               node.constantInts(1), node.builder().getDenseI64ArrayAttr(axis));
  return failed(cut) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*cut));
}

/// Integers of 8 and 16 bits, which are more than moved.
static bool isByteOrWord(Type type) { return isWholeByteInteger(type) && type.getIntOrFloatBitWidth() <= 16; }

/// saturate(round(x / scale) + zero point). Floats are rounded once, to the target.
static LogicalResult becomesQuantized(NodeImporter &node, Chain x, Value scale, Value zeroPoint, Type target) {
  if (!x.get())
    return failure();
  if (isByteOrWord(target))
    return node.becomes<nn::QuantizeOp>(x.get(), scale, zeroPoint, target);
  auto integer = dyn_cast<IntegerType>(target);
  Type type = nn::typeOf(scale).getElementType();
  Chain result = x.with<nn::DivOp>(scale);
  if (integer)
    result = result.apply<nn::RoundOp>();
  if (zeroPoint)
    result = result.with<nn::AddOp>(Chain(node, zeroPoint).cast(type));
  if (!integer)
    return result.cast(target, node.intAttr("saturate", 1) != 0).becomesOutput();
  unsigned width = integer.getWidth();
  double low = integer.isUnsigned() ? 0 : -double(int64_t(1) << (width - 1));
  double high = double((int64_t(1) << (width - !integer.isUnsigned())) - 1);
  return result.with<nn::MaxOp>(low).with<nn::MinOp>(high).cast(target).becomesOutput();
}

/// (x - zero point) * scale. The difference of integers is exact before it becomes a float.
static LogicalResult becomesDequantized(NodeImporter &node, Value x, Value scale, Value zeroPoint, Type target) {
  Type element = nn::typeOf(x).getElementType();
  Chain factor = Chain(node, scale).cast(target);
  if (!factor.get())
    return failure();
  if (isByteOrWord(element) || element.isInteger(32))
    return node.becomes<nn::DequantizeOp>(x, factor.get(), zeroPoint);
  Type wide = isa<IntegerType>(element) ? Type(node.builder().getI32Type()) : Type(node.builder().getF32Type());
  Chain difference = Chain(node, x).cast(wide);
  if (zeroPoint)
    difference = difference.with<nn::SubOp>(Chain(node, zeroPoint).cast(wide));
  return difference.cast(target).with<nn::MulOp>(factor).becomesOutput();
}

static LogicalResult importQuantizeLinear(NodeImporter &node) {
  Type target = node.builder().getIntegerType(8, /*isSigned=*/false);
  if (node.hasInput(2))
    target = node.inputType(2).getElementType();
  else if (node.intAttr("output_dtype")) {
    FailureOr<Type> stated = node.elementTypeAttr("output_dtype");
    if (failed(stated))
      return failure();
    target = *stated;
  }
  if (target.getIntOrFloatBitWidth() > 16 || target.isF16() || target.isBF16())
    return node.error("does not quantise to elements of " + Twine(target.getIntOrFloatBitWidth()) + " bits");
  int64_t axis = node.intAttr("axis", 1), blockSize = node.intAttr("block_size");
  FailureOr<Value> scale = spreadParameter(node, node.input(1), node.input(0), axis, blockSize);
  FailureOr<Value> zeroPoint = Value();
  if (node.hasInput(2))
    zeroPoint = spreadParameter(node, node.input(2), node.input(0), axis, blockSize);
  if (failed(scale) || failed(zeroPoint))
    return failure();
  // Computed in f32 (or f64), whatever the input's type is.
  Type type = node.inputType(0).getElementType();
  Type wide = type.isF64() ? type : Type(node.builder().getF32Type());
  Chain wideScale = Chain(node, *scale).cast(wide);
  return wideScale.get()
             ? becomesQuantized(node, Chain(node, node.input(0)).cast(wide), wideScale.get(), *zeroPoint, target)
             : failure();
}

static LogicalResult importDequantizeLinear(NodeImporter &node) {
  int64_t axis = node.intAttr("axis", 1), blockSize = node.intAttr("block_size");
  FailureOr<Value> scale = spreadParameter(node, node.input(1), node.input(0), axis, blockSize);
  FailureOr<Value> zeroPoint = Value();
  if (node.hasInput(2))
    zeroPoint = spreadParameter(node, node.input(2), node.input(0), axis, blockSize);
  if (failed(scale) || failed(zeroPoint))
    return failure();
  Type target = node.inputType(1).getElementType();
  if (node.intAttr("output_dtype")) {
    FailureOr<Type> stated = node.elementTypeAttr("output_dtype");
    if (failed(stated))
      return failure();
    target = *stated;
  }
  return becomesDequantized(node, node.input(0), *scale, *zeroPoint, target);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Products of integers less their zero points, exact in i32
//===----------------------------------------------------------------------------------------------------------------------===//

/// Whether a parameter has one number, or one for each index of an operand along some dims: `summed` (from the back) is not of them.
static bool fitsOperand(Value parameter, RankedTensorType operand, int64_t summed) {
  if (!parameter)
    return true;
  ArrayRef<int64_t> sizes = nn::typeOf(parameter).getShape();
  if (sizes.size() > size_t(operand.getRank()))
    return false;
  for (auto [i, size] : llvm::enumerate(llvm::reverse(sizes))) {
    int64_t wanted = int64_t(i) == summed ? 1 : operand.getShape().drop_back(i).back();
    if (size != 1 && size != wanted && !ShapedType::isDynamic(size) && !ShapedType::isDynamic(wanted))
      return false;
  }
  return true;
}

/// A zero point of a matrix: one number, or one for each row (of the left operand) or column.
static FailureOr<Value> zeroPointOfMatrix(NodeImporter &node, Value zeroPoint, bool rows) {
  if (!zeroPoint || nn::typeOf(zeroPoint).getRank() != 1 || nn::typeOf(zeroPoint).getDimSize(0) == 1 || !rows)
    return zeroPoint;
  return reshapeTo(node, zeroPoint, {{0, zeroPoint}, {1, {}}});
}

static FailureOr<Value> multiplyIntegers(NodeImporter &node, unsigned lhs, unsigned rhs, unsigned lhsZero,
                                         unsigned rhsZero) {
  if (node.inputType(lhs).getRank() < 2 || node.inputType(rhs).getRank() < 2)
    return node.unsupported("operands of one dim");
  FailureOr<Value> left = zeroPointOfMatrix(node, node.input(lhsZero), /*rows=*/true);
  FailureOr<Value> right = zeroPointOfMatrix(node, node.input(rhsZero), /*rows=*/false);
  if (failed(left) || failed(right))
    return failure();
  if (!fitsOperand(*left, node.inputType(lhs), 0) || !fitsOperand(*right, node.inputType(rhs), 1))
    return node.error(
        "a zero point has neither one number nor one for each row of the left or column of the right operand");
  FailureOr<nn::MatMulOp> product = node.create<nn::MatMulOp>(node.input(lhs), node.input(rhs));
  if (failed(product))
    return failure();
  return nn::subtractZeroPoints(node.builder(), *product, *left, *right);
}

static LogicalResult importMatMulInteger(NodeImporter &node) {
  FailureOr<Value> product = multiplyIntegers(node, 0, 1, 2, 3);
  if (failed(product))
    return failure();
  node.setOutput(0, *product);
  return success();
}

/// saturate(round(product * (scales / result's scale)) + zero point).
static LogicalResult becomesRequantized(NodeImporter &node, Value product, Value scaleA, Value scaleB, Value scaleY,
                                        Value zeroY) {
  Type single = node.builder().getF32Type();
  Chain factor = Chain(node, scaleA)
                     .cast(single)
                     .with<nn::MulOp>(Chain(node, scaleB).cast(single))
                     .with<nn::DivOp>(Chain(node, scaleY).cast(single));
  return factor.get() ? node.becomes<nn::RequantizeOp>(product, factor.get(), zeroY, nn::typeOf(zeroY).getElementType())
                      : failure();
}

static LogicalResult importQLinearMatMul(NodeImporter &node) {
  if (!isWholeByteInteger(node.inputType(7).getElementType()))
    return node.unsupported("float8 operands");
  FailureOr<Value> product = multiplyIntegers(node, 0, 3, 2, 5);
  FailureOr<Value> scaleA = zeroPointOfMatrix(node, node.input(1), /*rows=*/true);
  if (failed(product) || failed(scaleA))
    return failure();
  return becomesRequantized(node, *product, *scaleA, node.input(4), node.input(6), node.input(7));
}

/// One number for each output channel, as a tensor that broadcasts against filters (dim 0) or results (dim 1).
static FailureOr<Value> alongDim(NodeImporter &node, Value parameter, int64_t dim, int64_t rank) {
  if (!parameter || nn::typeOf(parameter).getRank() == 0)
    return parameter;
  if (nn::typeOf(parameter).getDimSize(0) == 1)
    return reshapeTo(node, parameter, {});
  SmallVector<SizeSource> sizes(rank, SizeSource{1, {}});
  sizes[dim] = {0, parameter};
  return reshapeTo(node, parameter, sizes);
}

/// The zero point pads, so that the padding adds nothing.
static FailureOr<Value> convolveIntegers(NodeImporter &node, unsigned input, unsigned filter, unsigned inputZero,
                                         unsigned filterZero, Value bias) {
  RankedTensorType inputType = node.inputType(input), filterType = node.inputType(filter);
  if (inputType.getRank() < 3 || filterType.getRank() != inputType.getRank())
    return node.error("needs an input and a filter of one rank, at least 3");
  if (!filterType.hasStaticShape())
    return node.unsupported("a filter whose size is known only at run time");
  FailureOr<WindowAttributes> windows = importWindows(node, inputType, filterType.getShape().drop_front(2));
  FailureOr<Value> zero = alongDim(node, node.input(filterZero), 0, filterType.getRank());
  if (failed(windows) || failed(zero))
    return failure();
  if (!fitsOperand(*zero, filterType, -1))
    return node.error("the filter's zero point has neither one number nor one for each output channel");
  OpBuilder &builder = node.builder();
  FailureOr<nn::ConvOp> conv = node.create<nn::ConvOp>(
      node.input(input), node.input(filter), bias, node.input(inputZero),
      builder.getDenseI64ArrayAttr(windows->strides), builder.getDenseI64ArrayAttr(windows->dilations),
      builder.getDenseI64ArrayAttr(windows->pads), builder.getI64IntegerAttr(node.intAttr("group", 1)), UnitAttr());
  if (failed(conv))
    return failure();
  return nn::subtractZeroPoints(builder, *conv, *zero);
}

static LogicalResult importConvInteger(NodeImporter &node) {
  FailureOr<Value> result = convolveIntegers(node, 0, 1, 2, 3, Value());
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

static LogicalResult importQLinearConv(NodeImporter &node) {
  FailureOr<Value> result = convolveIntegers(node, 0, 3, 2, 5, node.input(8));
  if (failed(result))
    return failure();
  FailureOr<Value> scale = alongDim(node, node.input(4), 1, node.inputType(0).getRank());
  if (failed(scale))
    return failure();
  return becomesRequantized(node, *result, node.input(1), *scale, node.input(6), node.input(7));
}

void registerQuantization(ImportTable &table) {
  table.add({
      {"", "QuantizeLinear", 10, importQuantizeLinear},
      {"", "DequantizeLinear", 10, importDequantizeLinear},
      {"", "MatMulInteger", 10, importMatMulInteger},
      {"", "QLinearMatMul", 10, importQLinearMatMul},
      {"", "ConvInteger", 10, importConvInteger},
      {"", "QLinearConv", 10, importQLinearConv},
  });
}

} // namespace nncc::import
