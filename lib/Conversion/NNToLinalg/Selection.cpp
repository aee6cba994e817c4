//===- Selection.cpp - sorting, searching and scattering to linalg and exec -----------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "Sorting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "nncc/Dialect/Exec/Transforms/Heap.h"

using namespace mlir;

namespace nncc {
namespace {

/// The only element of a parameter, read by the schedule.
Value readParameter(OpBuilder &b, Location loc, Value converted) {
  SmallVector<int64_t> first(cast<RankedTensorType>(converted.getType()).getRank(), 0);
  return readElement(b, loc, converted, first);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// TopK
//===----------------------------------------------------------------------------------------------------------------------===//

/// By value, in which NaN is the largest.
struct TopKLowering : Lowering<nn::TopKOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::TopKOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    int64_t axis = axisFromFront(op.getAxis(), input.getRank());
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    SmallVector<Value> grid;
    for (auto [i, size] : llvm::enumerate(sizes))
      if (int64_t(i) != axis)
        grid.push_back(asIndex(rewriter, loc, size));
    Value length = asIndex(rewriter, loc, sizes[axis]);
    OpFoldResult k = elementAsSize(rewriter, loc, op.getK(), adaptor.getK(), 0);
    nn::Dim known = nn::Dim::of(nn::typeOf(op.getValues()), axis), size = nn::Dim::of(input, axis);
    if (!known.isStatic() || !size.isStatic()) { // one unsigned comparison covers both ends
      Value number = asIndex(rewriter, loc, k);
      Value fits = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::ule, number, length);
      exec::CheckOp::create(rewriter, loc, fits,
                            rewriter.getStringAttr("TopK: k is not between 0 and the size of the axis"));
    }
    sizes[axis] = k;
    Value values = emptyTensor(rewriter, loc, sizes, convertElementType(input.getElementType()));
    Value indices = emptyTensor(rewriter, loc, sizes, rewriter.getI64Type());
    Type type = input.getElementType();
    int64_t rank = grid.size();
    auto sorted = exec::SortOp::create(
        rewriter, loc, grid, length, axis, adaptor.getInput(), ValueRange{indices, values}, convertElementType(type),
        [&](OpBuilder &b, Location l, ValueRange args) -> SmallVector<Value> {
          SmallVector<Value> position(args.take_front(rank));
          position.insert(position.begin() + axis, args[rank]);
          return {Body(b, l).load(args[rank + 1], position)};
        },
        [&](OpBuilder &b, Location l, ValueRange args) -> SmallVector<Value> {
          Value x = args[rank + 2], y = args[rank + 3];
          return {op.getSmallest() ? lessInOrder(Body(b, l), x, y, type) : lessInOrder(Body(b, l), y, x, type)};
        });
    replace(op, {sorted.getResult(1), sorted.getResult(0)}, rewriter);
    return success();
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// NonZero
//===----------------------------------------------------------------------------------------------------------------------===//

/// Elements that one tile looks at.
constexpr int64_t kBlock = 64;

/// Counts what each block has, then each block writes behind those before it.
struct NonZeroLowering : Lowering<nn::NonZeroOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::NonZeroOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType input = nn::typeOf(op.getInput());
    Sizes sizes = sizesOf(rewriter, loc, op.getInput(), adaptor.getInput());
    OpFoldResult total = rewriter.getIndexAttr(1);
    for (OpFoldResult size : sizes)
      total = mulSizes(rewriter, loc, total, size);
    Value flat = reshapeTensor(rewriter, loc, adaptor.getInput(), total);
    Value blocks = rewriter.createOrFold<arith::CeilDivSIOp>(loc, asIndex(rewriter, loc, total),
                                                             constantIndex(rewriter, loc, kBlock));
    Value counts = count(rewriter, loc, flat, blocks);
    Value sums = prefixSums(rewriter, loc, counts);
    Value init = emptyTensor(rewriter, loc, {rewriter.getIndexAttr(input.getRank()), readTotal(rewriter, loc, sums)},
                             rewriter.getI64Type());
    SmallVector<Value> bounds;
    for (OpFoldResult size : sizes)
      bounds.push_back(asIndex(rewriter, loc, size));
    auto grid = exec::GridOp::create(
        rewriter, loc, blocks, ValueRange{flat, sums}, init,
        [&](OpBuilder &b, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
          Body c(b, l);
          visit(c, point[0], ins[0], c.toIndex(c.load(ins[1], point[0])),
                [&](Body n, Value element, Value place) { writeCoordinates(n, bounds, element, place, outs[0]); });
        });
    replace(op, grid.getResult(0), rewriter);
    return success();
  }

private:
  static Value count(OpBuilder &b, Location loc, Value flat, Value blocks) {
    Value init = emptyTensor(b, loc, getAsOpFoldResult(blocks), b.getI64Type());
    auto grid =
        exec::GridOp::create(b, loc, blocks, flat, init,
                             [&](OpBuilder &nested, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
                               Body c(nested, l);
                               Value found = visit(c, point[0], ins[0], c.index(0), [](Body, Value, Value) {});
                               c.store(c.toInteger(found), outs[0], point[0]);
                             });
    return grid.getResult(0);
  }

