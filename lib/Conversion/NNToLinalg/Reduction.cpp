//===- Reduction.cpp - reductions to linalg and exec ----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Reduction.h"
#include "Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

/// How one kind of reduction works on elements of an original type.
class Combiner {
public:
  Combiner(OpBuilder &b, StringRef kind, Type type) : kind(kind), type(type), storage(convertElementType(type)) {
    bool isSmallFloat = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
    accumulator = isSmallFloat && (kind == "sum" || kind == "mean" || kind == "prod") ? Type(b.getF32Type()) : storage;
  }

  Type getAccumulatorType() const { return accumulator; }

  /// What no elements give.
  Value identity(OpBuilder &b, Location loc) const {
    if (kind == "sum" || kind == "mean")
      return constantOf(b, loc, accumulator, 0);
    if (kind == "prod")
      return constantOf(b, loc, accumulator, 1);
    bool smallest = kind == "max";
    if (auto real = dyn_cast<FloatType>(accumulator))
      return arith::ConstantOp::create(b, loc,
                                       b.getFloatAttr(real, APFloat::getInf(real.getFloatSemantics(), smallest)));
    unsigned width = accumulator.getIntOrFloatBitWidth();
    APInt value = isUnsigned(type) ? (smallest ? APInt::getZero(width) : APInt::getAllOnes(width))
                                   : (smallest ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width));
    if (type.isInteger(1))
      value = APInt(width, smallest ? 0 : 1);
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(accumulator, value));
  }

  Value combine(OpBuilder &b, Location loc, Value element, Value sum) const {
    element = widen(b, loc, element);
    bool isFloat = isa<FloatType>(accumulator);
    if (kind == "max")
      return maxScalar(b, loc, element, sum, type);
    if (kind == "min")
      return minScalar(b, loc, element, sum, type);
    if (kind == "prod")
      return isFloat ? arith::MulFOp::create(b, loc, element, sum).getResult()
                     : arith::MulIOp::create(b, loc, element, sum).getResult();
    return isFloat ? arith::AddFOp::create(b, loc, element, sum).getResult()
                   : arith::AddIOp::create(b, loc, element, sum).getResult();
  }

  /// True when the accumulated value is the result as it is.
  bool isFinal() const { return kind != "mean" && accumulator == storage; }

  /// The result of `count` (index) accumulated elements.
  Value finish(OpBuilder &b, Location loc, Value sum, Value count) const {
    if (kind == "mean") {
      Value number = arith::IndexCastOp::create(b, loc, b.getI64Type(), count);
      if (isa<FloatType>(accumulator)) {
        sum = arith::DivFOp::create(b, loc, sum, castScalar(b, loc, number, b.getI64Type(), accumulator));
      } else { // no elements: 0
        Value one = constantOf(b, loc, accumulator, 1);
        Value divisor = castScalar(b, loc, number, b.getI64Type(), type);
        Value none =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, divisor, constantOf(b, loc, accumulator, 0));
        divisor = arith::SelectOp::create(b, loc, none, one, divisor);
        sum = isUnsigned(type) ? arith::DivUIOp::create(b, loc, sum, divisor).getResult()
                               : arith::DivSIOp::create(b, loc, sum, divisor).getResult();
      }
    }
    return accumulator == storage ? sum : arith::TruncFOp::create(b, loc, storage, sum).getResult();
  }

private:
  Value widen(OpBuilder &b, Location loc, Value element) const {
    return accumulator == storage ? element : arith::ExtFOp::create(b, loc, accumulator, element).getResult();
  }

  StringRef kind;
  Type type, storage, accumulator;
};

