//===- RegisterTile.cpp - the inner loop: a tile of sums in vector registers ----------------------------------------===//

#include "RegisterTile.h"
#include "Steps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// Writes the loops of a reduction from the outside in.
class ReductionEmitter {
public:
  ReductionEmitter(IndexMath &m, Steps &steps, const LeftTile &left, const RightTile &right,
                   ArrayRef<ReductionLoop> loops)
      : m(m), steps(steps), left(left), right(right), loops(loops) {}

  SmallVector<Value> emit(unsigned depth, Value leftAt, Value depthAt, ValueRange accumulators) {
    if (depth == loops.size())
      return emitStep(leftAt, depthAt, accumulators);
    const ReductionLoop &loop = loops[depth];
    return m.reduce(loop.count, accumulators, [&](Value i, ValueRange carried) {
      return emit(depth + 1, m.add(leftAt, m.mul(i, loop.leftStep)), m.add(depthAt, m.mul(i, loop.depthStep)), carried);
    });
  }

private:
  SmallVector<Value> emitStep(Value leftAt, Value depthAt, ValueRange accumulators) {
    Value stepped = m.mul(depthAt, right.depthStride), rightAt = m.add(right.base, stepped);
    for (Value prefetch : right.prefetches)
      memref::PrefetchOp::create(m.builder(), m.location(), right.memref,
                                 m.add(prefetch, m.mul(depthAt, right.prefetchStride)),
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
    SmallVector<Value> rows, columns;
    for (Value offset : right.offsets)
      columns.push_back(m.add(rightAt, offset));
    for (Value offset : left.offsets)
      rows.push_back(m.add(leftAt, offset));
    return steps.step(left.memref, rows, right.memref, columns, right.masks, accumulators);
  }

  IndexMath &m;
  Steps &steps;
  const LeftTile &left;
  const RightTile &right;
  ArrayRef<ReductionLoop> loops;
};

} // namespace

SmallVector<Value> cpu::emitRegisterTile(IndexMath &m, const ElementKind &kind, const LeftTile &left,
                                         const RightTile &right, ArrayRef<ReductionLoop> loops, ValueRange sums) {
  std::unique_ptr<Steps> steps = Steps::create(m, kind, right.offsets.size());
  SmallVector<Value> accumulators = steps->begin(sums);
  accumulators = ReductionEmitter(m, *steps, left, right, loops).emit(0, left.base, m.constant(0), accumulators);
  return steps->finish(accumulators, sums);
}