  /// Calls `found` for each element of a block that is not zero, with its place: `first` and counting. Returns the next place.
  static Value visit(Body c, Value block, Value flat, Value first, function_ref<void(Body, Value, Value)> found) {
    Value start = c.mul(block, c.index(kBlock)), end = c.min(c.add(start, c.index(kBlock)), c.dim(flat, 0));
    return c.loop(start, end, first, [&](Body n, Value i, ValueRange place) -> Body::Values {
      Value element = n.load(flat, i);
      Value isZero = n.equal(element, n.number(element.getType(), 0));
      Value hit = n.isNot(isZero);
      n.when(hit, [&](Body y) { found(y, i, place[0]); });
      return {n.add(place[0], n.select(hit, n.index(1), n.index(0)))};
    })[0];
  }

  static void writeCoordinates(Body c, ArrayRef<Value> bounds, Value element, Value place, Value target) {
    for (int64_t i = bounds.size() - 1; i >= 0; --i) {
      Value coordinate = i ? c.rem(element, bounds[i]) : element;
      c.store(c.toInteger(coordinate), target, {c.index(i), place});
      element = i ? c.div(element, bounds[i]) : element;
    }
  }
};

//===----------------------------------------------------------------------------------------------------------------------===//
// NonMaxSuppression
//===----------------------------------------------------------------------------------------------------------------------===//

struct Box {
  Value low[2], high[2];
};

/// What every line of scores is selected with.
struct Suppression {
  Value maxBoxes, iouThreshold, scoreThreshold; ///< the last may be null
  bool centerPoint;

  Box loadBox(Body c, Value boxes, Value batch, Value number) const {
    Value fields[4];
    for (int64_t i = 0; i < 4; ++i)
      fields[i] = c.load(boxes, {batch, number, c.index(i)});
    Box box;
    for (int64_t i = 0; i < 2; ++i) {
      if (centerPoint) {
        Value half = c.div(fields[i + 2], c.number(fields[i].getType(), 2));
        box.low[i] = c.sub(fields[i], half);
        box.high[i] = c.add(fields[i], half);
      } else {
        Value swapped = c.less(fields[i + 2], fields[i]);
        box.low[i] = c.select(swapped, fields[i + 2], fields[i]);
        box.high[i] = c.select(swapped, fields[i], fields[i + 2]);
      }
    }
    return box;
  }

  static Value area(Body c, const Box &box) {
    return c.mul(c.sub(box.high[0], box.low[0]), c.sub(box.high[1], box.low[1]));
  }

  /// Boxes without an area overlap with nothing. Comparisons are false for NaN.
  Value overlaps(Body c, const Box &x, const Box &y) const {
    Box common;
    Value positive = c.yes();
    for (int64_t i = 0; i < 2; ++i) {
      common.low[i] = c.select(c.less(x.low[i], y.low[i]), y.low[i], x.low[i]);
      common.high[i] = c.select(c.less(x.high[i], y.high[i]), x.high[i], y.high[i]);
      positive = c.both(positive, c.less(common.low[i], common.high[i]));
    }
    Value inner = area(c, common), outer = c.sub(c.add(area(c, x), area(c, y)), inner);
    Value zero = c.number(inner.getType(), 0);
    for (Value each : {inner, area(c, x), area(c, y), outer})
      positive = c.both(positive, c.less(zero, each));
    return c.both(positive, c.less(iouThreshold, c.div(inner, outer)));
  }

