//===- Vision.cpp - resizing and boxes of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Vision.cpp.inc"

LogicalResult ResampleOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), indices = typeOf(op.getIndices());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(loc, "axis ", axis, " does not fit ", input, " (C1)");
  if (indices.getRank() != 2)
    return emitOptionalError(loc, "needs a table of indices, got ", indices, " (C1)");
  if (op.getWeights()) {
    RankedTensorType weights = typeOf(op.getWeights());
    if (weights.getRank() != 2 || failed(verifyCompatibleShape(weights.getShape(), indices.getShape())))
      return emitOptionalError(loc, "weights ", weights, " do not fit indices ", indices, " (C1)");
  } else if (indices.getDimSize(0) != 1) {
    return emitOptionalError(loc, "needs weights for more than one index an element (C1)");
  }
  SmallVector<Dim> dims = getDims(input);
  dims[axis] = Dim::of(indices, 1);
  if (input.getDimSize(axis) == 0 && !dims[axis].isStatic(0))
    return emitOptionalError(loc, "has nothing to take from the empty axis ", axis, " (C2)");
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}
