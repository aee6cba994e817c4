//===- Tensor.cpp - constants, weights and the movement of data to linalg -------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Tensor.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

struct ConstantLowering : Lowering<nn::ConstantOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ConstantOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
    auto type = dyn_cast_or_null<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (!elements || !type || !type.getElementType().isIntOrFloat())
      return rewriter.notifyMatchFailure(op, "elements are not dense numbers");
    Type from = elements.getElementType(), to = type.getElementType();
    if (from != to) { // ui8 to i8: the same bits; i1 to i8: 0 and 1
      unsigned width = to.getIntOrFloatBitWidth();
      elements = elements.mapValues(to, [&](const APInt &value) { return value.zextOrTrunc(width); });
    }
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type, elements);
    return success();
  }
};

struct WeightLowering : Lowering<nn::WeightOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::WeightOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<exec::FileOp>(op, getTypeConverter()->convertType(op.getType()), op.getFile(), op.getOffset(),
                                              op.getLength());
    return success();
  }
};

struct FoldedLowering : Lowering<nn::FoldedOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::FoldedOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<exec::WeightOp>(op, getTypeConverter()->convertType(op.getType()), op.getIndex());
    return success();
  }
};

struct ShapeOfLowering : Lowering<nn::ShapeOfOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ShapeOfOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<Value> elements;
    for (OpFoldResult size : sizesOf(rewriter, op.getLoc(), op.getInput(), adaptor.getInput()))
      elements.push_back(rewriter.createOrFold<arith::IndexCastOp>(op.getLoc(), rewriter.getI64Type(),
                                                                   asIndex(rewriter, op.getLoc(), size)));
    if (elements.empty())
      rewriter.replaceOp(op, emptyTensor(rewriter, op.getLoc(), {rewriter.getIndexAttr(0)}, type.getElementType()));
    else
      replace(op, tensor::FromElementsOp::create(rewriter, op.getLoc(), type, elements).getResult(), rewriter);
    return success();
  }
};

struct ReshapeLowering : Lowering<nn::ReshapeOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ReshapeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Sizes sizes = resultSizes(op, adaptor, rewriter);
    replace(op, reshapeTensor(rewriter, op.getLoc(), adaptor.getInput(), sizes), rewriter);
    return success();
  }

private:
  /// Sizes that inference knows, else from the elements of `shape`: 0 copies, -1 is what is left, and the product must fit.
  static Sizes resultSizes(nn::ReshapeOp op, OpAdaptor adaptor, OpBuilder &b) {
    Location loc = op.getLoc();
    RankedTensorType type = nn::typeOf(op.getResult()), input = nn::typeOf(op.getInput());
    Sizes sizes;
    bool known = true;
    for (const nn::Dim &dim : nn::getDims(type)) {
      known &= !dim.isUnknown();
      sizes.push_back(dim.isUnknown() ? OpFoldResult() : materialize(b, loc, dim));
    }
    if (known)
      return sizes;
    Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1), minusOne = constantIndex(b, loc, -1);
    Value total = one, product = one;
    for (OpFoldResult size : sizesOf(b, loc, op.getInput(), adaptor.getInput()))
      total = b.createOrFold<arith::MulIOp>(loc, total, asIndex(b, loc, size));
    SmallVector<Value> isRest(sizes.size());
    for (int64_t i = 0; i < int64_t(sizes.size()); ++i) {
      Value size = sizes[i] ? asIndex(b, loc, sizes[i])
                            : asIndex(b, loc, elementAsSize(b, loc, op.getShape(), adaptor.getShape(), i));
      if (!sizes[i] && !op.getAllowzero() && i < input.getRank()) {
        Value isZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, size, zero);
        size = arith::SelectOp::create(b, loc, isZero, asIndex(b, loc, sizeOf(b, loc, op.getInput(), adaptor.getInput(), i)), size);
      }
      if (!sizes[i]) {
        isRest[i] = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, size, minusOne);
        product = arith::MulIOp::create(b, loc, product, arith::SelectOp::create(b, loc, isRest[i], one, size));
      } else {
        product = arith::MulIOp::create(b, loc, product, size);
      }
      sizes[i] = size;
    }
    Value productIsZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, product, zero);
    Value divisor = arith::SelectOp::create(b, loc, productIsZero, one, product);
    Value rest = arith::SelectOp::create(b, loc, productIsZero, zero, arith::DivSIOp::create(b, loc, total, divisor));
    Value newTotal = one;
    Value allValid = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    for (auto [size, restHere] : llvm::zip_equal(sizes, isRest)) {
      Value value = asIndex(b, loc, size);
      if (restHere)
        value = arith::SelectOp::create(b, loc, restHere, rest, value);
      Value valid = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, value, zero);
      allValid = arith::AndIOp::create(b, loc, allValid, valid);
      newTotal = b.createOrFold<arith::MulIOp>(loc, newTotal, value);
      if (restHere)
        size = value;
    }
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, newTotal, total);
    exec::CheckOp::create(b, loc, arith::AndIOp::create(b, loc, fits, allValid),
                          b.getStringAttr("the new shape has another number of elements than the tensor"));
    return sizes;
  }
};

struct TransposeLowering : Lowering<nn::TransposeOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::TransposeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Sizes sizes, inputSizes = sizesOf(rewriter, op.getLoc(), op.getInput(), adaptor.getInput());
    SmallVector<AffineExpr> exprs(inputSizes.size());
    for (auto [i, axis] : llvm::enumerate(op.getPermutation())) {
      sizes.push_back(inputSizes[axis]);
      exprs[axis] = rewriter.getAffineDimExpr(i);
    }
    auto map = AffineMap::get(inputSizes.size(), 0, exprs, rewriter.getContext());
    Type elementType = cast<RankedTensorType>(adaptor.getInput().getType()).getElementType();
    replace(op,
            mapElements(rewriter, op.getLoc(), sizes, elementType, {{adaptor.getInput(), map}},
                        [](OpBuilder &, Location, ValueRange values) { return values[0]; }),
            rewriter);
    return success();
  }
};

} // namespace

void populateTensor(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConstantLowering, WeightLowering, FoldedLowering, ShapeOfLowering, ReshapeLowering, TransposeLowering>(
      converter, patterns.getContext());
}

} // namespace nncc
