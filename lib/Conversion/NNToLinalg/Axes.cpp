//===- Axes.cpp - shapes whose axes are known at run time -----------------------------------------------------------------===//

#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc {
namespace {

/// Whether the schedule finds `index` among the axes of a tensor of `rank` dims.
SmallVector<Value> axisFlags(OpBuilder &b, Location loc, Value original, Value converted, int64_t rank) {
  Value rankValue = constantIndex(b, loc, rank), zero = constantIndex(b, loc, 0);
  SmallVector<Value> flags(rank, arith::ConstantOp::create(b, loc, b.getBoolAttr(false)).getResult());
  for (int64_t k = 0, count = nn::typeOf(original).getNumElements(); k < count; ++k) {
    Value axis = asIndex(b, loc, elementAsSize(b, loc, original, converted, k));
    Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, axis, zero);
    axis = arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, axis, rankValue), axis);
    exec::CheckOp::create(b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, axis, rankValue),
                          b.getStringAttr("an axis is out of range"));
    for (int64_t i = 0; i < rank; ++i) {
      Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, axis, constantIndex(b, loc, i));
      Value twice = arith::AndIOp::create(b, loc, here, flags[i]);
      Value once = arith::XOrIOp::create(b, loc, twice, arith::ConstantOp::create(b, loc, b.getBoolAttr(true)));
      exec::CheckOp::create(b, loc, once, b.getStringAttr("an axis is stated twice"));
      flags[i] = arith::OrIOp::create(b, loc, flags[i], here);
    }
  }
  return flags;
}

/// The elements as a 1-D tensor.
Value fromElements(OpBuilder &b, Location loc, ArrayRef<Value> elements, Type elementType) {
  if (elements.empty())
    return emptyTensor(b, loc, OpFoldResult(b.getIndexAttr(0)), elementType);
  return tensor::FromElementsOp::create(b, loc, RankedTensorType::get({int64_t(elements.size())}, elementType),
                                        elements);
}

/// Element `k` of the result is the k-th size that is not dropped.
struct DropAxesLowering : Lowering<nn::DropAxesOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::DropAxesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t rank = nn::typeOf(op.getShape()).getDimSize(0), count = nn::typeOf(op.getResult()).getDimSize(0);
    Type elementType = cast<RankedTensorType>(adaptor.getShape().getType()).getElementType();
    SmallVector<Value> dropped = axisFlags(rewriter, loc, op.getAxes(), adaptor.getAxes(), rank);
    Value zero = constantIndex(rewriter, loc, 0), one = constantIndex(rewriter, loc, 1), place = zero;
    SmallVector<Value> elements(count, constantOf(rewriter, loc, elementType, 0));
    for (int64_t i = 0; i < rank; ++i) {
      Value size = readElement(rewriter, loc, adaptor.getShape(), i);
      for (int64_t k = 0; k < count; ++k) {
        Value here =
            arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, place, constantIndex(rewriter, loc, k));
        Value other = arith::SelectOp::create(rewriter, loc, here, size, elements[k]);
        elements[k] = arith::SelectOp::create(rewriter, loc, dropped[i], elements[k], other);
      }
      place =
          arith::AddIOp::create(rewriter, loc, place, arith::SelectOp::create(rewriter, loc, dropped[i], zero, one));
    }
    rewriter.replaceOp(op, fromElements(rewriter, loc, elements, elementType));
    return success();
  }
};

/// Element `i` of the result is 1, or the next size of the shape.
struct InsertAxesLowering : Lowering<nn::InsertAxesOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::InsertAxesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t count = nn::typeOf(op.getShape()).getDimSize(0), rank = nn::typeOf(op.getResult()).getDimSize(0);
    Type elementType = cast<RankedTensorType>(adaptor.getShape().getType()).getElementType();
    SmallVector<Value> inserted = axisFlags(rewriter, loc, op.getAxes(), adaptor.getAxes(), rank);
    Value zero = constantIndex(rewriter, loc, 0), one = constantIndex(rewriter, loc, 1), place = zero;
    Value unit = constantOf(rewriter, loc, elementType, 1);
    SmallVector<Value> elements;
    for (int64_t i = 0; i < rank; ++i) {
      Value size = unit;
      for (int64_t k = 0; k < count; ++k) {
        Value here =
            arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, place, constantIndex(rewriter, loc, k));
        size = arith::SelectOp::create(rewriter, loc, here, readElement(rewriter, loc, adaptor.getShape(), k), size);
      }
      elements.push_back(arith::SelectOp::create(rewriter, loc, inserted[i], unit, size));
      place =
          arith::AddIOp::create(rewriter, loc, place, arith::SelectOp::create(rewriter, loc, inserted[i], zero, one));
    }
    rewriter.replaceOp(op, fromElements(rewriter, loc, elements, elementType));
    return success();
  }
};

} // namespace

void populateAxes(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<DropAxesLowering, InsertAxesLowering>(converter, patterns.getContext());
}

} // namespace nncc
