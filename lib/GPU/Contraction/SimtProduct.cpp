//===- SimtProduct.cpp - sums in registers, one multiply-add at a time -----------------------------------------------===//

#include "SimtProduct.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// Operands in shared memory
//===----------------------------------------------------------------------------------------------------------------===//

OperandTile::Place SimtOperand::getPlace(IndexMath &m, Value thread) const {
  Place place;
  if (!isAlongDepth) {
    int64_t perLine = lines / chunk; // threads
    assert(threads % perLine == 0 && "a thread stays in its lines");
    place.line = m.mul(m.rem(thread, perLine), chunk);
    place.k = m.div(thread, perLine);
    for (int64_t pass = 0; pass < getPasses(); ++pass) {
      place.lineOffsets.push_back(0);
      place.depthOffsets.push_back(pass * (threads / perLine));
    }
    return place;
  }
  // Two threads a line, so that a warp writes to 32 banks; they go on along the depth once all lines have been visited.
  constexpr int64_t adjacent = 2;
  int64_t linesAtOnce = threads / adjacent;
  Value pair = m.div(thread, adjacent);
  place.line = m.rem(pair, lines);
  place.k = m.add(m.mul(m.rem(thread, adjacent), chunk), m.mul(m.div(pair, lines), adjacent * chunk));
  for (int64_t pass = 0; pass < getPasses(); ++pass) {
    int64_t first = pass * linesAtOnce;
    place.lineOffsets.push_back(first % lines);
    place.depthOffsets.push_back(first / lines * adjacent * chunk);
  }
  return place;
}

