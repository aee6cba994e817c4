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
