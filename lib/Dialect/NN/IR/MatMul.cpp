//===- MatMul.cpp - matrix products of nn ---------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/MatMul.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/MatMul.cpp.inc"

LogicalResult MatMulOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                         SmallVectorImpl<Type> &results) {
  RankedTensorType lhs = typeOf(op.getLhs()), rhs = typeOf(op.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return emitOptionalError(loc, "element types differ: ", lhs.getElementType(), " and ", rhs.getElementType());
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
  results.push_back(makeTensorType(*dims, lhs.getElementType()));
  return success();
}
