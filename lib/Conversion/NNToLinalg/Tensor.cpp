//===- Tensor.cpp - constants, weights and the movement of data to linalg -------------------------------------------------===//

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

/// The only element of a tensor, read by the schedule.
Value onlyElement(OpBuilder &b, Location loc, Value converted) {
  return readElement(b, loc, converted, SmallVector<int64_t>(cast<RankedTensorType>(converted.getType()).getRank(), 0));
}

/// A size computed at run time must not be negative.
OpFoldResult checkedSize(OpBuilder &b, Location loc, OpFoldResult size, StringRef message) {
  if (getConstantIntValue(size))
    return size;
  Value value = asIndex(b, loc, size);
  Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, value, constantIndex(b, loc, 0));
  exec::CheckOp::create(b, loc, fits, b.getStringAttr(message));
  return value;
}

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

/// Steps of `by` that `span` takes, rounded up; not above 0 when they go opposite ways. A step of 0 counts as 1.
Value countSteps(OpBuilder &b, Location loc, Value span, Value by) {
  Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1), minusOne = constantIndex(b, loc, -1);
  Value forward = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sge, by, zero);
  Value isZero = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, by, zero);
  Value divisor = b.createOrFold<arith::SelectOp>(loc, isZero, one, by);
  // One less than a step, in the direction of the step, rounds a division towards zero up.
  Value almost =
      b.createOrFold<arith::SubIOp>(loc, divisor, b.createOrFold<arith::SelectOp>(loc, forward, one, minusOne));
  return b.createOrFold<arith::DivSIOp>(loc, b.createOrFold<arith::AddIOp>(loc, span, almost), divisor);
}

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

//===----------------------------------------------------------------------------------------------------------------------===//
// Slices, pads, concatenation
//===----------------------------------------------------------------------------------------------------------------------===//

struct SliceLowering : Lowering<nn::SliceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::SliceOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), type = nn::typeOf(op.getResult());
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    SmallVector<OpFoldResult> starts(input.getRank(), rewriter.getIndexAttr(0)),
        steps(input.getRank(), rewriter.getIndexAttr(1));
    for (auto [i, stated] : llvm::enumerate(op.getAxes())) {
      int64_t axis = stated < 0 ? stated + input.getRank() : stated;
      auto element = [&](Value original, Value converted) {
        return elementAsSize(rewriter, loc, original, converted, i);
      };
      Bounds bounds = clampBounds(rewriter, loc, sizes[axis], element(op.getStarts(), adaptor.getStarts()),
                                  element(op.getEnds(), adaptor.getEnds()), element(op.getSteps(), adaptor.getSteps()));
      nn::Dim known = nn::Dim::of(type, axis);
      sizes[axis] = known.isUnknown() ? bounds.count : materialize(rewriter, loc, known);
      starts[axis] = bounds.start;
      steps[axis] = bounds.step;
    }
    SmallVector<Value> startValues, stepValues;
    for (int64_t i = 0; i < input.getRank(); ++i) {
      startValues.push_back(asIndex(rewriter, loc, starts[i]));
      stepValues.push_back(asIndex(rewriter, loc, steps[i]));
    }
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()), adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) -> Value {
                                  SmallVector<Value> position;
                                  for (auto [i, index] : llvm::enumerate(point)) {
                                    Value offset = b.createOrFold<arith::MulIOp>(l, index, stepValues[i]);
                                    position.push_back(b.createOrFold<arith::AddIOp>(l, startValues[i], offset));
                                  }
                                  return memref::LoadOp::create(b, l, inputs[0], position);
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  struct Bounds {
    OpFoldResult start, step, count;
  };

  /// NumPy's rules for one axis, at run time where they are not numbers.
  static Bounds clampBounds(OpBuilder &b, Location loc, OpFoldResult size, OpFoldResult start, OpFoldResult end,
                            OpFoldResult step) {
    Value n = asIndex(b, loc, size), by = asIndex(b, loc, step), zero = constantIndex(b, loc, 0),
          one = constantIndex(b, loc, 1);
    if (!getConstantIntValue(step)) {
      Value notZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, by, zero);
      exec::CheckOp::create(b, loc, notZero, b.getStringAttr("a slice has a step of 0"));
    }
    Value forward = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sgt, by, zero);
    Value low = b.createOrFold<arith::SelectOp>(loc, forward, zero, constantIndex(b, loc, -1));
    Value high = b.createOrFold<arith::SelectOp>(loc, forward, n, b.createOrFold<arith::SubIOp>(loc, n, one));
    auto clamp = [&](OpFoldResult bound) {
      Value at = asIndex(b, loc, bound);
      Value negative = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, at, zero);
      at = b.createOrFold<arith::SelectOp>(loc, negative, b.createOrFold<arith::AddIOp>(loc, at, n), at);
      return b.createOrFold<arith::MinSIOp>(loc, b.createOrFold<arith::MaxSIOp>(loc, at, low), high);
    };
    Value first = clamp(start), last = clamp(end);
    Value span = b.createOrFold<arith::SubIOp>(loc, last, first);
    Value count = b.createOrFold<arith::MaxSIOp>(loc, countSteps(b, loc, span, by), zero);
    return {getAsOpFoldResult(first), getAsOpFoldResult(by), getAsOpFoldResult(count)};
  }
};

