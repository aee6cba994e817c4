//===- Pooling.cpp - pooling windows to linalg and exec -------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Pooling.h"
#include "Lowering.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {
namespace {

/// Sizes of the windows' positions, where inference does not know them: the same arithmetic at run time.
Sizes positionSizes(OpBuilder &b, Location loc, Value result, ArrayRef<int64_t> kernel, ArrayRef<int64_t> strides,
                    ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads, bool ceilMode, const Sizes &inputSizes,
                    int64_t first) {
  Sizes sizes(inputSizes);
  int64_t rank = kernel.size();
  for (int64_t i = 0; i < rank; ++i) {
    nn::Dim known = nn::Dim::of(nn::typeOf(result), first + i);
    if (!known.isUnknown()) {
      sizes[first + i] = materialize(b, loc, known);
      continue;
    }
    int64_t extent = dilations[i] * (kernel[i] - 1) + 1;
    Value room =
        asIndex(b, loc, addSizes(b, loc, inputSizes[first + i], b.getIndexAttr(pads[i] + pads[rank + i] - extent)));
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, room, constantIndex(b, loc, 0));
    exec::CheckOp::create(b, loc, fits, b.getStringAttr("a pooling window does not fit its padded input"));
    Value stride = constantIndex(b, loc, strides[i]), one = constantIndex(b, loc, 1);
    Value steps = ceilMode ? arith::CeilDivSIOp::create(b, loc, room, stride).getResult()
                           : arith::FloorDivSIOp::create(b, loc, room, stride).getResult();
    Value count = arith::AddIOp::create(b, loc, steps, one);
    if (ceilMode) { // a window that starts in the end pad sees nothing
      Value last = asIndex(b, loc, addSizes(b, loc, inputSizes[first + i], b.getIndexAttr(pads[i] - 1)));
      Value inside = arith::AddIOp::create(b, loc, arith::FloorDivSIOp::create(b, loc, last, stride), one);
      count = arith::MinSIOp::create(b, loc, count, inside);
    }
    sizes[first + i] = count;
  }
  return sizes;
}

/// What a pad holds for a kind of pooling: the identity of its combination.
Value padValue(OpBuilder &b, Location loc, bool isMax, Type type) {
  Type storage = convertElementType(type);
  if (!isMax)
    return constantOf(b, loc, storage, 0);
  if (auto real = dyn_cast<FloatType>(storage))
    return arith::ConstantOp::create(
        b, loc, b.getFloatAttr(real, APFloat::getInf(real.getFloatSemantics(), /*Negative=*/true)));
  unsigned width = storage.getIntOrFloatBitWidth();
  return arith::ConstantOp::create(
      b, loc, b.getIntegerAttr(storage, isUnsigned(type) ? APInt::getZero(width) : APInt::getSignedMinValue(width)));
}

