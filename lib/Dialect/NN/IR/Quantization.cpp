//===- Quantization.cpp - quantised arithmetic of nn --------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Quantization.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Quantization.cpp.inc"

RankedTensorType nncc::nn::packedType(RankedTensorType type) {
  int64_t perByte = 8 / type.getElementTypeBitWidth();
  Dim count(1);
  for (const Dim &dim : getDims(type))
    count = count * dim;
  return makeTensorType({count.ceilDiv(perByte)}, IntegerType::get(type.getContext(), 8));
}

/// Both ops: the bytes of the elements.
static LogicalResult verifyPacked(Operation *op, RankedTensorType bytes, RankedTensorType elements) {
  Type type = elements.getElementType();
  unsigned width = type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 0;
  if (width != 4 && width != 2)
    return op->emitOpError("needs elements of 4 or 2 bits, got ") << elements;
  RankedTensorType wanted = packedType(elements);
  if (bytes.getRank() != 1 || failed(verifyCompatibleShape(bytes, wanted)))
    return op->emitOpError("needs ") << wanted << " for " << elements << ", got " << bytes << " (C1)";
  return success();
}

LogicalResult UnpackOp::verify() { return verifyPacked(*this, typeOf(getBytes()), typeOf(getResult())); }

LogicalResult PackOp::verify() { return verifyPacked(*this, typeOf(getBytes()), typeOf(getInput())); }

/// The type of the first operand, against which the others broadcast, with another element type.
static LogicalResult inferLikeInput(std::optional<Location> loc, ValueRange operands, Type element,
                                    SmallVectorImpl<Type> &results) {
  SmallVector<Type> broadcast;
  if (failed(inferBroadcast(loc, operands, operands.front(), element, broadcast)))
    return failure();
  auto input = typeOf(operands.front()), result = cast<RankedTensorType>(broadcast.front());
  if (result.getRank() != input.getRank())
    return emitOptionalError(loc, "has scales or zero points of more dims than ", input);
  for (int64_t i = 0; i < input.getRank(); ++i)
    if (input.getDimSize(i) == 1 && result.getDimSize(i) != 1)
      return emitOptionalError(loc, "has scales or zero points that do not broadcast against ", input);
  results.push_back(withElementType(input, element));
  return success();
}

/// C1 of nn.quantize.
static LogicalResult checkTarget(std::optional<Location> loc, Type to, Value zeroPoint) {
  auto integer = dyn_cast<IntegerType>(to);
  if (!integer || (integer.getWidth() != 8 && integer.getWidth() != 16))
    return emitOptionalError(loc, "quantises to ", to, ", not to an integer of 8 or 16 bits (C1)");
  if (zeroPoint && typeOf(zeroPoint).getElementType() != to)
    return emitOptionalError(loc, "quantises to ", to, " with a zero point of ", zeroPoint.getType(), " (C1)");
  return success();
}

LogicalResult QuantizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  Type input = typeOf(op.getInput()).getElementType(), scale = typeOf(op.getScale()).getElementType();
  if (input != scale)
    return emitOptionalError(loc, "divides ", input, " by a scale of ", scale, " (C2)");
  if (failed(checkTarget(loc, op.getTo(), op.getZeroPoint())))
    return failure();
  return inferLikeInput(loc, op.getOperands(), op.getTo(), results);
}

LogicalResult DequantizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  Type input = typeOf(op.getInput()).getElementType();
  unsigned width = input.getIntOrFloatBitWidth();
  if (width != 8 && width != 16 && width != 32)
    return emitOptionalError(loc, "needs integers of 8, 16 or 32 bits (C1), got ", input);
  if (op.getZeroPoint() && typeOf(op.getZeroPoint()).getElementType() != input)
    return emitOptionalError(loc, "has ", input, " with a zero point of ", op.getZeroPoint().getType(), " (C1)");
  return inferLikeInput(loc, op.getOperands(), typeOf(op.getScale()).getElementType(), results);
}

LogicalResult RequantizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  if (!typeOf(op.getInput()).getElementType().isInteger(32))
    return emitOptionalError(loc, "needs i32 (C1), got ", op.getInput().getType());
  if (failed(checkTarget(loc, op.getTo(), op.getZeroPoint())))
    return failure();
  return inferLikeInput(loc, op.getOperands(), op.getTo(), results);
}