  /// Selects the boxes of one line of scores; returns how many. The line `chosen`, as long as that of the scores, has the candidates in a
  /// heap at its front and, from its end on backwards, what was selected: there are never more of these than have left the heap.
  Value selectLine(Body c, Value boxes, Value batch, const Line &scores, const Line &chosen) const {
    auto isBetter = [scores](Body n, Value x, Value y) {
      Value a = scores.load(n, x), b = scores.load(n, y);
      Value aIsNumber = n.equal(a, a), bIsNaN = n.isNot(n.equal(b, b));
      Value higher = n.either(n.less(b, a), n.both(aIsNumber, bIsNaN));
      Value lower = n.either(n.less(a, b), n.both(n.isNot(aIsNumber), n.isNot(bIsNaN)));
      return n.either(higher, n.both(n.isNot(lower), n.less(x, y)));
    };
    Heap heap(chosen, isBetter);
    Value zero = c.index(0), one = c.index(1), count = c.dim(scores.memref, 2);
    Value candidates = c.loop(zero, count, zero, [&](Body n, Value i, ValueRange size) -> Body::Values {
      Value counts = scoreThreshold ? n.less(scoreThreshold, scores.load(n, i)) : n.yes();
      n.when(counts, [&](Body y) { heap.set(y, i, size[0]); });
      return {n.add(size[0], n.select(counts, one, zero))};
    })[0];
    heap.build(c, candidates);
    auto take = [&](Body n, ValueRange carried) -> Body::Values { // heap size, selected
      auto pop = [&](Body y) -> Body::Values {
        Value best = heap.get(y, zero), rest = y.sub(carried[0], one);
        heap.set(y, heap.get(y, rest), zero);
        y.when(y.less(zero, rest), [&](Body z) { heap.siftDown(z, zero, rest); });
        Value free = isFree(y, boxes, batch, heap, best, carried[1], count);
        y.when(free, [&](Body z) { heap.set(z, best, z.sub(z.sub(count, one), carried[1])); });
        return {y.yes(), rest, y.add(carried[1], y.select(free, one, zero))};
      };
      Value goesOn = n.both(n.less(zero, carried[0]), n.less(carried[1], maxBoxes));
      return n.choose(goesOn, pop, [&](Body y) -> Body::Values { return {y.no(), carried[0], carried[1]}; });
    };
    return c.repeat({candidates, zero}, take)[1];
  }

private:
  /// Whether no box that was selected before overlaps with `number`.
  Value isFree(Body c, Value boxes, Value batch, const Heap &heap, Value number, Value selected, Value count) const {
    Box box = loadBox(c, boxes, batch, number);
    auto next = [&](Body n, ValueRange carried) -> Body::Values { // how many were looked at, whether free
      auto look = [&](Body y) -> Body::Values {
        Value other = heap.get(y, y.sub(y.sub(count, y.index(1)), carried[0]));
        Value free = y.isNot(overlaps(y, box, loadBox(y, boxes, batch, other)));
        return {free, y.add(carried[0], y.index(1)), free};
      };
      return n.choose(n.less(carried[0], selected), look,
                      [&](Body y) -> Body::Values { return {y.no(), carried[0], carried[1]}; });
    };
    return c.repeat({c.index(0), c.yes()}, next)[1];
  }
};

