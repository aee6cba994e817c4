//===- Tensor.cpp - constants, weights, and the movement of data in nn ----------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Tensor.cpp.inc"

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {
  auto type = dyn_cast<RankedTensorType>(op.getValue().getShapedType());
  if (!type)
    return emitOptionalError(loc, "needs a ranked tensor");
  results.push_back(type);
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

LogicalResult WeightOp::verify() {
  RankedTensorType type = typeOf(getResult());
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return emitOpError("needs a static shape and numbers (C1), got ") << type;
  int64_t bytes = (type.getNumElements() * type.getElementTypeBitWidth() + 7) / 8;
  if (type.getElementType().isInteger(1))
    bytes = type.getNumElements(); // ONNX stores a bool in a byte
  if (bytes != int64_t(getLength()))
    return emitOpError("has ") << getLength() << " bytes, its type needs " << bytes << " (C1)";
  return success();
}

LogicalResult ShapeOfOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor op, SmallVectorImpl<Type> &results) {
  results.push_back(RankedTensorType::get({typeOf(op.getInput()).getRank()}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput()), shape = typeOf(op.getShape());
  if (shape.getRank() != 1 || shape.isDynamicDim(0))
    return emitOptionalError(loc, "needs a shape of known length, got ", shape);
  std::optional<SmallVector<Dim>> sizes = getShapeElements(op.getShape());
  if (!sizes)
    sizes = SmallVector<Dim>(shape.getDimSize(0), Dim::unknown());
  std::optional<size_t> rest;
  Dim known(1), total(1);
  for (const Dim &dim : getDims(input))
    total = total * dim;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    if (size.isStatic(0) && !op.getAllowzero()) {
      if (int64_t(i) >= input.getRank())
        return emitOptionalError(loc, "shape has 0 for dim ", i, " of an input of rank ", input.getRank());
      size = Dim::of(input, i);
    }
    if (size.isStatic(-1)) {
      if (rest)
        return emitOptionalError(loc, "shape has more than one -1");
      rest = i;
      continue;
    }
    if (size.isStatic() && size.getStatic() < 0)
      return emitOptionalError(loc, "shape has the size ", size.getStatic());
    known = known * size;
  }
  if (rest)
    (*sizes)[*rest] = known.isStatic(0) ? Dim(0) : total.floorDiv(known);
  if (known.isStatic() && total.isStatic() &&
      (rest ? known.getStatic() != 0 && total.getStatic() % known.getStatic() != 0 : known.getStatic() != total.getStatic()))
    return emitOptionalError(loc, "cannot reshape ", input, ": ", total.getStatic(), " elements do not fit a shape of ",
                             known.getStatic(), rest ? " times a whole number (C1)" : " (C1)");
  results.push_back(makeTensorType(*sizes, input.getElementType()));
  return success();
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  SmallVector<bool> seen(input.getRank(), false);
  SmallVector<Dim> dims;
  for (int64_t axis : op.getPermutation()) {
    if (axis < 0 || axis >= input.getRank() || seen[axis])
      return emitOptionalError(loc, "permutation [", op.getPermutation(), "] does not fit rank ", input.getRank());
    seen[axis] = true;
    dims.push_back(Dim::of(input, axis));
  }
  if (int64_t(dims.size()) != input.getRank())
    return emitOptionalError(loc, "permutation [", op.getPermutation(), "] does not fit rank ", input.getRank());
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {
  if (op.getInputs().empty())
    return emitOptionalError(loc, "needs at least one operand");
  RankedTensorType first = typeOf(op.getInputs().front());
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), first.getRank(), loc);
  if (failed(axis))
    return failure();
  SmallVector<Dim> dims = getDims(first);
  for (Value input : op.getInputs().drop_front()) {
    RankedTensorType type = typeOf(input);
    if (type.getRank() != first.getRank() || type.getElementType() != first.getElementType())
      return emitOptionalError(loc, "cannot concatenate ", first, " and ", type);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      Dim dim = Dim::of(type, i);
      if (i == *axis)
        dims[i] = dims[i] + dim;
      else if (dims[i].isStatic() && dim.isStatic() && dims[i] != dim)
        return emitOptionalError(loc, "cannot concatenate ", first, " and ", type, " along axis ", *axis);
      else if (dim.isStatic() || dims[i].isUnknown())
        dims[i] = dim;
    }
  }
  results.push_back(makeTensorType(dims, first.getElementType()));
  return success();
}
