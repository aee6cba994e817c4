//===- MatMul.cpp - matrix products of nn ---------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/MatMul.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/MatMul.cpp.inc"

FailureOr<Type> nncc::nn::inferProductType(std::optional<Location> loc, Type left, Type right) {
  auto isNarrow = [](Type type) {
    auto integer = dyn_cast<IntegerType>(type);
    return integer && (integer.getWidth() == 8 || integer.getWidth() == 16);
  };
  if (isNarrow(left) && isNarrow(right))
    return Type(IntegerType::get(left.getContext(), 32));
  if (left != right)
    return emitOptionalError(loc, "element types differ: ", left, " and ", right);
  return left;
}

LogicalResult MatMulOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &results) {
  RankedTensorType lhs = typeOf(op.getLhs()), rhs = typeOf(op.getRhs());
  FailureOr<Type> element = inferProductType(loc, lhs.getElementType(), rhs.getElementType());
  if (failed(element))
    return failure();
  if (lhs.getRank() < 2 || rhs.getRank() < 2)
    return emitOptionalError(loc, "needs two matrices (C1), got ", lhs, " and ", rhs);
  SmallVector<Dim> left = getDims(lhs), right = getDims(rhs);
  Dim m = left[lhs.getRank() - 2], k = left.back(), otherK = right[rhs.getRank() - 2], n = right.back();
  if (k.isStatic() && otherK.isStatic() && k != otherK)
    return emitOptionalError(loc, "inner sizes differ (C1): ", k.getStatic(), " and ", otherK.getStatic());
  left.pop_back_n(2);
  right.pop_back_n(2);
  FailureOr<SmallVector<Dim>> dims = broadcastShapes({left, right}, loc);
  if (failed(dims))
    return failure();
  dims->push_back(m);
  dims->push_back(n);
  results.push_back(makeTensorType(*dims, *element));
  return success();
}

LogicalResult DetOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  SmallVector<Dim> dims = getDims(input);
  if (dims.size() < 2)
    return emitOptionalError(loc, "needs square matrices, got ", input, " (C1)");
  Dim columns = dims.pop_back_val(), rows = dims.pop_back_val();
  if (rows.isStatic() && columns.isStatic() && rows != columns)
    return emitOptionalError(loc, "needs square matrices, got ", input, " (C1)");
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}

LogicalResult DftOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &results) {
  RankedTensorType input = typeOf(op.getInput());
  int64_t rank = input.getRank(), parts = rank ? input.getShape().back() : 0;
  if (rank < 2 || (parts != 1 && parts != 2))
    return emitOptionalError(loc, "needs a signal whose last dim is 1 or 2, got ", input);
  if (!llvm::is_contained({"forward", "half", "inverse", "real"}, op.getKind()))
    return emitOptionalError(loc, "kind is '", op.getKind(), "', not forward, half, inverse or real");
  for (Value parameter : {op.getLength(), op.getAxis()})
    if (typeOf(parameter).getRank() > 1 || !typeOf(parameter).hasStaticShape() ||
        typeOf(parameter).getNumElements() != 1)
      return emitOptionalError(loc, "needs an axis and a length of one element, got ", parameter.getType(), " (C1)");
  SmallVector<Dim> dims = getDims(input);
  dims.back() = op.getKind() == "real" ? 1 : 2;
  std::optional<SmallVector<int64_t>> axis = getConstantInts(op.getAxis());
  if (!axis) {
    std::fill(dims.begin(), dims.end() - 1, Dim::unknown());
  } else {
    int64_t at = axis->front() < 0 ? axis->front() + rank : axis->front();
    if (at < 0 || at >= rank - 1)
      return emitOptionalError(loc, "axis ", axis->front(), " is none of a signal of ", rank, " dims (C1)");
    std::optional<SmallVector<Dim>> elements = getShapeElements(op.getLength());
    Dim length = elements ? elements->front() : Dim::unknown();
    if (length.isStatic() && length.getStatic() < 1)
      return emitOptionalError(loc, "transforms ", length.getStatic(), " elements (C1)");
    dims[at] = op.getKind() == "half" ? length.floorDiv(2) + 1 : length;
  }
  results.push_back(makeTensorType(dims, input.getElementType()));
  return success();
}
