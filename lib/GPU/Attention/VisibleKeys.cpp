//===- VisibleKeys.cpp - which tiles of keys count for a block --------------------------------------------------------===//

#include "VisibleKeys.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Kernel/MaskBounds.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;
using kernel::MaskBounds;

/// The widest load.
static constexpr int64_t accessBits = 128;

VisibleKeys::VisibleKeys(IndexMath &m, const AttentionShape &shape, const BlockMasks &block, int64_t rows, int64_t keys,
                         Value thread, int64_t threads)
    : m(m), b(m.builder()), loc(m.location()), block(block), rows(rows), keys(keys), chunk(keys), thread(thread),
      threads(threads) {
  for (auto [number, mask] : llvm::enumerate(block.masks))
    if (mask.positionStride) {
      masks.push_back(mask);
      chunk = std::min({chunk, shape.getChunk(3 + number), accessBits / mask.element.getIntOrFloatBitWidth()});
    }
}

SoftmaxState VisibleKeys::carry(const SoftmaxState &start, Walk walk) {
  Value numTiles = m.ceilDiv(block.numKeys, keys);
  size_t numRows = start.largest.size();
  if (masks.empty())
    return SoftmaxState::split(walk(m.constant(0), numTiles, start.join()), numRows);
  SmallVector<Value> carried{m.constant(0), emitCount(numTiles)};
  llvm::append_range(carried, start.join());
  auto again = scf::WhileOp::create(
      b, loc, TypeRange(ValueRange(carried)), carried,
      [&](OpBuilder &, Location, ValueRange now) {
        Value first = now[0], end = now[1];
        SmallVector<Value> next{end, numTiles};
        llvm::append_range(next, walk(first, m.sub(end, first), now.drop_front(2)));
        // Also a barrier: what comes next may be written over what was read.
        Value seesNothing = emitSeesNothing(ValueRange(next).slice(2, numRows));
        scf::ConditionOp::create(b, loc, both(m, seesNothing, m.less(end, numTiles)), next);
      },
      [&](OpBuilder &, Location, ValueRange now) { scf::YieldOp::create(b, loc, now); });
  return SoftmaxState::split(again.getResults().drop_front(2), numRows);
}

/// Up to the last tile that counts; the first one always does.
Value VisibleKeys::emitCount(Value numTiles) {
  // From the last one on: a mask that hides nothing there costs one look.
  auto loop = scf::WhileOp::create(
      b, loc, b.getIndexType(), numTiles,
      [&](OpBuilder &, Location, ValueRange count) {
        Value no = arith::ConstantIntOp::create(b, loc, 0, 1);
        Value isHidden = select(m, m.less(m.constant(1), count.front()), no, [&] {
          Value yes = arith::ConstantIntOp::create(b, loc, 1, 1);
          return arith::XOrIOp::create(b, loc, emitIsVisible(m.sub(count.front(), 1)), yes).getResult();
        });
        scf::ConditionOp::create(b, loc, isHidden, count);
      },
      [&](OpBuilder &, Location, ValueRange count) { scf::YieldOp::create(b, loc, m.sub(count.front(), 1)); });
  return loop.getResult(0);
}

/// Whether a row sees a key of the tile. Behind the last row or key there is that one again.
Value VisibleKeys::emitIsVisible(Value tile) {
  constexpr int64_t mostAtOnce = 8;
  bool areByRow = llvm::any_of(masks, [](const AttentionMatrix &mask) { return mask.lineStride != nullptr; });
  int64_t perRow = keys / chunk, rowsAtOnce = threads / perRow, passes = areByRow ? rows / rowsAtOnce : 1;
  int64_t atOnce = std::min(passes, mostAtOnce);
  assert(threads % perRow == 0 && rows % rowsAtOnce == 0 && passes % atOnce == 0 && "a pass is for all threads");
  Value lastRow = m.sub(block.numRows, 1);
  Value key = m.add(m.mul(tile, keys), toIndex(m, m.mul(m.rem(thread, perRow), chunk)));
  key = m.min(key, m.sub(block.numKeys, chunk));
  Value row = m.add(block.firstRow, toIndex(m, m.div(thread, perRow)));
  Value no = arith::ConstantIntOp::create(b, loc, 0, 1);
  Value own = m.reduce(m.constant(passes / atOnce), no, [&](Value group, ValueRange now) -> SmallVector<Value> {
                 Value isVisible = now.front(), first = m.add(row, m.mul(group, atOnce * rowsAtOnce));
                 for (int64_t pass = 0; pass < atOnce; ++pass)
                   for (Value sees : emitSees(m.min(m.add(first, pass * rowsAtOnce), lastRow), key))
                     isVisible = arith::OrIOp::create(b, loc, isVisible, sees);
                 return {isVisible};
               }).front();
  return emitBarrierAny(m, own);
}

/// Whether a row sees each of the keys of a chunk: no mask hides it. NaN hides nothing.
SmallVector<Value> VisibleKeys::emitSees(Value row, Value firstKey) {
  SmallVector<Value> all(chunk);
  for (const AttentionMatrix &mask : masks) {
    Value bound = arith::ConstantOp::create(b, loc, b.getFloatAttr(mask.element, MaskBounds::hidden));
    Value elements = loadElements(m, mask.getAddress(m, row, firstKey), mask.element, chunk, ReadKind::Constant);
    for (auto [sees, element] : llvm::zip_equal(all, splitVector(m, elements)))
      sees = both(m, sees, arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UGT, element, bound));
  }
  return all;
}

/// Whether the largest score of a row of the block is that of a hidden key. The same for all threads.
Value VisibleKeys::emitSeesNothing(ValueRange largest) {
  Value bound = arith::ConstantOp::create(b, loc, b.getFloatAttr(largest.front().getType(), MaskBounds::visible));
  Value own;
  for (Value row : largest) {
    Value isHidden = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, row, bound);
    own = own ? arith::OrIOp::create(b, loc, own, isHidden) : isHidden;
  }
  return emitBarrierAny(m, own);
}