struct ReduceLowering : Lowering<nn::ReduceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t rank = input.getRank();
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Sizes kept, sizes;
    OpFoldResult count = rewriter.getIndexAttr(1);
    SmallVector<AffineExpr> exprs;
    SmallVector<utils_iterator> iterators;
    for (int64_t i = 0; i < rank; ++i) {
      bool reduced = llvm::is_contained(op.getAxes(), i);
      iterators.push_back(reduced ? utils_iterator::reduction : utils_iterator::parallel);
      if (reduced) {
        count = mulSizes(rewriter, loc, count, inputSizes[i]);
        if (op.getKeepdims())
          sizes.push_back(rewriter.getIndexAttr(1));
        continue;
      }
      exprs.push_back(rewriter.getAffineDimExpr(i));
      kept.push_back(inputSizes[i]);
      sizes.push_back(inputSizes[i]);
    }
    Combiner combiner(rewriter, op.getKind(), input.getElementType());
    Value init = fillTensor(rewriter, loc, kept, combiner.identity(rewriter, loc));
    SmallVector<AffineMap> maps = {rewriter.getMultiDimIdentityMap(rank),
                                   AffineMap::get(rank, 0, exprs, rewriter.getContext())};
    auto reduction =
        linalg::GenericOp::create(rewriter, loc, init.getType(), adaptor.getInput(), init, maps, iterators,
                                  [&](OpBuilder &b, Location l, ValueRange values) {
                                    linalg::YieldOp::create(b, l, combiner.combine(b, l, values[0], values[1]));
                                  });
    Value result = reduction.getResult(0);
    if (!combiner.isFinal()) {
      Value number = asIndex(rewriter, loc, count);
      result = mapElements(
          rewriter, loc, kept, convertElementType(input.getElementType()),
          LoopOperand{result, rewriter.getMultiDimIdentityMap(kept.size())},
          [&](OpBuilder &b, Location l, ValueRange values) { return combiner.finish(b, l, values[0], number); });
    }
    replace(op, op.getKeepdims() ? reshapeTensor(rewriter, loc, result, sizes) : result, rewriter);
    return success();
  }
};

/// Which dims are reduced is known only when the model runs: one pass over all elements, each added to the place that is left of its
/// coordinates.
struct ReduceAxesLowering : Lowering<nn::ReduceAxesOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ReduceAxesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t rank = input.getRank();
    Value zero = constantIndex(rewriter, loc, 0), one = constantIndex(rewriter, loc, 1), count = one;
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput()), sizes;
    SmallVector<Value> strides; // 0 where the dim is reduced
    SmallVector<Value> isReduced = reducedDims(op, adaptor, rank, rewriter);
    for (int64_t i = 0; i < rank; ++i) {
      Value size = asIndex(rewriter, loc, inputSizes[i]);
      sizes.push_back(arith::SelectOp::create(rewriter, loc, isReduced[i], one, size).getResult());
      strides.push_back(arith::SelectOp::create(rewriter, loc, isReduced[i], zero, one));
      count =
          arith::MulIOp::create(rewriter, loc, count, arith::SelectOp::create(rewriter, loc, isReduced[i], size, one));
    }
    Combiner combiner(rewriter, op.getKind(), input.getElementType());
    Value init = fillTensor(rewriter, loc, sizes, combiner.identity(rewriter, loc));
    auto grid = exec::GridOp::create(rewriter, loc, ValueRange(), adaptor.getInput(), init,
                                     [&](OpBuilder &b, Location l, ValueRange, ValueRange ins, ValueRange outs) {
                                       SmallVector<Value> bounds;
                                       for (int64_t i = 0; i < rank; ++i)
                                         bounds.push_back(memref::DimOp::create(b, l, ins[0], i));
                                       emitLoops(b, l, bounds, [&](OpBuilder &body, Location bl, ValueRange point) {
                                         SmallVector<Value> place;
                                         for (int64_t i = 0; i < rank; ++i)
                                           place.push_back(arith::MulIOp::create(body, bl, point[i], strides[i]));
                                         Value element = memref::LoadOp::create(body, bl, ins[0], point),
                                               sum = memref::LoadOp::create(body, bl, outs[0], place);
                                         memref::StoreOp::create(body, bl, combiner.combine(body, bl, element, sum),
                                                                 outs[0], place);
                                       });
                                     });
    Value result = grid.getResult(0);
    if (!combiner.isFinal())
      result = mapElements(
          rewriter, loc, sizes, convertElementType(input.getElementType()),
          LoopOperand{result, rewriter.getMultiDimIdentityMap(rank)},
          [&](OpBuilder &b, Location l, ValueRange values) { return combiner.finish(b, l, values[0], count); });
    replace(op, result, rewriter);
    return success();
  }

private:
  static SmallVector<Value> reducedDims(nn::ReduceAxesOp op, OpAdaptor adaptor, int64_t rank, OpBuilder &b) {
    Location loc = op.getLoc();
    RankedTensorType axes = nn::typeOf(op.getAxes());
    Value rankValue = constantIndex(b, loc, rank), zero = constantIndex(b, loc, 0);
    SmallVector<Value> reduced(rank, arith::ConstantOp::create(b, loc, b.getBoolAttr(false)).getResult());
    for (int64_t k = 0; k < axes.getNumElements(); ++k) {
      Value axis = asIndex(b, loc, elementAsSize(b, loc, op.getAxes(), adaptor.getAxes(), k));
      Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, axis, zero);
      axis = arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, axis, rankValue), axis);
      exec::CheckOp::create(b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, axis, rankValue),
                            b.getStringAttr("an axis of a reduction is out of range"));
      for (int64_t i = 0; i < rank; ++i)
        reduced[i] = arith::OrIOp::create(
            b, loc, reduced[i],
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, axis, constantIndex(b, loc, i)));
    }
    return reduced;
  }
};