struct PoolLowering : Lowering<nn::PoolOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::PoolOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    Type type = input.getElementType();
    int64_t rank = input.getRank(), spatialRank = rank - 2, first = op.getChannelsLast() ? 1 : 2;
    bool isMax = op.getKind() == "max";
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Sizes sizes = positionSizes(rewriter, loc, op.getResult(), op.getKernel(), op.getStrides(), op.getDilations(),
                                op.getPads(), op.getCeilMode(), inputSizes, first);
    Value filler = padValue(rewriter, loc, isMax, type);
    Value source = padInput(op, rewriter, adaptor.getInput(), inputSizes, sizes, first, filler);

    // Dims: those of the result, then those of the window, whose sizes an operand of that shape states.
    SmallVector<AffineExpr> reads;
    for (int64_t i = 0; i < rank; ++i)
      reads.push_back(rewriter.getAffineDimExpr(i));
    SmallVector<OpFoldResult> windowSizes;
    SmallVector<AffineExpr> windowDims;
    for (int64_t i = 0; i < spatialRank; ++i) {
      AffineExpr step = rewriter.getAffineDimExpr(rank + i);
      reads[first + i] = reads[first + i] * op.getStrides()[i] + step * op.getDilations()[i];
      windowDims.push_back(step);
      windowSizes.push_back(rewriter.getIndexAttr(op.getKernel()[i]));
    }
    Type accumulator = !isMax && isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32 ? Type(rewriter.getF32Type())
                                                                                           : filler.getType();
    Value start = accumulator == filler.getType() ? filler : constantOf(rewriter, loc, accumulator, 0);
    Value init = fillTensor(rewriter, loc, sizes, start);
    Value window = emptyTensor(rewriter, loc, windowSizes, filler.getType());
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(rank + spatialRank, 0, exprs, rewriter.getContext());
    };
    SmallVector<AffineExpr> writes;
    for (int64_t i = 0; i < rank; ++i)
      writes.push_back(rewriter.getAffineDimExpr(i));
    SmallVector<utils_iterator> iterators(rank, utils_iterator::parallel);
    iterators.append(spatialRank, utils_iterator::reduction);
    auto reduction = linalg::GenericOp::create(rewriter, loc, init.getType(), ValueRange{source, window}, init,
                                               ArrayRef<AffineMap>{map(reads), map(windowDims), map(writes)}, iterators,
                                               [&](OpBuilder &b, Location l, ValueRange values) {
                                                 Value element = values[0], sum = values[2];
                                                 Value result;
                                                 if (isMax)
                                                   result = maxScalar(b, l, element, sum, type);
                                                 else if (isa<FloatType>(accumulator))
                                                   result = arith::AddFOp::create(
                                                       b, l, castScalar(b, l, element, type, accumulator), sum);
                                                 else
                                                   result = arith::AddIOp::create(b, l, element, sum);
                                                 linalg::YieldOp::create(b, l, result);
                                               });
    Value result = reduction.getResult(0);
    if (op.getKind() == "average")
      result = divideByCount(op, rewriter, result, inputSizes, sizes, first, accumulator, filler.getType());
    else if (accumulator != filler.getType())
      result = mapElements(
          rewriter, loc, sizes, filler.getType(), LoopOperand{result, rewriter.getMultiDimIdentityMap(rank)},
          [&](OpBuilder &b, Location l, ValueRange values) { return castScalar(b, l, values[0], accumulator, type); });
    replace(op, result, rewriter);
    return success();
  }

