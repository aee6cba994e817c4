//===- NestTiles.cpp - operands that are read across, through shared memory -----------------------------------------===//
//
// A block has a tile of 32 x 32 points. It reads what lies across with neighbouring threads at neighbouring elements, puts it in shared memory,
// and takes it from there with neighbouring threads at neighbouring elements of the results: global memory is touched in whole lines both ways.
// A row of the tile takes an odd number of words, so that the elements of a column are in different banks.
//
//===----------------------------------------------------------------------------------------------------------------===//

#include "Lines.h"
#include "NestEmitter.h"
#include "Points.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static constexpr int64_t side = 32;

/// Elements from one row of a tile in shared memory to the next.
static int64_t getRowLength(const Access &access) {
  constexpr int64_t word = 4;
  return side + std::max<int64_t>(1, word / exec::getElementBytes(getElementTypeOrSelf(access.tensor)));
}

static int64_t getBytes(const Access &access) {
  int64_t elementBytes = exec::getElementBytes(getElementTypeOrSelf(access.tensor));
  return llvm::alignTo(side * getRowLength(access) * elementBytes, 16);
}

SmallVector<const Access *> NestEmitter::getTransposed() const {
  llvm::SmallDenseSet<AccessKey> seen;
  SmallVector<const Access *> result;
  for (const Nest &nest : graph.nests)
    for (const Access &access : nest.operands)
      if (access.isRead && !graph.getProducer(access.tensor).first &&
          access.isTransposed(plan.tileClass, plan.shared.back()) && seen.insert(getKey(access)).second)
        result.push_back(&access);
  return result;
}

int64_t NestEmitter::getTileBytes() const {
  int64_t bytes = 0;
  for (const Access *access : getTransposed())
    bytes += getBytes(*access);
  return bytes;
}

/// In the order of the shared classes.
SmallVector<Value> NestEmitter::getTileSizes() {
  return llvm::map_to_vector(plan.shared, [&](unsigned loop) {
    bool isCut = int(loop) == plan.tileClass || loop == plan.shared.back();
    return isCut ? m.ceilDiv(sizes[loop], side) : sizes[loop];
  });
}

Value NestEmitter::getNumTiles() { return nncc::gpu::getNumPoints(b, loc, getTileSizes()); }

void NestEmitter::forEachOfTile(Value thread, ArrayRef<Value> tile, unsigned lanes,
                                function_ref<void(Value, Value)> body) {
  unsigned inner = plan.shared.back(), lines = lanes == inner ? plan.tileClass : inner;
  int64_t linesAtOnce = plan.team.getThreads() / side;
  for (int64_t first = 0; first < side; first += linesAtOnce) {
    Value lane = m.rem(thread, side), line = m.add(m.div(thread, side), first);
    Value exists = arith::ConstantIntOp::create(b, loc, 1, 1);
    for (auto [loop, index] : llvm::zip_equal(plan.shared, tile))
      ivs[loop] = index;
    for (auto [loop, offset] : {std::pair(lanes, lane), std::pair(lines, line)}) {
      ivs[loop] = m.add(m.mul(ivs[loop], side), offset);
      exists = b.createOrFold<arith::AndIOp>(loc, exists, m.less(ivs[loop], sizes[loop]));
    }
    m.ifThen(exists, [&] { body(lane, line); });
  }
}

void NestEmitter::emitTiles(const DeviceFunction &function) {
  unsigned inner = plan.shared.back();
  SmallVector<Value> tile = getPoint(b, loc, function.block, getTileSizes());
  SmallVector<const Access *> transposed = getTransposed();
  SmallVector<Value> memories;
  int64_t offset = 0;
  for (const Access *access : transposed) {
    memories.push_back(viewBytes(b, loc, function.shared, m.constant(offset), getElementTypeOrSelf(access->tensor),
                                 m.constant(side * getRowLength(*access))));
    offset += getBytes(*access);
  }
  forEachOfTile(function.thread, tile, plan.tileClass, [&](Value lane, Value line) {
    for (auto [access, memory] : llvm::zip_equal(transposed, memories))
      memref::StoreOp::create(b, loc, load(*access), memory, m.add(m.mul(line, getRowLength(*access)), lane));
  });
  createBarrier(b, loc);
  forEachOfTile(function.thread, tile, inner, [&](Value lane, Value line) {
    for (auto [access, memory] : llvm::zip_equal(transposed, memories))
      tileValues[getKey(*access)] =
          memref::LoadOp::create(b, loc, memory, m.add(m.mul(lane, getRowLength(*access)), line));
    emitGroup(plan.groups.front());
    rowValues.clear();
    bodyValues.clear();
    tileValues.clear();
  });
}
