//===- Scans.cpp - sums so far, reversed and different lines to loops -----------------------------------------------------===//

#include "Sorting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "nncc/Dialect/NN/IR/Selection.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nnccrt/abi.h"

using namespace mlir;

namespace nncc {

AxisSplit splitAtAxis(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Value originalAxis, Value axis,
                      int64_t rank) {
  Body c(b, loc);
  int64_t count = sizes.size();
  Value at;
  if (std::optional<SmallVector<int64_t>> known = nn::getConstantInts(originalAxis)) {
    at = c.index(axisFromFront(known->front(), rank));
  } else {
    at = asIndex(b, loc, elementAsSize(b, loc, originalAxis, axis, 0));
    at = c.select(c.less(at, c.index(0)), c.add(at, c.index(rank)), at);
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, c.index(count));
    exec::CheckOp::create(b, loc, fits, b.getStringAttr("an axis is out of range"));
  }
  Value one = c.index(1), outer = one, length = one, inner = one;
  for (int64_t i = 0; i < count; ++i) {
    Value size = asIndex(b, loc, sizes[i]), place = c.index(i);
    outer = c.mul(outer, c.select(c.less(place, at), size, one));
    length = c.select(c.equal(place, at), size, length);
    inner = c.mul(inner, c.select(c.less(at, place), size, one));
  }
  return {at, outer, length, inner};
}

namespace {

struct CumulateLowering : Lowering<nn::CumulateOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::CumulateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = nn::typeOf(op.getInput()).getElementType();
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    AxisSplit split = splitAtAxis(rewriter, loc, sizes, op.getAxis(), adaptor.getAxis(), sizes.size());
    Sizes threeSizes = getAsOpFoldResult(ValueRange{split.outer, split.length, split.inner});
    Value lines = reshapeTensor(rewriter, loc, adaptor.getInput(), threeSizes);
    Value init = emptyTensor(rewriter, loc, threeSizes, convertElementType(type));
    auto grid = exec::GridOp::create(rewriter, loc, {split.outer, split.inner}, lines, init,
                                     [&](OpBuilder &b, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
                                       emitLine(op, Body(b, l), {ins[0], {point[0], point[1]}, 1},
                                                {outs[0], {point[0], point[1]}, 1}, type);
                                     });
    replace(op, reshapeTensor(rewriter, loc, grid.getResult(0), sizes), rewriter);
    return success();
  }

private:
  static void emitLine(nn::CumulateOp op, Body c, const Line &input, const Line &output, Type type) {
    bool isSmall = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32, isSum = op.getKind() == "sum";
    Type wide = isSmall ? Type(c.b.getF32Type()) : type;
    Value length = c.dim(input.memref, 1), last = c.sub(length, c.index(1));
    Value start = c.number(convertElementType(wide), isSum ? 0 : 1);
    c.loop(c.index(0), length, start, [&](Body n, Value i, ValueRange sum) -> Body::Values {
      Value at = op.getReverse() ? n.sub(last, i) : i;
      Value element = castScalar(n.b, n.loc, input.load(n, at), type, wide);
      Value next = isSum ? n.add(sum[0], element) : n.mul(sum[0], element);
      output.store(n, castScalar(n.b, n.loc, op.getExclusive() ? sum[0] : next, wide, type), at);
      return {next};
    });
  }
};

struct ReverseSequenceLowering : Lowering<nn::ReverseSequenceOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::ReverseSequenceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t time = axisFromFront(op.getTimeAxis(), input.getRank()),
            batch = axisFromFront(op.getBatchAxis(), input.getRank());
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    if (nn::Dim::of(input, batch) != nn::Dim::of(nn::typeOf(op.getLengths()), 0)) {
      Value count = asIndex(rewriter, loc, sizeOf(rewriter, loc, op.getLengths(), adaptor.getLengths(), 0));
      Value same =
          arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, count, asIndex(rewriter, loc, sizes[batch]));
      exec::CheckOp::create(rewriter, loc, same,
                            rewriter.getStringAttr("ReverseSequence needs one length for each sequence"));
    }
    Value result = generateRows(rewriter, loc, sizes, convertElementType(input.getElementType()),
                                {adaptor.getInput(), adaptor.getLengths()},
                                [&](OpBuilder &b, Location l, ValueRange point, ValueRange inputs) {
                                  Body c(b, l);
                                  Value length = c.load(inputs[1], point[batch]);
                                  length = length.getType().isIndex() ? length : c.toIndex(length);
                                  Value size = c.dim(inputs[0], time);
                                  Value outside = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ugt, length, size);
                                  exec::FaultOp::create(b, l, outside, NNCCRT_FAULT_SIZE, length);
                                  length = c.select(outside, size, length);
                                  SmallVector<Value> position(point);
                                  position[time] = c.select(c.less(point[time], length),
                                                            c.sub(c.sub(length, c.index(1)), point[time]), point[time]);
                                  return c.load(inputs[0], position);
                                });
    replace(op, result, rewriter);
    return success();
  }
};

/// The rows of a matrix under a total order.
struct Rows {
  Value matrix;
  Type type;

  struct Order {
    Value less, greater;
  };