private:
  /// The input with its pads written out, as large as the last window needs it.
  static Value padInput(nn::PoolOp op, OpBuilder &b, Value input, const Sizes &inputSizes, const Sizes &sizes,
                        int64_t first, Value filler) {
    Location loc = op.getLoc();
    int64_t spatialRank = op.getKernel().size();
    bool needed = op.getCeilMode() || llvm::any_of(op.getPads(), [](int64_t pad) { return pad != 0; });
    if (!needed)
      return input;
    Sizes padded(inputSizes);
    SmallVector<Value> begins(inputSizes.size(), constantIndex(b, loc, 0));
    for (int64_t i = 0; i < spatialRank; ++i) {
      // (positions - 1) * stride + extent
      int64_t extent = op.getDilations()[i] * (op.getKernel()[i] - 1) + 1;
      OpFoldResult steps = addSizes(b, loc, sizes[first + i], b.getIndexAttr(-1));
      padded[first + i] =
          addSizes(b, loc, mulSizes(b, loc, steps, b.getIndexAttr(op.getStrides()[i])), b.getIndexAttr(extent));
      begins[first + i] = constantIndex(b, loc, op.getPads()[i]);
    }
    return generateRows(b, loc, padded, filler.getType(), input,
                        [&](OpBuilder &n, Location l, ValueRange point, ValueRange inputs) {
                          SmallVector<Value> position(point);
                          Value inside = arith::ConstantOp::create(n, l, n.getBoolAttr(true));
                          for (int64_t i = first; i < first + spatialRank; ++i) {
                            position[i] = arith::SubIOp::create(n, l, point[i], begins[i]);
                            Value fits = arith::CmpIOp::create(n, l, arith::CmpIPredicate::ult, position[i],
                                                               memref::DimOp::create(n, l, inputs[0], i));
                            inside = arith::AndIOp::create(n, l, inside, fits);
                          }
                          auto choice = scf::IfOp::create(n, l, filler.getType(), inside, /*withElseRegion=*/true);
                          OpBuilder yes = choice.getThenBodyBuilder(), no = choice.getElseBodyBuilder();
                          scf::YieldOp::create(yes, l, memref::LoadOp::create(yes, l, inputs[0], position).getResult());
                          scf::YieldOp::create(no, l, filler);
                          return choice.getResult(0);
                        });
  }

  /// Divides by the number of elements that each window saw.
  static Value divideByCount(nn::PoolOp op, OpBuilder &b, Value sums, const Sizes &inputSizes, const Sizes &sizes,
                             int64_t first, Type accumulator, Type storage) {
    Location loc = op.getLoc();
    int64_t rank = sizes.size(), spatialRank = op.getKernel().size();
    Type type = nn::typeOf(op.getInput()).getElementType();
    SmallVector<Value> bounds;
    for (int64_t i = 0; i < spatialRank; ++i)
      bounds.push_back(asIndex(b, loc, inputSizes[first + i]));
    bool always = !op.getCeilMode() &&
                  (op.getCountIncludePad() || llvm::all_of(op.getPads(), [](int64_t pad) { return pad == 0; }));
    int64_t all = 1;
    for (int64_t size : op.getKernel())
      all *= size;
    return mapElements(b, loc, sizes, storage, LoopOperand{sums, b.getMultiDimIdentityMap(rank)},
                       [&](OpBuilder &n, Location l, ValueRange values) {
                         Value count = constantIndex(n, l, always ? all : 1);
                         for (int64_t i = 0; !always && i < spatialRank; ++i)
                           count = arith::MulIOp::create(n, l, count, windowCount(op, n, l, i, first, bounds[i]));
                         Value number = castScalar(n, l, arith::IndexCastOp::create(n, l, n.getI64Type(), count),
                                                   n.getI64Type(), accumulator);
                         Value mean = isa<FloatType>(accumulator)
                                          ? arith::DivFOp::create(n, l, values[0], number).getResult()
                                          : arith::DivSIOp::create(n, l, values[0], number).getResult();
                         return accumulator == storage ? mean : castScalar(n, l, mean, accumulator, type);
                       });
  }

  /// How many taps along spatial dim `i` are inside the input (or its pads, when they count), at least 1.
  static Value windowCount(nn::PoolOp op, OpBuilder &b, Location loc, int64_t i, int64_t first, Value size) {
    int64_t spatialRank = op.getKernel().size(), dilation = op.getDilations()[i];
    int64_t before = op.getCountIncludePad() ? op.getPads()[i] : 0,
            after = op.getCountIncludePad() ? op.getPads()[spatialRank + i] : 0;
    Value position = linalg::IndexOp::create(b, loc, first + i), one = constantIndex(b, loc, 1),
          zero = constantIndex(b, loc, 0);
    Value start = arith::SubIOp::create(
        b, loc, arith::MulIOp::create(b, loc, position, constantIndex(b, loc, op.getStrides()[i])),
        constantIndex(b, loc, op.getPads()[i]));
    Value step = constantIndex(b, loc, dilation), taps = constantIndex(b, loc, op.getKernel()[i]);
    // Taps before the front: ceil((-before - start) / dilation); taps up to the end: ceil((size + after - start) / dilation).
    auto tapsUpTo = [&](Value limit) {
      Value span = arith::MaxSIOp::create(b, loc, arith::SubIOp::create(b, loc, limit, start), zero);
      Value count = arith::DivSIOp::create(
          b, loc, arith::AddIOp::create(b, loc, span, constantIndex(b, loc, dilation - 1)), step);
      return arith::MinSIOp::create(b, loc, count, taps).getResult();
    };
    Value outsideFront = tapsUpTo(constantIndex(b, loc, -before));
    Value upToEnd = tapsUpTo(arith::AddIOp::create(b, loc, size, constantIndex(b, loc, after)));
    return arith::MaxSIOp::create(b, loc, arith::SubIOp::create(b, loc, upToEnd, outsideFront), one);
  }
};

