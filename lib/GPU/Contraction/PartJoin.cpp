//===- PartJoin.cpp - the last block of a tile adds the sums of its parts -------------------------------------------===//

#include "PartJoin.h"
#include "../KernelFunction.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static constexpr int64_t counterSize = 4;

PartJoin::PartJoin(const BlockProduct &product, const ElementKind &kind, int64_t numParts, int64_t numTiles)
    : product(product), kind(kind), numParts(numParts), numTiles(numTiles),
      numSums(product.getNumRows() * product.getNumGroups() * product.getGroupSize()) {
  constexpr int64_t accessBytes = 16;
  width = accessBytes / kind.getSumBytes();
  while (numSums % width != 0)
    width /= 2;
}

bool PartJoin::canCount(int64_t numTiles) { return numTiles * counterSize <= counterBytes; }

Value PartJoin::getPlace(IndexMath &m, const Block &block, Value number, int64_t first) const {
  Value offset = m.add(m.mul(number, getSumsOfBlock()), m.mul(block.thread, width));
  return movePointer(m, block.sums, m.add(offset, first * product.getThreads()), kind.sum);
}

Value PartJoin::count(IndexMath &m, const Block &block, Value counter) const {
  Type i32 = m.builder().getI32Type();
  emitFence(m); // before any thread of the block counts it, all have left their sums
  emitBarrier(m);
  Value isFirst = m.equal(block.thread, m.constant(0));
  m.ifThen(isFirst, [&] {
    Value before = addAtomically(m, counter, m.constant(1, i32));
    storeElements(m, before, block.shared);
  });
  emitBarrier(m);
  Value isLast = m.equal(loadElements(m, block.shared, i32, 1), m.constant(numParts - 1, i32));
  emitFence(m);
  // For the next launch; nobody else looks any more.
  m.ifThen(both(m, isLast, isFirst), [&] { storeElements(m, m.constant(0, i32), counter); });
  return isLast;
}

SmallVector<Value> PartJoin::load(IndexMath &m, const Block &block, Value number) const {
  SmallVector<Value> sums;
  for (int64_t first = 0; first < numSums; first += width)
    sums.push_back(loadElements(m, getPlace(m, block, number, first), kind.sum, width));
  return sums;
}

void PartJoin::join(IndexMath &m, const Block &block, ValueRange sums, function_ref<void(ValueRange)> finish) const {
  for (int64_t first = 0; first < numSums; first += width)
    storeElements(m, joinVector(m, sums.slice(first, width)), getPlace(m, block, block.number, first));
  Value tile = m.rem(block.number, numTiles);
  Value isLast = count(m, block, movePointer(m, block.counters, tile, m.builder().getI32Type()));
  m.ifThen(isLast, [&] {
    auto add = [&](Value part, ValueRange before) {
      SmallVector<Value> next;
      SmallVector<Value> own = load(m, block, m.add(m.mul(m.add(part, 1), numTiles), tile));
      for (auto [sum, more] : llvm::zip_equal(before, own))
        next.push_back(kind.add(m, sum, more));
      return next;
    };
    SmallVector<Value> elements;
    for (Value vector : reduceRolled(m, m.constant(numParts - 1), load(m, block, tile), add))
      llvm::append_range(elements, splitVector(m, vector));
    finish(elements);
  });
}
