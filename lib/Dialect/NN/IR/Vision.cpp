//===- Vision.cpp - resizing and boxes of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Vision.cpp.inc"

LogicalResult ResizeAxisOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(loc, "axis ", axis, " does not fit ", input, " (C1)");
  if (!llvm::is_contained({"nearest", "linear", "cubic"}, op.getMode()))
    return emitOptionalError(loc, "mode is '", op.getMode(), "', not nearest, linear or cubic");
  if (!llvm::is_contained({"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                           "tf_crop_and_resize"},
                          op.getCoordinates()))
    return emitOptionalError(loc, "coordinates are '", op.getCoordinates(), "', which nothing is called");
  if (!llvm::is_contained({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}, op.getRounding()))
    return emitOptionalError(loc, "rounding is '", op.getRounding(), "', which nothing is called");
  if (op.getCoordinates() == "tf_crop_and_resize" && !op.getRoi())
    return emitOptionalError(loc, "tf_crop_and_resize needs a range");
  for (Value parameter : {op.getSize(), op.getScale()})
    if (!typeOf(parameter).hasStaticShape() || typeOf(parameter).getNumElements() != 1)
      return emitOptionalError(loc, "size and scale need one element (C1)");
  SmallVector<Dim> dims = getDims(input);
  std::optional<SmallVector<Dim>> size = getShapeElements(op.getSize());
  dims[axis] = size ? size->front() : Dim::unknown();
  if (dims[axis].isStatic() && dims[axis].getStatic() < 0)
    return emitOptionalError(loc, "has the size ", dims[axis].getStatic());
  if (input.getDimSize(axis) == 0 && !dims[axis].isStatic(0))
    return emitOptionalError(loc, "has nothing to take from the empty axis ", axis);
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}
