//===- Normalization.cpp - normalisations and softmax of nn -------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Normalization.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Normalization.cpp.inc"

bool nncc::nn::broadcastsBehind(RankedTensorType parameter, RankedTensorType input, int64_t axis) {
  int64_t missing = input.getRank() - parameter.getRank();
  if (missing < 0 || parameter.getElementType() != input.getElementType())
    return false;
  for (int64_t i = 0; i < parameter.getRank(); ++i) {
    Dim size = Dim::of(parameter, i), wanted = Dim::of(input, i + missing);
    bool isOne = size.isStatic(1);
    if (!isOne && (i + missing < axis || (size != wanted && size.isStatic() && wanted.isStatic())))
      return false;
  }
  return true;
}

template <typename Adaptor>
static LogicalResult inferNorm(std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(loc, "axis ", axis, " does not fit ", input, " (C1)");
  for (Value parameter : {op.getScale(), op.getBias()})
    if (parameter && !broadcastsBehind(typeOf(parameter), input, axis))
      return emitOptionalError(loc, parameter.getType(), " does not broadcast to ", input, " from axis ", axis,
                               " on (C2)");
  results.push_back(input);
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                            SmallVectorImpl<Type> &results) {
  return inferNorm(loc, op, results);
}

LogicalResult RMSNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                          SmallVectorImpl<Type> &results) {
  return inferNorm(loc, op, results);
}