  Order compare(Body c, Value x, Value y) const {
    auto isLess = [&](Body n, Value p, Value q) {
      Value less = lessScalar(n.b, n.loc, p, q, type);
      return isa<FloatType>(type) ? n.either(less, n.both(n.equal(p, p), n.isNot(n.equal(q, q)))) : less;
    };
    Body::Values found = c.repeat({c.index(0), c.no(), c.no()}, [&](Body n, ValueRange carried) {
      auto look = [&](Body z) -> Body::Values {
        Value a = z.load(matrix, {x, carried[0]}), b = z.load(matrix, {y, carried[0]});
        Value less = isLess(z, a, b), greater = isLess(z, b, a);
        return {z.isNot(z.either(less, greater)), z.add(carried[0], z.index(1)), less, greater};
      };
      return n.choose(n.less(carried[0], n.dim(matrix, 1)), look,
                      [&](Body z) -> Body::Values { return {z.no(), carried[0], carried[1], carried[2]}; });
    });
    return {found[1], found[2]};
  }
};

/// One thread sorts; what follows is cut to the number of different rows.
struct UniqueRowsLowering : Lowering<nn::UniqueRowsOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::UniqueRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type i64 = rewriter.getI64Type();
    OpFoldResult rows = sizeOf(rewriter, loc, op.getInput(), adaptor.getInput(), 0);
    SmallVector<Value> inits(6, emptyTensor(rewriter, loc, rows, i64));
    inits.push_back(emptyTensor(rewriter, loc, OpFoldResult(rewriter.getIndexAttr(1)), i64));
    auto grid = exec::GridOp::create(rewriter, loc, ValueRange(), adaptor.getInput(), inits,
                                     [&](OpBuilder &b, Location l, ValueRange, ValueRange ins, ValueRange outs) {
                                       emitGroups(Body(b, l), {ins[0], nn::typeOf(op.getInput()).getElementType()},
                                                  op.getByPlace(), outs);
                                     });
    Value total = readElement(rewriter, loc, grid.getResult(6), 0);
    Value count = arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(), total);
    auto cut = [&](Value whole) {
      return generateElements(rewriter, loc, getAsOpFoldResult(count), i64,
                              [&](OpBuilder &b, Location l, ValueRange point) -> Value {
                                return tensor::ExtractOp::create(b, l, whole, point);
                              });
    };
    bool byPlace = op.getByPlace();
    replace(op, {cut(grid.getResult(byPlace ? 4 : 1)), grid.getResult(2), cut(grid.getResult(byPlace ? 5 : 3))},
            rewriter);
    return success();
  }

private:
  /// Outputs: the sorted rows; first place, and number of each group (by row), count; first places and counts by place; how many.
  static void emitGroups(Body c, Rows rows, bool byPlace, ValueRange outs) {
    Value order = outs[0], first = outs[1], inverse = outs[2], counts = outs[3];
    Value zero = c.index(0), one = c.index(1), length = c.dim(order, 0);
    Heap heap({order, {}, 0}, [rows](Body n, Value x, Value y) { // the root comes last
      Rows::Order o = rows.compare(n, x, y);
      return n.either(o.greater, n.both(n.isNot(o.less), n.less(y, x)));
    });
    c.loop(zero, length, [&](Body n, Value i) { heap.set(n, i, i); });
    heap.build(c, length);
    heap.sort(c, length);
    Value groups = c.loop(zero, length, zero, [&](Body n, Value i, ValueRange carried) -> Body::Values {
      Value row = heap.get(n, i), before = heap.get(n, n.max(n.sub(i, one), zero));
      Rows::Order o = rows.compare(n, row, before);
      Value isNew = n.either(n.equal(i, zero), n.either(o.less, o.greater));
      Value next = n.add(carried[0], n.select(isNew, one, zero)), group = n.sub(next, one);
      n.when(isNew, [&](Body y) {
        y.store(y.toInteger(row), first, group);
        y.store(y.number(y.b.getI64Type(), 0), counts, group);
      });
      n.store(n.toInteger(group), inverse, row);
      n.store(n.add(n.load(counts, group), n.number(n.b.getI64Type(), 1)), counts, group);
      return {next};
    })[0];
    c.store(c.toInteger(groups), outs[6], zero);
    if (byPlace)
      renumber(c, length, outs);
  }

  /// Groups are numbered as they occur: the new numbers take the place of the sorted rows.
  static void renumber(Body c, Value length, ValueRange outs) {
    Value numbers = outs[0], zero = c.index(0), one = c.index(1);
    c.loop(zero, length, zero, [&](Body n, Value i, ValueRange next) -> Body::Values {
      Value group = n.toIndex(n.load(outs[2], i)), isFirst = n.equal(n.toIndex(n.load(outs[1], group)), i);
      n.when(isFirst, [&](Body y) {
        y.store(y.toInteger(next[0]), numbers, group);
        y.store(y.load(outs[1], group), outs[4], next[0]);
        y.store(y.load(outs[3], group), outs[5], next[0]);
      });
      n.store(n.load(numbers, group), outs[2], i);
      return {n.add(next[0], n.select(isFirst, one, zero))};
    });
  }
};

} // namespace

void populateScans(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<CumulateLowering, ReverseSequenceLowering, UniqueRowsLowering>(converter, patterns.getContext());
}

} // namespace nncc