void SimtOperand::store(IndexMath &m, ValueRange chunks, const Place &place, Value shared) const {
  Type element = getElementTypeOrSelf(chunks.front());
  Value first = movePointer(m, shared, m.add(m.mul(place.k, getPitch()), place.line), element);
  for (auto [pass, elements] : llvm::enumerate(chunks)) {
    Value target = moveBytes(m, first, (place.depthOffsets[pass] * getPitch() + place.lineOffsets[pass]) * bytes);
    if (!isAlongDepth) {
      storeElements(m, elements, target);
      continue;
    }
    for (auto [i, value] : llvm::enumerate(splitVector(m, elements)))
      storeElements(m, value, moveBytes(m, target, i * getPitch() * bytes));
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------===//

static constexpr int64_t chunkSize = 4;

SimtProduct::SimtProduct(const SimtTile &tile, const ElementKind &kind, bool isRightAlongDepth)
    : tile(tile), kind(kind),
      left(tile.getRows(), tile.depth, tile.getThreads(), /*isAlongDepth=*/true, kind.getSumBytes(), chunkSize),
      right(tile.getColumns(), tile.depth, tile.getThreads(), isRightAlongDepth, kind.getSumBytes(), chunkSize) {
  assert(left.getPasses() > 0 && right.getPasses() > 0 && "a part of K is too small for all threads");
}

/// 64 sums, what feeds them, and what is under way take 151 to 156 registers; with 128, which would be enough for two blocks of 256 threads,
/// ptxas spills.
int64_t SimtProduct::getBlocksPerProcessor() const {
  constexpr int64_t registers = 64 << 10, perThread = 168;
  return registers / perThread / getThreads();
}

Value SimtProduct::getRow(IndexMath &m, Value thread) const {
  Value warp = m.div(m.div(thread, SimtTile::warpSize), tile.warpColumns);
  Value lane = m.div(m.rem(thread, SimtTile::warpSize), SimtTile::laneColumns);
  return m.add(m.mul(warp, tile.getRowsPerWarp()), m.mul(lane, SimtTile::quad));
}

Value SimtProduct::getColumn(IndexMath &m, Value thread, int64_t group) const {
  Value warp = m.rem(m.div(thread, SimtTile::warpSize), tile.warpColumns);
  Value lane = m.rem(thread, SimtTile::laneColumns);
  Value first = m.add(m.mul(warp, tile.getColumnsPerWarp()), m.mul(lane, SimtTile::quad));
  return m.add(first, group * SimtTile::quad * SimtTile::laneColumns);
}

Value SimtProduct::getRowDistance(IndexMath &m, Value number) const {
  Value quads = m.mul(m.div(number, SimtTile::quad), SimtTile::quad * SimtTile::laneRows);
  return m.add(quads, m.rem(number, SimtTile::quad));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Parts of K
//===----------------------------------------------------------------------------------------------------------------===//

void SimtProduct::fill(IndexMath &m, TileLoader &leftLoader, TileLoader &rightLoader, ValueRange leftChunks,
                       ValueRange rightChunks, Value buffer) const {
  auto widened = [&](ValueRange chunks, bool isUnsigned) {
    return llvm::map_to_vector(chunks, [&](Value chunk) { return kind.widen(m, chunk, isUnsigned); });
  };
  left.store(m, widened(leftChunks, kind.leftUnsigned), leftLoader.getPlace(), buffer);
  right.store(m, widened(rightChunks, kind.rightUnsigned), rightLoader.getPlace(),
              moveBytes(m, buffer, left.getSharedBytes()));
}

SmallVector<Value> SimtProduct::multiply(IndexMath &m, Value thread, Value buffer, ValueRange sums) const {
  Value leftPointer = movePointer(m, buffer, getRow(m, thread), kind.sum);
  Value rightPointer = movePointer(m, moveBytes(m, buffer, left.getSharedBytes()), getColumn(m, thread, 0), kind.sum);
  auto loadLine = [&](Value pointer, const SimtOperand &operand, int64_t k, int64_t quads, int64_t lanes) {
    SmallVector<Value> line;
    for (int64_t quad = 0; quad < quads; ++quad) {
      int64_t offset = k * operand.getPitch() + quad * SimtTile::quad * lanes;
      Value at = moveBytes(m, pointer, offset * operand.bytes);
      line.append(splitVector(m, loadElements(m, at, kind.sum, SimtTile::quad)));
    }
    return line;
  };
  SmallVector<Value> results(sums);
  for (int64_t k = 0; k < tile.depth; ++k) {
    SmallVector<Value> rows = loadLine(leftPointer, left, k, tile.rowQuads, SimtTile::laneRows);
    SmallVector<Value> columns = loadLine(rightPointer, right, k, tile.columnQuads, SimtTile::laneColumns);
    for (auto [i, row] : llvm::enumerate(rows))
      for (auto [j, column] : llvm::enumerate(columns)) {
        Value &sum = results[i * columns.size() + j];
        sum = kind.multiplyAdd(m, row, column, sum);
      }
  }
  return results;
}

SmallVector<Value> SimtProduct::emit(IndexMath &m, Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
                                     Value depth, Value shared) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto constant = [&](int64_t value) { return m.constant(value, b.getI32Type()); };
  auto [count, first] = cutDepth(m, depth, tile.depth);
  SmallVector<Value> leftState = leftLoader.begin(m), rightState = rightLoader.begin(m);
  Value valid = m.isConstant(first, tile.depth) ? Value() : first;
  fill(m, leftLoader, rightLoader, leftLoader.load(m, leftState, valid), rightLoader.load(m, rightState, valid),
       shared);
  emitBarrier(m);

  // Carried: the sums, the states of both loaders, the buffer to read and the one to write, as offsets.
  SmallVector<Value> carried(getNumRows() * getNumGroups() * getGroupSize(), kind.zero(m));
  unsigned numSums = carried.size(), numLeft = leftState.size(), numRight = rightState.size();
  carried.append(keepWhole(m, leftLoader.advance(m, leftState, first)));
  carried.append(keepWhole(m, rightLoader.advance(m, rightState, first)));
  carried.append({constant(0), constant(getBufferBytes())});
  auto getBuffer = [&](Value offset) { return movePointer(m, shared, offset, b.getI8Type()); };

  if (!m.isConstant(count, 1)) {
    auto loop = scf::ForOp::create(b, loc, constant(1), count, constant(1), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange values = loop.getRegionIterArgs();
    ValueRange leftNow = values.slice(numSums, numLeft), rightNow = values.slice(numSums + numLeft, numRight);
    Value read = values[values.size() - 2], write = values.back();
    SmallVector<Value> leftChunks = leftLoader.load(m, leftNow, nullptr),
                       rightChunks = rightLoader.load(m, rightNow, nullptr);
    SmallVector<Value> next = multiply(m, thread, getBuffer(read), values.take_front(numSums));
    fill(m, leftLoader, rightLoader, leftChunks, rightChunks, getBuffer(write));
    emitBarrier(m);
    next.append(leftLoader.advance(m, leftNow, constant(tile.depth)));
    next.append(rightLoader.advance(m, rightNow, constant(tile.depth)));
    next.append({write, read});
    scf::YieldOp::create(b, loc, next);
    carried.assign(loop.result_begin(), loop.result_end());
  }
  return multiply(m, thread, getBuffer(carried[carried.size() - 2]), ValueRange(carried).take_front(numSums));
}