/// For each position a walk through its window.
struct MaxPoolIndicesLowering : Lowering<nn::MaxPoolIndicesOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::MaxPoolIndicesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    Sizes inputSizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    Sizes sizes = positionSizes(rewriter, loc, op.getResult(), op.getKernel(), op.getStrides(), op.getDilations(),
                                op.getPads(), op.getCeilMode(), inputSizes, 2);
    Value result = generateRows(rewriter, loc, sizes, rewriter.getI64Type(), adaptor.getInput(),
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  return search(op, b, l, point, inputs[0], input.getElementType());
                                });
    replace(op, result, rewriter);
    return success();
  }

private:
  static Value search(nn::MaxPoolIndicesOp op, OpBuilder &b, Location loc, ValueRange point, Value input, Type type) {
    int64_t rank = point.size(), spatialRank = rank - 2;
    Value zero = constantIndex(b, loc, 0), one = constantIndex(b, loc, 1);
    SmallVector<Value> best = {padValue(b, loc, /*isMax=*/true, type), constantIndex(b, loc, -1)};
    SmallVector<scf::ForOp> loops;
    SmallVector<Value> taps;
    OpBuilder::InsertionGuard guard(b);
    for (int64_t i = 0; i < spatialRank; ++i) {
      auto loop = scf::ForOp::create(b, loc, zero, constantIndex(b, loc, op.getKernel()[i]), one, best);
      loops.push_back(loop);
      taps.push_back(loop.getInductionVar());
      best.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
      b.setInsertionPointToStart(loop.getBody());
    }
    SmallVector<Value> position(point);
    Value inside = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
    for (int64_t i = 0; i < spatialRank; ++i) {
      Value at = arith::MulIOp::create(b, loc, point[2 + i], constantIndex(b, loc, op.getStrides()[i]));
      at = arith::AddIOp::create(b, loc, at,
                                 arith::MulIOp::create(b, loc, taps[i], constantIndex(b, loc, op.getDilations()[i])));
      position[2 + i] = arith::SubIOp::create(b, loc, at, constantIndex(b, loc, op.getPads()[i]));
      Value size = memref::DimOp::create(b, loc, input, 2 + i);
      inside = arith::AndIOp::create(b, loc, inside,
                                     arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, position[2 + i], size));
    }
    auto choice = scf::IfOp::create(b, loc, TypeRange(ValueRange(best).getTypes()), inside, /*withElseRegion=*/true);
    {
      OpBuilder yes = choice.getThenBodyBuilder(), no = choice.getElseBodyBuilder();
      Value element = memref::LoadOp::create(yes, loc, input, position);
      Value first = arith::CmpIOp::create(yes, loc, arith::CmpIPredicate::slt, best[1], zero);
      Value better = arith::OrIOp::create(yes, loc, first, lessScalar(yes, loc, best[0], element, type));
      Value index = flatIndex(op, yes, loc, position, input);
      scf::YieldOp::create(yes, loc,
                           ValueRange{arith::SelectOp::create(yes, loc, better, element, best[0]),
                                      arith::SelectOp::create(yes, loc, better, index, best[1])});
      scf::YieldOp::create(no, loc, best);
    }
    scf::YieldOp::create(b, loc, choice.getResults());
    for (scf::ForOp loop : llvm::drop_begin(llvm::reverse(loops))) {
      b.setInsertionPointToEnd(loop.getBody());
      Operation *inner = &loop.getBody()->front();
      while (!isa<scf::ForOp>(inner))
        inner = inner->getNextNode();
      scf::YieldOp::create(b, loc, inner->getResults());
    }
    b.setInsertionPointAfter(loops.front());
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), loops.front().getResult(1));
  }

  static Value flatIndex(nn::MaxPoolIndicesOp op, OpBuilder &b, Location loc, ArrayRef<Value> position, Value input) {
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, position.size()));
    if (op.getColumnMajor())
      std::reverse(order.begin() + 2, order.end());
    Value index = constantIndex(b, loc, 0);
    for (int64_t i : order)
      index = arith::AddIOp::create(
          b, loc, arith::MulIOp::create(b, loc, index, memref::DimOp::create(b, loc, input, i)), position[i]);
    return index;
  }
};

} // namespace

void populatePooling(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<PoolLowering, MaxPoolIndicesLowering>(converter, patterns.getContext());
}

} // namespace nncc