struct NonMaxSuppressionLowering : Lowering<nn::NonMaxSuppressionOp> {
  using Lowering::Lowering;
  LogicalResult matchAndRewrite(nn::NonMaxSuppressionOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    checkSizes(op, adaptor, rewriter);
    Suppression suppression = readParameters(op, adaptor, rewriter);
    Sizes sizes = sizesOf(rewriter, loc, op.getScores(), adaptor.getScores());
    Value classes = asIndex(rewriter, loc, sizes[1]);
    OpFoldResult lines = mulSizes(rewriter, loc, sizes[0], sizes[1]);
    Value lineCount = asIndex(rewriter, loc, lines);
    Value chosenInit = emptyTensor(rewriter, loc, {lines, sizes[2]}, rewriter.getI64Type());
    Value countsInit = emptyTensor(rewriter, loc, lines, rewriter.getI64Type());
    auto chosen =
        exec::GridOp::create(rewriter, loc, lineCount, ValueRange{adaptor.getBoxes(), adaptor.getScores()},
                             ValueRange{chosenInit, countsInit},
                             [&](OpBuilder &b, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
                               Body c(b, l);
                               Value batch = c.div(point[0], classes), category = c.rem(point[0], classes);
                               Line scores{ins[1], {batch, category}, 2}, places{outs[0], {point[0]}, 1};
                               Value count = suppression.selectLine(c, ins[0], batch, scores, places);
                               c.store(c.toInteger(count), outs[1], point[0]);
                             });
    Value sums = prefixSums(rewriter, loc, chosen.getResult(1));
    Value init =
        emptyTensor(rewriter, loc, {readTotal(rewriter, loc, sums), rewriter.getIndexAttr(3)}, rewriter.getI64Type());
    auto result =
        exec::GridOp::create(rewriter, loc, lineCount, ValueRange{chosen.getResult(0), sums}, init,
                             [&](OpBuilder &b, Location l, ValueRange point, ValueRange ins, ValueRange outs) {
                               writeLine(Body(b, l), point[0], classes, ins[0], ins[1], outs[0]);
                             });
    replace(op, result.getResult(0), rewriter);
    return success();
  }

private:
  static void checkSizes(nn::NonMaxSuppressionOp op, OpAdaptor adaptor, OpBuilder &b) {
    Location loc = op.getLoc();
    Sizes boxes = sizesOf(b, loc, op.getBoxes(), adaptor.getBoxes()),
          scores = sizesOf(b, loc, op.getScores(), adaptor.getScores());
    auto check = [&](const nn::Dim &x, const nn::Dim &y, OpFoldResult sizeX, OpFoldResult sizeY) {
      if (x == y)
        return;
      Value same =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, asIndex(b, loc, sizeX), asIndex(b, loc, sizeY));
      exec::CheckOp::create(b, loc, same, b.getStringAttr("boxes and scores of NonMaxSuppression differ in size"));
    };
    RankedTensorType boxType = nn::typeOf(op.getBoxes()), scoreType = nn::typeOf(op.getScores());
    check(nn::Dim::of(boxType, 0), nn::Dim::of(scoreType, 0), boxes[0], scores[0]);
    check(nn::Dim::of(boxType, 1), nn::Dim::of(scoreType, 2), boxes[1], scores[2]);
    check(nn::Dim::of(boxType, 2), 4, boxes[2], b.getIndexAttr(4));
  }

  static Suppression readParameters(nn::NonMaxSuppressionOp op, OpAdaptor adaptor, OpBuilder &b) {
    Body c(b, op.getLoc());
    Suppression result;
    result.centerPoint = op.getCenterPointBox();
    result.maxBoxes =
        asIndex(b, op.getLoc(), elementAsSize(b, op.getLoc(), op.getMaxBoxes(), adaptor.getMaxBoxes(), 0));
    result.iouThreshold = readParameter(b, op.getLoc(), adaptor.getIouThreshold());
    if (op.getScoreThreshold())
      result.scoreThreshold = readParameter(b, op.getLoc(), adaptor.getScoreThreshold());
    Value zero = c.number(b.getF32Type(), 0), one = c.number(b.getF32Type(), 1);
    exec::CheckOp::create(b, op.getLoc(),
                          c.both(c.lessEqual(zero, result.iouThreshold), c.lessEqual(result.iouThreshold, one)),
                          b.getStringAttr("iou_threshold of NonMaxSuppression is not between 0 and 1"));
    return result;
  }

  static void writeLine(Body c, Value line, Value classes, Value chosen, Value sums, Value target) {
    Value first = c.toIndex(c.load(sums, line)), end = c.toIndex(c.load(sums, c.add(line, c.index(1))));
    Value batch = c.toInteger(c.div(line, classes)), category = c.toInteger(c.rem(line, classes));
    Value last = c.sub(c.dim(chosen, 1), c.index(1));
    c.loop(first, end, [&](Body n, Value row) {
      n.store(batch, target, {row, n.index(0)});
      n.store(category, target, {row, n.index(1)});
      n.store(n.load(chosen, {line, n.sub(last, n.sub(row, first))}), target, {row, n.index(2)});
    });
  }
};

} // namespace

void populateSelection(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<TopKLowering, NonZeroLowering, NonMaxSuppressionLowering>(converter, patterns.getContext());
}

} // namespace nncc