/// The best element of each row, then the first or last position that holds it: two reductions that vectors can do, in any order.
struct ArgReduceLowering : Lowering<nn::ArgReduceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ArgReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = op.getAxis();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    if (input.isDynamicDim(axis)) {
      Value length = asIndex(rewriter, loc, sizes[axis]);
      Value any =
          arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sgt, length, constantIndex(rewriter, loc, 0));
      exec::CheckOp::create(rewriter, loc, any,
                            rewriter.getStringAttr("ArgMax or ArgMin along a dim without elements"));
    }
    Sizes kept(sizes);
    kept.erase(kept.begin() + axis);
    Combiner combiner(rewriter, op.getKind(), input.getElementType());
    Value best = reduce(
        op, rewriter, adaptor.getInput(), fillTensor(rewriter, loc, kept, combiner.identity(rewriter, loc)),
        [&](OpBuilder &b, Location l, ValueRange values) { return combiner.combine(b, l, values[0], values[1]); });
    // Narrow positions where they are enough: more lanes.
    bool isNarrow = !input.isDynamicDim(axis) && llvm::isInt<32>(input.getDimSize(axis));
    Type position = isNarrow ? rewriter.getI32Type() : rewriter.getI64Type();
    unsigned width = position.getIntOrFloatBitWidth();
    APInt none = op.getLast() ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width);
    Value start = arith::ConstantOp::create(rewriter, loc, rewriter.getIntegerAttr(position, none));
    Value found = reduce(op, rewriter, {adaptor.getInput(), best}, fillTensor(rewriter, loc, kept, start),
                         [&](OpBuilder &b, Location l, ValueRange values) {
                           Value index = linalg::IndexOp::create(b, l, axis);
                           index = arith::IndexCastOp::create(b, l, position, index);
                           Value isBest = isSame(b, l, values[0], values[1]);
                           Value candidate = arith::SelectOp::create(b, l, isBest, index, start);
                           return op.getLast() ? arith::MaxSIOp::create(b, l, candidate, values[2]).getResult()
                                               : arith::MinSIOp::create(b, l, candidate, values[2]).getResult();
                         });
    if (isNarrow)
      found = mapElements(rewriter, loc, kept, rewriter.getI64Type(),
                          LoopOperand{found, rewriter.getMultiDimIdentityMap(kept.size())},
                          [&](OpBuilder &b, Location l, ValueRange values) -> Value {
                            return arith::ExtSIOp::create(b, l, b.getI64Type(), values[0]);
                          });
    sizes[axis] = rewriter.getIndexAttr(1);
    replace(op, op.getKeepdims() ? reshapeTensor(rewriter, loc, found, sizes) : found, rewriter);
    return success();
  }

private:
  /// Reduces along the axis; of the inputs the first has all dims, the others those that are kept.
  static Value reduce(nn::ArgReduceOp op, OpBuilder &b, ValueRange inputs, Value init, ElementBuilder body) {
    int64_t rank = nn::typeOf(op.getInput()).getRank();
    SmallVector<AffineExpr> kept;
    SmallVector<utils_iterator> iterators(rank, utils_iterator::parallel);
    iterators[op.getAxis()] = utils_iterator::reduction;
    for (int64_t i = 0; i < rank; ++i)
      if (i != int64_t(op.getAxis()))
        kept.push_back(b.getAffineDimExpr(i));
    SmallVector<AffineMap> maps(inputs.size() + 1, AffineMap::get(rank, 0, kept, b.getContext()));
    maps.front() = b.getMultiDimIdentityMap(rank);
    return linalg::GenericOp::create(b, op.getLoc(), init.getType(), inputs, init, maps, iterators,
                                     [&](OpBuilder &nested, Location l, ValueRange values) {
                                       linalg::YieldOp::create(nested, l, body(nested, l, values));
                                     })
        .getResult(0);
  }

  /// A NaN beats any number, and is only found as a NaN.
  static Value isSame(OpBuilder &b, Location loc, Value element, Value best) {
    if (!isa<FloatType>(element.getType()))
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, element, best);
    Value isEqual = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, element, best);
    Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, element, element);
    Value bestIsNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, best, best);
    return arith::OrIOp::create(b, loc, isEqual, arith::AndIOp::create(b, loc, isNaN, bestIsNaN));
  }
};

} // namespace

void populateReduction(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ReduceLowering, ReduceAxesLowering, ArgReduceLowering>(converter, patterns.getContext());
}

} // namespace nncc