struct PadLowering : Lowering<nn::PadOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::PadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput()), type = nn::typeOf(op.getResult());
    int64_t rank = input.getRank();
    Type elementType = convertElementType(input.getElementType());
    Sizes sizes, inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    SmallVector<Value> begins;
    for (int64_t i = 0; i < rank; ++i) {
      OpFoldResult begin = elementAsSize(rewriter, loc, op.getPads(), adaptor.getPads(), i);
      OpFoldResult end = elementAsSize(rewriter, loc, op.getPads(), adaptor.getPads(), rank + i);
      nn::Dim known = nn::Dim::of(type, i);
      OpFoldResult size =
          known.isUnknown()
              ? checkedSize(rewriter, loc, addSizes(rewriter, loc, addSizes(rewriter, loc, inputSizes[i], begin), end),
                            "negative pads remove more than there is")
              : materialize(rewriter, loc, known);
      sizes.push_back(size);
      begins.push_back(asIndex(rewriter, loc, begin));
      checkNotEmpty(op, inputSizes[i], size, rewriter);
    }
    Value filler =
        adaptor.getValue() ? onlyElement(rewriter, loc, adaptor.getValue()) : constantOf(rewriter, loc, elementType, 0);
    Value result = generateRows(rewriter, loc, sizes, elementType, adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return padded(b, l, op.getMode(), point, begins, inputs[0], filler);
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  /// Every mode but constant needs something to repeat.
  static void checkNotEmpty(nn::PadOp op, OpFoldResult inputSize, OpFoldResult size, OpBuilder &b) {
    if (op.getMode() == "constant" || getConstantIntValue(inputSize))
      return;
    Location loc = op.getLoc();
    Value zero = constantIndex(b, loc, 0);
    Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, asIndex(b, loc, inputSize), zero);
    Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, asIndex(b, loc, size), zero);
    exec::CheckOp::create(b, loc, arith::OrIOp::create(b, loc, any, none),
                          b.getStringAttr("there is nothing to pad an empty dim with"));
  }

  static Value padded(OpBuilder &b, Location loc, StringRef mode, ValueRange point, ArrayRef<Value> begins, Value input,
                      Value filler) {
    SmallVector<Value> position;
    Value inside;
    for (auto [i, index] : llvm::enumerate(point)) {
      Value at = b.createOrFold<arith::SubIOp>(loc, index, begins[i]), size = memref::DimOp::create(b, loc, input, i);
      if (mode != "constant") {
        position.push_back(foldBack(b, loc, mode, at, size));
        continue;
      }
      position.push_back(at);
      // One unsigned comparison covers both ends.
      Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, size);
      inside = inside ? arith::AndIOp::create(b, loc, inside, fits).getResult() : fits;
    }
    if (!inside)
      return memref::LoadOp::create(b, loc, input, position);
    auto choice = scf::IfOp::create(b, loc, filler.getType(), inside, /*withElseRegion=*/true);
    OpBuilder yes = choice.getThenBodyBuilder(), no = choice.getElseBodyBuilder();
    scf::YieldOp::create(yes, loc, memref::LoadOp::create(yes, loc, input, position).getResult());
    scf::YieldOp::create(no, loc, filler);
    return choice.getResult(0);
  }

  /// Where an index beyond the ends reads.
  static Value foldBack(OpBuilder &b, Location loc, StringRef mode, Value at, Value size) {
    Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1),
          last = arith::SubIOp::create(b, loc, size, one);
    if (mode == "edge")
      return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, at, zero), last);
    auto modulo = [&](Value period) {
      Value remainder = arith::RemSIOp::create(b, loc, at, period);
      Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, remainder, zero);
      return arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, remainder, period), remainder)
          .getResult();
    };
    if (mode == "wrap")
      return modulo(size);
    // Reflect: there and back again, without the ends twice.
    Value period = arith::MaxSIOp::create(b, loc, arith::MulIOp::create(b, loc, last, constantIndex(b, loc, 2)), one);
    Value there = modulo(period);
    Value isBack = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, there, last);
    return arith::SelectOp::create(b, loc, isBack, arith::SubIOp::create(b, loc, period, there), there);
  }
};

