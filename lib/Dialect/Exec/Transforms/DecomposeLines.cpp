//===- DecomposeLines.cpp - sorts and scans as loops ----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "nncc/Dialect/Exec/Transforms/Heap.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"

#define DEBUG_TYPE "exec-decompose-lines"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_DECOMPOSELINES
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

/// Writes the region here, for these arguments; gives what it yields.
static Body::Values inlineRegion(Body c, Region &region, ValueRange arguments) {
  IRMapping mapping;
  Block &block = region.front();
  mapping.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    c.b.clone(op, mapping);
  return llvm::map_to_vector(block.getTerminator()->getOperands(),
                             [&](Value value) { return mapping.lookupOrDefault(value); });
}

static Body::Values join(std::initializer_list<ValueRange> parts) {
  Body::Values result;
  for (ValueRange part : parts)
    llvm::append_range(result, part);
  return result;
}

namespace {

/// One line of a sort: keeps the best elements so far in a heap with the last of them at the root, and sorts it at the end.
class SortedLine {
public:
  SortedLine(SortOp op, ValueRange point, ValueRange inputs, ValueRange outputs)
      : op(op), point(point), inputs(inputs), outputs(outputs) {}

  void emit(Body c) const;

private:
  Line getLine(Value memref) const { return {memref, SmallVector<Value>(point), int64_t(op.getAxis())}; }
  Body::Values getKeys(Body c, Value number) const {
    return inlineRegion(c, op.getKey(), join({point, number, inputs}));
  }
  Value isBefore(Body c, Value x, Value y) const;

  mutable SortOp op; // a handle, none of whose methods is const
  ValueRange point, inputs, outputs;
};

} // namespace

/// A total order.
Value SortedLine::isBefore(Body c, Value x, Value y) const {
  Body::Values a = getKeys(c, x), b = getKeys(c, y);
  auto compare = [&](Value x, Value y, ValueRange a, ValueRange b) {
    return inlineRegion(c, op.getBefore(), join({point, x, y, a, b, inputs})).front();
  };
  Value before = compare(x, y, a, b), behind = compare(y, x, b, a);
  return c.either(before, c.both(c.isNot(behind), c.less(x, y)));
}

void SortedLine::emit(Body c) const {
  auto comesBehind = [&](Body n, Value x, Value y) { return isBefore(n, y, x); };
  Heap heap(getLine(outputs.front()), comesBehind);
  Value zero = c.index(0), k = c.dim(outputs.front(), op.getAxis()), length = op.getLength();
  c.loop(zero, k, [&](Body n, Value i) { heap.set(n, i, i); });
  heap.build(c, k);
  c.when(c.less(zero, k), [&](Body any) {
    any.loop(k, length, [&](Body n, Value i) {
      Value last = heap.get(n, n.index(0));
      n.when(comesBehind(n, last, i), [&](Body better) {
        heap.set(better, i, better.index(0));
        heap.siftDown(better, better.index(0), k);
      });
    });
  });
  heap.sort(c, k);
  if (outputs.size() > 1)
    c.loop(zero, k, [&](Body n, Value i) {
      for (auto [key, output] : llvm::zip_equal(getKeys(n, heap.get(n, i)), outputs.drop_front()))
        getLine(output).store(n, key, i);
    });
}

static GridOp decompose(OpBuilder &b, SortOp op) {
  return GridOp::create(b, op.getLoc(), op.getSizes(), op.getInputs(), op.getInits(),
                        [&](OpBuilder &nested, Location loc, ValueRange point, ValueRange ins, ValueRange outs) {
                          SortedLine(op, point, ins, outs).emit(Body(nested, loc));
                        });
}

static GridOp decompose(OpBuilder &b, ScanOp op) {
  return GridOp::create(b, op.getLoc(), op.getSizes(), op.getInputs(), op.getInit(),
                        [&](OpBuilder &nested, Location loc, ValueRange point, ValueRange ins, ValueRange outs) {
                          Body c(nested, loc);
                          Value length = op.getLength(), last = c.sub(length, c.index(1));
                          Line line{outs.front(), SmallVector<Value>(point), int64_t(op.getAxis())};
                          Value neutral = arith::ConstantOp::create(nested, loc, cast<TypedAttr>(op.getNeutral()));
                          c.loop(c.index(0), length, neutral, [&](Body n, Value i, ValueRange sum) -> Body::Values {
                            Value at = op.getReverse() ? n.sub(last, i) : i;
                            Value element = inlineRegion(n, op.getElement(), join({point, at, ins})).front();
                            Value next = inlineRegion(n, op.getCombine(), {sum.front(), element}).front();
                            line.store(n, op.getExclusive() ? sum.front() : next, at);
                            return {next};
                          });
                        });
}

namespace {

class DecomposeLinesPass : public impl::DecomposeLinesBase<DecomposeLinesPass> {
public:
  using DecomposeLinesBase::DecomposeLinesBase;

  void runOnOperation() override {
    SmallVector<Operation *> found;
    getOperation().walk([&](Operation *op) {
      auto kernel = op->getParentOfType<KernelOp>();
      if (isa<SortOp, ScanOp>(op) && (!onHost || (kernel && kernel.getHost())))
        found.push_back(op);
    });
    for (Operation *op : found) {
      OpBuilder b(op);
      auto sort = dyn_cast<SortOp>(op);
      GridOp grid = sort ? decompose(b, sort) : decompose(b, cast<ScanOp>(op));
      op->replaceAllUsesWith(grid.getResults());
      op->erase();
    }
  }
};

} // namespace
} // namespace nncc::exec
