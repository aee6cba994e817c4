//===- Scans.cpp - sums so far, reversed and different lines to loops -----------------------------------------------------===//

#include "Sorting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
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
    bool isSmall = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32, isSum = op.getKind() == "sum";
    Type wide = isSmall ? Type(rewriter.getF32Type()) : type, element = convertElementType(wide);
    Value init = emptyTensor(rewriter, loc, threeSizes, element);
    TypedAttr neutral = isa<FloatType>(element) ? TypedAttr(rewriter.getFloatAttr(element, isSum ? 0 : 1))
                                                : TypedAttr(rewriter.getIntegerAttr(element, isSum ? 0 : 1));
    Value sums = exec::ScanOp::create(
                     rewriter, loc, {split.outer, split.inner}, split.length, /*axis=*/1, lines, init, neutral,
                     op.getExclusive(), op.getReverse(),
                     [&](OpBuilder &b, Location l, ValueRange args) -> SmallVector<Value> {
                       Value loaded = Body(b, l).load(args[3], {args[0], args[2], args[1]});
                       return {castScalar(b, l, loaded, type, wide)};
                     },
                     [&](OpBuilder &b, Location l, ValueRange args) -> SmallVector<Value> {
                       return {isSum ? Body(b, l).add(args[0], args[1]) : Body(b, l).mul(args[0], args[1])};
                     })
                     .getResult();
    if (isSmall) {
      AffineMap identity = rewriter.getMultiDimIdentityMap(3);
      sums = mapElements(
          rewriter, loc, threeSizes, convertElementType(type), LoopOperand{sums, identity},
          [&](OpBuilder &b, Location l, ValueRange args) { return castScalar(b, l, args.front(), wide, type); });
    }
    replace(op, reshapeTensor(rewriter, loc, sums, sizes), rewriter);
    return success();
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
    auto isLess = [&](Body n, Value p, Value q) { return lessInOrder(n, p, q, type); };
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

/// The rows in order make groups of equal ones. Everything but the number of groups, which the schedule reads, is of elements that do not
/// depend on each other.
class RowGroups {
public:
  RowGroups(OpBuilder &b, Location loc, Value matrix, OpFoldResult rows, Type type)
      : b(b), loc(loc), matrix(matrix), type(type), rows(rows), i64(b.getI64Type()) {}

  void sort();
  /// Groups are numbered as they occur.
  void renumber();

  /// The first row of each group, the group of each row, and how many rows each group has.
  Value first, inverse, counts;

private:
  using PointBuilder = function_ref<void(Body, Value, ValueRange, ValueRange)>;
  ResultRange forEach(OpFoldResult size, ValueRange inputs, ValueRange inits, PointBuilder body) {
    return exec::GridOp::create(b, loc, asIndex(b, loc, size), inputs, inits,
                                [&](OpBuilder &nested, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
                                  body(Body(nested, l), point[0], ins, outs);
                                })
        .getResults();
  }
  Value sortRows();
  Value emptyOf(OpFoldResult size) { return emptyTensor(b, loc, size, i64); }

  OpBuilder &b;
  Location loc;
  Value matrix;
  Type type;
  OpFoldResult rows, groups;
  Type i64;
};

/// The numbers of the rows in order. What rows of one element are sorted by is that; longer ones are compared where they are.
Value RowGroups::sortRows() {
  bool isSingle = cast<RankedTensorType>(matrix.getType()).getDimSize(1) == 1;
  SmallVector<Type> keys;
  if (isSingle)
    keys.push_back(convertElementType(type));
  return exec::SortOp::create(
             b, loc, ValueRange(), asIndex(b, loc, rows), /*axis=*/0, matrix, emptyOf(rows), keys,
             [&](OpBuilder &nested, Location l, ValueRange args) -> SmallVector<Value> {
               Body c(nested, l);
               return isSingle ? SmallVector<Value>{c.load(args[1], {args[0], c.index(0)})} : SmallVector<Value>();
             },
             [&](OpBuilder &nested, Location l, ValueRange args) -> SmallVector<Value> {
               Body c(nested, l);
               return {isSingle ? lessInOrder(c, args[2], args[3], type)
                                : Rows{args[2], type}.compare(c, args[0], args[1]).less};
             })
      .getResult(0);
}