/// Rows of the operands, one behind the other: dims before the axis are one, dims from the axis on are one.
struct ConcatLowering : Lowering<nn::ConcatOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ConcatOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = nn::typeOf(op.getResult());
    int64_t axis = axisFromFront(op.getAxis(), type.getRank());
    Sizes sizes = sizesOf(rewriter, loc, op.getInputs().front(), adaptor.getInputs().front());
    checkOtherSizes(op, adaptor, axis, sizes, rewriter);
    OpFoldResult rows = rewriter.getIndexAttr(1), inner = rewriter.getIndexAttr(1), total = rewriter.getIndexAttr(0);
    for (int64_t i = 0; i < type.getRank(); ++i)
      (i < axis ? rows : inner) = i == axis ? inner : mulSizes(rewriter, loc, i < axis ? rows : inner, sizes[i]);
    SmallVector<Value> flat, lengths;
    OpFoldResult along = rewriter.getIndexAttr(0);
    for (auto [original, converted] : llvm::zip_equal(op.getInputs(), adaptor.getInputs())) {
      OpFoldResult size = sizeOf(rewriter, loc, original, converted, axis),
                   length = mulSizes(rewriter, loc, size, inner);
      along = addSizes(rewriter, loc, along, size);
      total = addSizes(rewriter, loc, total, length);
      flat.push_back(reshapeTensor(rewriter, loc, converted, {rows, length}));
      lengths.push_back(asIndex(rewriter, loc, length));
    }
    Value init = emptyTensor(rewriter, loc, {rows, total}, convertElementType(type.getElementType()));
    auto grid =
        exec::GridOp::create(rewriter, loc, asIndex(rewriter, loc, rows), flat, init,
                             [&](OpBuilder &b, Location l, ValueRange row, ValueRange inputs, ValueRange outputs) {
                               Value offset = constantIndex(b, l, 0);
                               for (auto [input, length] : llvm::zip_equal(inputs, lengths)) {
                                 emitLoops(b, l, length, [&](OpBuilder &body, Location bl, ValueRange index) {
                                   Value element =
                                       memref::LoadOp::create(body, bl, input, ValueRange{row[0], index[0]});
                                   Value at = arith::AddIOp::create(body, bl, offset, index[0]);
                                   memref::StoreOp::create(body, bl, element, outputs[0], ValueRange{row[0], at});
                                 });
                                 offset = b.createOrFold<arith::AddIOp>(l, offset, length);
                               }
                             });
    sizes[axis] = along;
    replace(op, reshapeTensor(rewriter, loc, grid.getResult(0), sizes), rewriter);
    return success();
  }

private:
  static void checkOtherSizes(nn::ConcatOp op, OpAdaptor adaptor, int64_t axis, const Sizes &sizes, OpBuilder &b) {
    RankedTensorType first = nn::typeOf(op.getInputs().front());
    for (auto [original, converted] : llvm::drop_begin(llvm::zip_equal(op.getInputs(), adaptor.getInputs())))
      for (int64_t i = 0; i < first.getRank(); ++i) {
        if (i == axis || nn::Dim::of(first, i) == nn::Dim::of(nn::typeOf(original), i))
          continue;
        Value same = arith::CmpIOp::create(b, op.getLoc(), arith::CmpIPredicate::eq, asIndex(b, op.getLoc(), sizes[i]),
                                           asIndex(b, op.getLoc(), sizeOf(b, op.getLoc(), original, converted, i)));
        exec::CheckOp::create(b, op.getLoc(), same, b.getStringAttr("tensors to concatenate differ in another dim"));
      }
  }
};

} // namespace

void populateTensor(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConstantLowering, WeightLowering, FoldedLowering, ShapeOfLowering, ReshapeLowering, TransposeLowering,
               FullLowering, ExpandLowering, TileLowering, RangeLowering, SliceLowering, PadLowering, ConcatLowering>(
      converter, patterns.getContext());
}

} // namespace nncc
