//===- Elementwise.cpp - elementwise ops of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Elementwise.cpp.inc"

LogicalResult WhereOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                        SmallVectorImpl<Type> &results) {
  return inferBroadcast(loc, op.getOperands(), op.getOperands().drop_front(), {}, results);
}

LogicalResult CastOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  if (op.getRounding() != "up" && op.getRounding() != "down" && op.getRounding() != "nearest")
    return emitOptionalError(loc, "rounds '", op.getRounding(), "', not up, down or nearest (C4)");
  results.push_back(withElementType(op.getInput().getType(), op.getTo()));
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? OpFoldResult(getInput()) : OpFoldResult();
}

LogicalResult GeluOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &results) {
  if (op.getKind() != "erf" && op.getKind() != "tanh")
    return emitOptionalError(loc, "kind is '", op.getKind(), "', not erf or tanh");
  results.push_back(op.getInput().getType());
  return success();
}

/// Bits of an element in memory.
static unsigned storedBits(Type type) { return type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth(); }

LogicalResult BitcastOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor op,
                                          SmallVectorImpl<Type> &results) {
  Type from = getElementTypeOrSelf(op.getInput()), to = op.getTo();
  if (!from.isIntOrFloat() || !to.isIntOrFloat() || storedBits(from) != storedBits(to))
    return emitOptionalError(loc, "cannot take the bits of ", from, " for ", to, " (C1)");
  results.push_back(withElementType(op.getInput().getType(), to));
  return success();
}
