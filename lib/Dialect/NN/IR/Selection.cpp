//===- Selection.cpp - sorting, searching and scattering of nn ------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Selection.cpp.inc"

/// A parameter of an operator that has one element.
static LogicalResult checkSingle(std::optional<Location> loc, Value value, StringRef what) {
  RankedTensorType type = typeOf(value);
  if (type.getRank() <= 1 && type.hasStaticShape() && type.getNumElements() == 1)
    return success();
  return emitOptionalError(loc, "needs a ", what, " of one element, got ", type);
}

LogicalResult TopKOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), input.getRank(), loc);
  if (failed(axis) || failed(checkSingle(loc, op.getK(), "k")))
    return failure();
  std::optional<SmallVector<Dim>> elements = getShapeElements(op.getK());
  Dim k = elements ? elements->front() : Dim::unknown(), size = Dim::of(input, *axis);
  if (k.isStatic() && (k.getStatic() < 0 || (size.isStatic() && k.getStatic() > size.getStatic())))
    return emitOptionalError(loc, "k is ", k.getStatic(), ", the axis has ",
                             size.isStatic() ? std::to_string(size.getStatic()) : size.str(), " elements (C1)");
  SmallVector<Dim> dims = getDims(input);
  dims[*axis] = k;
  results.push_back(makeTensorType(dims, input.getElementType()));
  results.push_back(makeTensorType(dims, IntegerType::get(context, 64)));
  return success();
}

LogicalResult NonZeroOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor op,
                                          SmallVectorImpl<Type> &results) {
  results.push_back(
      makeTensorType({Dim(typeOf(op.getInput()).getRank()), Dim::unknown()}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult UniqueRowsOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,
                                             SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  if (input.getRank() != 2)
    return emitOptionalError(loc, "needs a matrix, got ", input);
  Type index = IntegerType::get(context, 64);
  results.push_back(makeTensorType(Dim::unknown(), index));
  results.push_back(makeTensorType(Dim::of(input, 0), index));
  results.push_back(makeTensorType(Dim::unknown(), index));
  return success();
}

LogicalResult CumulateOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                           SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  if (failed(checkSingle(loc, op.getAxis(), "axis")))
    return failure();
  if (op.getKind() != "sum" && op.getKind() != "prod")
    return emitOptionalError(loc, "kind is '", op.getKind(), "', not sum or prod");
  std::optional<SmallVector<int64_t>> axis = getConstantInts(op.getAxis());
  if (!input.getRank() || (axis && failed(normalizeAxis(axis->front(), input.getRank(), loc))))
    return input.getRank() ? failure() : emitOptionalError(loc, "needs at least one dim");
  results.push_back(input);
  return success();
}

LogicalResult NonMaxSuppressionOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,
                                                    SmallVectorImpl<Type> &results) {
  RankedTensorType boxes = typeOf(op.getBoxes()), scores = typeOf(op.getScores());
  if (boxes.getRank() != 3 || scores.getRank() != 3)
    return emitOptionalError(loc, "needs boxes and scores of three dims, got ", boxes, " and ", scores);
  if (!Type(boxes.getElementType()).isF32() || !Type(scores.getElementType()).isF32())
    return emitOptionalError(loc, "needs boxes and scores of f32, got ", boxes, " and ", scores);
  auto agree = [](const Dim &a, const Dim &b) { return !a.isStatic() || !b.isStatic() || a == b; };
  if (!agree(Dim::of(boxes, 2), 4) || !agree(Dim::of(boxes, 0), Dim::of(scores, 0)) ||
      !agree(Dim::of(boxes, 1), Dim::of(scores, 2)))
    return emitOptionalError(loc, "boxes ", boxes, " do not fit scores ", scores);
  if (failed(checkSingle(loc, op.getMaxBoxes(), "largest number of boxes")) ||
      failed(checkSingle(loc, op.getIouThreshold(), "threshold")) ||
      (op.getScoreThreshold() && failed(checkSingle(loc, op.getScoreThreshold(), "threshold"))))
    return failure();
  results.push_back(makeTensorType({Dim::unknown(), Dim(3)}, IntegerType::get(context, 64)));
  return success();
}
