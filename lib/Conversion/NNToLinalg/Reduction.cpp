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

/// One element of the grid, one walk along the axis.
struct ArgReduceLowering : Lowering<nn::ArgReduceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ArgReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = op.getAxis();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Value length = asIndex(rewriter, loc, sizes[axis]);
    if (input.isDynamicDim(axis)) {
      Value any =
          arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sgt, length, constantIndex(rewriter, loc, 0));
      exec::CheckOp::create(rewriter, loc, any,
                            rewriter.getStringAttr("ArgMax or ArgMin along a dim without elements"));
    }
    Sizes kept(sizes);
    kept.erase(kept.begin() + axis);
    Value result = generateRows(rewriter, loc, kept, rewriter.getI64Type(), adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return search(op, b, l, point, inputs[0], length, input.getElementType());
                                });
    sizes[axis] = rewriter.getIndexAttr(1);
    replace(op, op.getKeepdims() ? reshapeTensor(rewriter, loc, result, sizes) : result, rewriter);
    return success();
  }

private:
  static Value search(nn::ArgReduceOp op, OpBuilder &b, Location loc, ValueRange point, Value input, Value length,
                      Type type) {
    SmallVector<Value> position(point);
    position.insert(position.begin() + op.getAxis(), constantIndex(b, loc, 0));
    Value first = memref::LoadOp::create(b, loc, input, position);
    Value one = constantIndex(b, loc, 1);
    auto loop = scf::ForOp::create(
        b, loc, one, length, one, ValueRange{first, constantIndex(b, loc, 0)},
        [&](OpBuilder &body, Location l, Value index, ValueRange best) {
          position[op.getAxis()] = index;
          Value element = memref::LoadOp::create(body, l, input, position);
          bool isMax = op.getKind() == "max";
          Value better =
              isMax ? lessScalar(body, l, best[0], element, type) : lessScalar(body, l, element, best[0], type);
          if (isa<FloatType>(type)) { // a NaN beats any number, and nothing beats it
            Value isNaN = arith::CmpFOp::create(body, l, arith::CmpFPredicate::UNO, element, element);
            Value bestIsNaN = arith::CmpFOp::create(body, l, arith::CmpFPredicate::UNO, best[0], best[0]);
            Value notYet =
                arith::XOrIOp::create(body, l, bestIsNaN, arith::ConstantOp::create(body, l, body.getBoolAttr(true)));
            better = arith::OrIOp::create(body, l, better, arith::AndIOp::create(body, l, isNaN, notYet));
          }
          if (op.getLast()) {
            Value same = isa<FloatType>(type)
                             ? arith::CmpFOp::create(body, l, arith::CmpFPredicate::OEQ, element, best[0]).getResult()
                             : arith::CmpIOp::create(body, l, arith::CmpIPredicate::eq, element, best[0]).getResult();
            better = arith::OrIOp::create(body, l, better, same);
          }
          scf::YieldOp::create(body, l,
                               ValueRange{arith::SelectOp::create(body, l, better, element, best[0]),
                                          arith::SelectOp::create(body, l, better, index, best[1])});
        });
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), loop.getResult(1));
  }
};

} // namespace

void populateReduction(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ReduceLowering, ReduceAxesLowering, ArgReduceLowering>(converter, patterns.getContext());
}

} // namespace nncc
