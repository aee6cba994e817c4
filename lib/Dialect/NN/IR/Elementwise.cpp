//===- Elementwise.cpp - elementwise ops of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Elementwise.cpp.inc"

/// The result broadcasts `values` and has elements of `elementType`; those of `sameElement` must agree among themselves.
static LogicalResult inferBroadcast(std::optional<Location> loc, ValueRange values, ValueRange sameElement, Type elementType,
                                    SmallVectorImpl<Type> &results) {
  for (Value value : sameElement)
    if (getElementTypeOrSelf(value) != getElementTypeOrSelf(sameElement.front()))
      return emitOptionalError(loc, "element types differ: ", getElementTypeOrSelf(sameElement.front()), " and ",
                               getElementTypeOrSelf(value));
  SmallVector<SmallVector<Dim>> shapes = llvm::map_to_vector(values, [](Value value) { return getDims(typeOf(value)); });
  FailureOr<SmallVector<Dim>> shape = broadcastShapes(shapes, loc);
  if (failed(shape))
    return failure();
  results.push_back(makeTensorType(*shape, elementType));
  return success();
}

#define NNCC_UNARY(OP)                                                                                                         \
  LogicalResult OP::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op, SmallVectorImpl<Type> &results) {       \
    results.push_back(op.getInput().getType());                                                                               \
    return success();                                                                                                         \
  }
NNCC_UNARY(NegOp)
NNCC_UNARY(AbsOp)
NNCC_UNARY(ExpOp)
NNCC_UNARY(TanhOp)
NNCC_UNARY(SqrtOp)
NNCC_UNARY(ReluOp)
NNCC_UNARY(SigmoidOp)
#undef NNCC_UNARY

#define NNCC_BINARY(OP)                                                                                                        \
  LogicalResult OP::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {   \
    return inferBroadcast(loc, op.getOperands(), op.getOperands(), getElementTypeOrSelf(op.getLhs()), results);               \
  }
NNCC_BINARY(AddOp)
NNCC_BINARY(SubOp)
NNCC_BINARY(MulOp)
NNCC_BINARY(DivOp)
#undef NNCC_BINARY

#define NNCC_COMPARE(OP)                                                                                                       \
  LogicalResult OP::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor op,                             \
                                     SmallVectorImpl<Type> &results) {                                                        \
    return inferBroadcast(loc, op.getOperands(), op.getOperands(), IntegerType::get(context, 1), results);                    \
  }
NNCC_COMPARE(LessOp)
#undef NNCC_COMPARE

LogicalResult WhereOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op, SmallVectorImpl<Type> &results) {
  return inferBroadcast(loc, op.getOperands(), op.getOperands().drop_front(), getElementTypeOrSelf(op.getLhs()), results);
}

LogicalResult CastOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op, SmallVectorImpl<Type> &results) {
  results.push_back(makeTensorType(getDims(typeOf(op.getInput())), op.getTo()));
  return success();
}