void RowGroups::sort() {
  Value order = sortRows();
  Value sums = sumsBefore(b, loc, rows, {order, matrix}, [&](Body c, Value i, ValueRange ins) {
    return c.choose(
        c.equal(i, c.index(0)), [&](Body n) -> Body::Values { return {n.number(i64, 1)}; },
        [&](Body n) -> Body::Values {
          Value row = n.toIndex(n.load(ins[0], i)), before = n.toIndex(n.load(ins[0], n.sub(i, n.index(1))));
          Rows::Order o = Rows{ins[1], type}.compare(n, row, before);
          return {n.select(n.either(o.less, o.greater), n.number(i64, 1), n.number(i64, 0))};
        })[0];
  });
  groups = getAsOpFoldResult(readTotal(b, loc, sums));
  auto results = forEach(rows, {order, sums}, {emptyOf(rows), emptyOf(groups), emptyOf(groups)},
                         [&](Body c, Value i, ValueRange ins, ValueRange outs) {
                           Value before = c.load(ins[1], i), with = c.load(ins[1], c.add(i, c.index(1)));
                           Value row = c.load(ins[0], i), group = c.sub(with, c.number(i64, 1));
                           c.store(group, outs[0], c.toIndex(row));
                           c.when(c.less(before, with), [&](Body n) {
                             n.store(row, outs[1], n.toIndex(group));
                             n.store(n.toInteger(i), outs[2], n.toIndex(group));
                           });
                         });
  inverse = results[0];
  first = results[1];
  Value number = asIndex(b, loc, groups), end = asIndex(b, loc, rows);
  counts = forEach(groups, results[2], emptyOf(groups), [&](Body c, Value group, ValueRange ins, ValueRange outs) {
    Value next = c.add(group, c.index(1));
    Value behind = c.choose(
        c.less(next, number), [&](Body n) -> Body::Values { return {n.load(ins[0], next)}; },
        [&](Body n) -> Body::Values { return {n.toInteger(end)}; })[0];
    c.store(c.sub(behind, c.load(ins[0], group)), outs[0], group);
  })[0];
}

void RowGroups::renumber() {
  Value sums = sumsBefore(b, loc, rows, {first, inverse}, [&](Body c, Value i, ValueRange ins) {
    Value isFirst = c.equal(c.toIndex(c.load(ins[0], c.toIndex(c.load(ins[1], i)))), i);
    return c.select(isFirst, c.number(i64, 1), c.number(i64, 0));
  });
  auto numbered = forEach(groups, {first, counts, sums}, {emptyOf(groups), emptyOf(groups)},
                          [&](Body c, Value group, ValueRange ins, ValueRange outs) {
                            Value row = c.load(ins[0], group), at = c.toIndex(c.load(ins[2], c.toIndex(row)));
                            c.store(row, outs[0], at);
                            c.store(c.load(ins[1], group), outs[1], at);
                          });
  inverse = forEach(rows, {first, inverse, sums}, emptyOf(rows), [&](Body c, Value i, ValueRange ins, ValueRange outs) {
    Value row = c.load(ins[0], c.toIndex(c.load(ins[1], i)));
    c.store(c.load(ins[2], c.toIndex(row)), outs[0], i);
  })[0];
  first = numbered[0];
  counts = numbered[1];
}

struct UniqueRowsLowering : Lowering<nn::UniqueRowsOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::UniqueRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    OpFoldResult rows = sizeOf(rewriter, op.getLoc(), op.getInput(), adaptor.getInput(), 0);
    RowGroups groups(rewriter, op.getLoc(), adaptor.getInput(), rows, nn::typeOf(op.getInput()).getElementType());
    groups.sort();
    if (op.getByPlace())
      groups.renumber();
    replace(op, {groups.first, groups.inverse, groups.counts}, rewriter);
    return success();
  }
};

} // namespace

void populateScans(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<CumulateLowering, ReverseSequenceLowering, UniqueRowsLowering>(converter, patterns.getContext());
}

} // namespace nncc
