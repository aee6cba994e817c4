//===- Tensor.cpp - constants, weights, reshapes and repetition to linalg ----------------------------------------------===//

#include "nncc/Dialect/NN/IR/Tensor.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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
    unsigned width = to.getIntOrFloatBitWidth();
    if (isa<FloatType>(from) && from != to)
      elements = cast<DenseFPElementsAttr>(elements).mapValues(
          to, [&](const APFloat &value) { return value.bitcastToAPInt().zext(width); });
    else if (from != to) // ui8 to i8: the same bits; i1 to i8: 0 and 1; small integers are numbers
      elements = elements.mapValues(to, [&](const APInt &value) {
        return isUnsigned(from) ? value.zextOrTrunc(width) : value.sextOrTrunc(width);
      });
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type, elements);
    return success();
  }
};

struct WeightLowering : Lowering<nn::WeightOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::WeightOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    RankedTensorType original = nn::typeOf(op.getResult());
    int64_t perByte = elementsInByte(original.getElementType());
    Type type = getTypeConverter()->convertType(op.getType());
    if (perByte > 1)
      type = RankedTensorType::get({int64_t(op.getLength())}, rewriter.getI8Type());
    Value file =
        exec::FileOp::create(rewriter, op.getLoc(), type, op.getFile(), op.getOffset(), op.getLength()).getResult();
    if (perByte > 1)
      file = unpackBytes(rewriter, op.getLoc(), file,
                         getAsIndexOpFoldResult(rewriter.getContext(), original.getShape()), original.getElementType());
    replace(op, file, rewriter);
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
  LogicalResult matchAndRewrite(nn::ShapeOfOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
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
  LogicalResult matchAndRewrite(nn::ReshapeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
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
        size = arith::SelectOp::create(b, loc, isZero,
                                       asIndex(b, loc, sizeOf(b, loc, op.getInput(), adaptor.getInput(), i)), size);
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
  LogicalResult matchAndRewrite(nn::TransposeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
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

//===----------------------------------------------------------------------------------------------------------------------===//
// Filling and repeating
//===----------------------------------------------------------------------------------------------------------------------===//

struct FullLowering : Lowering<nn::FullOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::FullOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Sizes sizes;
    for (int64_t i = 0, rank = nn::typeOf(op.getResult()).getRank(); i < rank; ++i)
      sizes.push_back(checkedSize(rewriter, loc, elementAsSize(rewriter, loc, op.getShape(), adaptor.getShape(), i),
                                  "a tensor is to have a negative size"));
    replace(op, fillTensor(rewriter, loc, sizes, onlyElement(rewriter, loc, adaptor.getValue())), rewriter);
    return success();
  }
};

struct ExpandLowering : Lowering<nn::ExpandOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ExpandOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), type = nn::typeOf(op.getResult());
    int64_t rank = type.getRank(), shapeRank = nn::typeOf(op.getShape()).getDimSize(0);
    SmallVector<nn::Dim> shape =
        nn::getShapeElements(op.getShape()).value_or(SmallVector<nn::Dim>(shapeRank, nn::Dim::unknown()));
    Sizes sizes;
    SmallVector<nn::Dim> dims;
    for (int64_t i = 0; i < rank; ++i) {
      int64_t own = i - (rank - input.getRank()), wanted = i - (rank - shapeRank);
      nn::Dim dim = own < 0 ? nn::Dim(1) : nn::Dim::of(input, own), other = wanted < 0 ? nn::Dim(1) : shape[wanted];
      OpFoldResult size = own < 0 ? OpFoldResult(rewriter.getIndexAttr(1))
                                  : sizeOf(rewriter, loc, op.getInput(), adaptor.getInput(), own);
      bool keeps = other.isStatic(1) || dim == other;
      if (!keeps) {
        OpFoldResult asked = elementAsSize(rewriter, loc, op.getShape(), adaptor.getShape(), wanted);
        size = dim.isStatic(1) ? checkedSize(rewriter, loc, asked, "a tensor is to have a negative size")
                               : broadcastSizeAtRunTime(rewriter, loc, {size, asked});
      }
      sizes.push_back(size);
      dims.push_back(keeps ? dim : nn::Dim::unknown());
    }
    // An unknown size that stays is not taken for one that may broadcast.
    SmallVector<AffineExpr> exprs;
    bool plain = true;
    for (int64_t i = 0; i < input.getRank(); ++i) {
      int64_t at = i + rank - input.getRank(), wanted = at - (rank - shapeRank);
      bool isOne = input.getDimSize(i) == 1;
      exprs.push_back(isOne ? rewriter.getAffineConstantExpr(0) : rewriter.getAffineDimExpr(at));
      plain &= isOne || !input.isDynamicDim(i) || wanted < 0 || shape[wanted].isStatic(1) ||
               dims[at] == nn::Dim::of(input, i);
    }
    LoopOperand operand = plain ? LoopOperand{adaptor.getInput(), AffineMap::get(rank, 0, exprs, rewriter.getContext())}
                                : broadcastOperand(rewriter, loc, op.getInput(), adaptor.getInput(), sizes, dims);
    replace(op,
            mapElements(rewriter, loc, sizes, convertElementType(type.getElementType()), operand,
                        [](OpBuilder &, Location, ValueRange values) { return values[0]; }),
            rewriter);
    return success();
  }
};

