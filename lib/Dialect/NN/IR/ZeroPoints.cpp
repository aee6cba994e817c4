//===- ZeroPoints.cpp - products of integers that have zero points --------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/ZeroPoints.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

bool isZero(Value zeroPoint) {
  if (!zeroPoint)
    return true;
  DenseElementsAttr elements = getConstant(zeroPoint);
  return elements && llvm::all_of(elements.getValues<APInt>(), [](const APInt &element) { return element.isZero(); });
}

static Value toI32(OpBuilder &b, Location loc, Value value) {
  return b.createOrFold<CastOp>(loc, withElementType(value.getType(), b.getI32Type()), value, b.getI32Type(), true);
}

/// The sums of `value` less its zero point along some axes, in i32.
static Value sumCentred(OpBuilder &b, Location loc, Value value, Value zeroPoint, ArrayRef<int64_t> axes,
                        bool keepdims) {
  Value wide = toI32(b, loc, value);
  if (!isZero(zeroPoint))
    wide = SubOp::create(b, loc, wide, toI32(b, loc, zeroPoint));
  return ReduceOp::create(b, loc, wide, axes, keepdims, "sum");
}

/// A filter of ones: with it a convolution sums what the window sees.
static Value createOnes(OpBuilder &b, Location loc, ConvOp conv) {
  RankedTensorType type = typeOf(conv.getFilter());
  SmallVector<int64_t> shape(type.getShape());
  if (conv.getGroups() == 1)
    shape[0] = 1;
  auto ones = RankedTensorType::get(shape, type.getElementType());
  APInt one(type.getElementTypeBitWidth(), 1);
  return ConstantOp::create(b, loc, DenseElementsAttr::get(ones, one));
}

/// O x 1 x .. -> O x 1 x .. of one dim less, which broadcasts against N x O x ...
static Value alongChannels(OpBuilder &b, Location loc, Value zeroPoint) {
  RankedTensorType type = typeOf(zeroPoint);
  if (type.getRank() <= 1)
    return zeroPoint;
  auto shapeType = RankedTensorType::get({type.getRank() - 1}, b.getI64Type());
  auto shape = ConstantOp::create(b, loc, DenseElementsAttr::get(shapeType, type.getShape().drop_back()));
  return ReshapeOp::create(b, loc, zeroPoint, shape);
}

Value subtractZeroPoints(OpBuilder &b, ConvOp conv, Value filterZero) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(conv);
  Location loc = conv.getLoc();
  if (!isZero(conv.getOutside())) {
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, typeOf(conv.getFilter()).getRank()));
    Value weights = sumCentred(b, loc, conv.getFilter(), filterZero, axes, /*keepdims=*/false);
    Value surplus = MulOp::create(b, loc, weights, toI32(b, loc, conv.getOutside()));
    Value bias = conv.getBias() ? SubOp::create(b, loc, conv.getBias(), surplus).getResult()
                                : NegOp::create(b, loc, surplus).getResult();
    conv.getBiasMutable().assign(bias);
  }
  if (isZero(filterZero))
    return conv;
  auto windows = ConvOp::create(b, loc, conv.getInput(), createOnes(b, loc, conv), /*bias=*/Value(), conv.getOutside(),
                                conv.getStridesAttr(), conv.getDilationsAttr(), conv.getPadsAttr(),
                                conv.getGroupsAttr(), UnitAttr());
  Value surplus = MulOp::create(b, loc, windows, toI32(b, loc, alongChannels(b, loc, filterZero)));
  b.setInsertionPointAfter(conv);
  return SubOp::create(b, loc, conv, surplus);
}

Value subtractZeroPoints(OpBuilder &b, MatMulOp matmul, Value lhsZero, Value rhsZero) {
  Location loc = matmul.getLoc();
  Value result = matmul, lhs = matmul.getLhs(), rhs = matmul.getRhs();
  if (!isZero(lhsZero)) {
    Value columns = sumCentred(b, loc, rhs, rhsZero, {typeOf(rhs).getRank() - 2}, /*keepdims=*/true);
    result = SubOp::create(b, loc, result, MulOp::create(b, loc, columns, toI32(b, loc, lhsZero)));
  }
  if (!isZero(rhsZero)) {
    Value rows = sumCentred(b, loc, lhs, Value(), {typeOf(lhs).getRank() - 1}, /*keepdims=*/true);
    result = SubOp::create(b, loc, result, MulOp::create(b, loc, rows, toI32(b, loc, rhsZero)));
  }
  return result;
}

} // namespace nncc::nn