/// Dims r0, d0, r1, d1 ..: the input broadcast along the r, then each pair one dim.
struct TileLowering : Lowering<nn::TileOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::TileOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t rank = input.getRank();
    Sizes wide, sizes;
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < rank; ++i) {
      OpFoldResult repeat =
          checkedSize(rewriter, loc, elementAsSize(rewriter, loc, op.getRepeats(), adaptor.getRepeats(), i),
                      "a tensor is to be repeated a negative number of times");
      OpFoldResult size = sizeOf(rewriter, loc, op.getInput(), adaptor.getInput(), i);
      wide.append({repeat, size});
      sizes.push_back(mulSizes(rewriter, loc, repeat, size));
      exprs.push_back(rewriter.getAffineDimExpr(2 * i + 1));
    }
    Value repeated =
        mapElements(rewriter, loc, wide, convertElementType(input.getElementType()),
                    LoopOperand{adaptor.getInput(), AffineMap::get(2 * rank, 0, exprs, rewriter.getContext())},
                    [](OpBuilder &, Location, ValueRange values) { return values[0]; });
    replace(op, reshapeTensor(rewriter, loc, repeated, sizes), rewriter);
    return success();
  }
};

struct RangeLowering : Lowering<nn::RangeOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::RangeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = nn::typeOf(op.getStart()).getElementType();
    Value start = onlyElement(rewriter, loc, adaptor.getStart()),
          delta = onlyElement(rewriter, loc, adaptor.getDelta());
    nn::Dim known = nn::Dim::of(nn::typeOf(op.getResult()), 0);
    OpFoldResult count = known.isUnknown() ? countAtRunTime(op, adaptor, start, delta, type, rewriter)
                                           : materialize(rewriter, loc, known);
    Value result = generateElements(
        rewriter, loc, count, start.getType(), [&](OpBuilder &b, Location l, ValueRange point) -> Value {
          Value index = arith::IndexCastOp::create(b, l, b.getI64Type(), point[0]);
          Value step = castScalar(b, l, index, b.getI64Type(), type);
          if (isa<FloatType>(type))
            return arith::AddFOp::create(b, l, start, arith::MulFOp::create(b, l, step, delta));
          return arith::AddIOp::create(b, l, start, arith::MulIOp::create(b, l, step, delta));
        });
    replace(op, result, rewriter);
    return success();
  }

private:
  static OpFoldResult countAtRunTime(nn::RangeOp op, OpAdaptor adaptor, Value start, Value delta, Type type,
                                     OpBuilder &b) {
    Location loc = op.getLoc();
    Value limit = onlyElement(b, loc, adaptor.getLimit());
    Value zero = constantIndex(b, loc, 0), count;
    if (isa<FloatType>(type)) {
      Type wide = b.getF64Type();
      auto widen = [&](Value value) { return castScalar(b, loc, value, type, wide); };
      Value span = arith::SubFOp::create(b, loc, widen(limit), widen(start));
      Value steps = math::CeilOp::create(b, loc, arith::DivFOp::create(b, loc, span, widen(delta)));
      count = arith::IndexCastOp::create(b, loc, b.getIndexType(), castScalar(b, loc, steps, wide, b.getI64Type()));
    } else {
      auto widen = [&](Value value) {
        return arith::IndexCastOp::create(b, loc, b.getIndexType(), castScalar(b, loc, value, type, b.getI64Type()))
            .getResult();
      };
      Value by = widen(delta), span = arith::SubIOp::create(b, loc, widen(limit), widen(start));
      Value byZero = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, by, zero);
      count = b.createOrFold<arith::SelectOp>(loc, byZero, zero, countSteps(b, loc, span, by));
    }
    return arith::MaxSIOp::create(b, loc, count, zero).getResult();
  }
};
} // namespace

void populateTensor(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConstantLowering, WeightLowering, FoldedLowering, ShapeOfLowering, ReshapeLowering, TransposeLowering,
               FullLowering, ExpandLowering, TileLowering, RangeLowering>(converter, patterns.getContext());
}

} // namespace nncc
