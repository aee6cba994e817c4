//===- SimtProduct.cpp - sums in registers, one multiply-add at a time -----------------------------------------------===//

#include "SimtProduct.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------===//

static WordOperand makeOperand(const SimtTile &tile, int64_t lines, const ElementKind &kind, int64_t perWord,
                               bool isAlongDepth) {
  // Four words, or of bytes that are to be turned four columns.
  int64_t chunk = 4 * (isAlongDepth ? perWord : 1);
  return WordOperand(lines, tile.depth, tile.getThreads(), isAlongDepth, kind.getSumBytes(), perWord, chunk);
}

SimtProduct::SimtProduct(const SimtTile &tile, const ElementKind &kind, bool isRightAlongDepth, const GPUTarget &target)
    : tile(tile), kind(kind), perWord(kind.isBytes() && target.hasByteProducts() ? WordOperand::packed : 1),
      left(makeOperand(tile, tile.getRows(), kind, perWord, /*isAlongDepth=*/true)),
      right(makeOperand(tile, tile.getColumns(), kind, perWord, isRightAlongDepth)) {
  assert(left.getPasses() > 0 && right.getPasses() > 0 && "a part of K is too small for all threads");
}

/// 64 sums, what feeds them, and what is under way take 130 to 167 registers; with 128, which would be enough for two blocks of 256 threads,
/// ptxas spills in some kernels.
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
    if (perWord > 1)
      return SmallVector<Value>(chunks);
    return llvm::map_to_vector(chunks, [&](Value chunk) { return kind.widen(m, chunk, isUnsigned); });
  };
  left.store(m, widened(leftChunks, kind.leftUnsigned), leftLoader.getPlace(), buffer);
  right.store(m, widened(rightChunks, kind.rightUnsigned), rightLoader.getPlace(),
              moveBytes(m, buffer, left.getSharedBytes()));
}

SmallVector<Value> SimtProduct::multiply(IndexMath &m, Value thread, Value buffer, ValueRange sums) const {
  Value leftPointer = movePointer(m, buffer, getRow(m, thread), kind.sum);
  Value rightPointer = movePointer(m, moveBytes(m, buffer, left.getSharedBytes()), getColumn(m, thread, 0), kind.sum);
  auto loadLine = [&](Value pointer, const WordOperand &operand, int64_t k, int64_t quads, int64_t lanes) {
    SmallVector<Value> line;
    for (int64_t quad = 0; quad < quads; ++quad) {
      int64_t offset = k * operand.getPitch() + quad * SimtTile::quad * lanes;
      Value at = moveBytes(m, pointer, offset * operand.wordBytes);
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
        sum = perWord == 1 ? kind.multiplyAdd(m, row, column, sum) : kind.multiplyAddBytes(m, row, column, sum);
      }
  }
  return results;
}

/// The chunks of a thread of both operands, the left one's first. Where `exists` (null: always) does not hold: anything.
static SmallVector<Value> loadChunks(IndexMath &m, Value exists, TileLoader &leftLoader, TileLoader &rightLoader,
                                     ValueRange leftState, ValueRange rightState, Value valid) {
  auto load = [&] {
    SmallVector<Value> chunks = leftLoader.load(m, leftState, valid);
    llvm::append_range(chunks, rightLoader.load(m, rightState, valid));
    return chunks;
  };
  if (!exists)
    return load();
  OpBuilder &b = m.builder();
  SmallVector<Type> types(leftLoader.getTile().getPasses(), leftLoader.getChunkType());
  types.append(rightLoader.getTile().getPasses(), rightLoader.getChunkType());
  auto branch = scf::IfOp::create(b, m.location(), types, exists, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, m.location(), load());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, m.location(), llvm::map_to_vector(types, [&](Type type) -> Value {
                         return ub::PoisonOp::create(b, m.location(), type);
                       }));
  return SmallVector<Value>(branch.getResults());
}

SmallVector<Value> SimtProduct::emit(IndexMath &m, Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
                                     Value depth, Value shared) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto constant = [&](int64_t value) { return m.constant(value, b.getI32Type()); };
  auto [count, first] = cutDepth(m, depth, getDepth());
  SmallVector<Value> leftState = leftLoader.begin(m), rightState = rightLoader.begin(m);
  Value valid = m.isConstant(first, getDepth()) ? Value() : first;

  // Carried: the sums, the next part of both operands, the states of both loaders, the buffer for that part and the other one, as offsets.
  SmallVector<Value> carried(getNumRows() * getNumGroups() * getGroupSize(), kind.zero(m));
  unsigned numSums = carried.size(), numLeft = leftState.size(), numRight = rightState.size();
  unsigned leftPasses = left.getPasses(), rightPasses = right.getPasses();
  carried.append(loadChunks(m, nullptr, leftLoader, rightLoader, leftState, rightState, valid));
  carried.append(keepWhole(m, leftLoader.advance(m, leftState, first)));
  carried.append(keepWhole(m, rightLoader.advance(m, rightState, first)));
  carried.append({constant(0), constant(getBufferBytes())});

  auto loop = scf::ForOp::create(b, loc, constant(0), count, constant(1), carried);
  keepRolled(loop);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ValueRange rest = loop.getRegionIterArgs();
  auto take = [&](unsigned number) {
    ValueRange taken = rest.take_front(number);
    rest = rest.drop_front(number);
    return taken;
  };
  ValueRange sums = take(numSums), leftChunks = take(leftPasses), rightChunks = take(rightPasses),
             leftNow = take(numLeft), rightNow = take(numRight);
  Value own = rest[0], other = rest[1];
  Value buffer = movePointer(m, shared, own, b.getI8Type());
  fill(m, leftLoader, rightLoader, leftChunks, rightChunks, buffer);
  emitBarrier(m);
  Value isMore = m.less(m.add(loop.getInductionVar(), 1), count);
  SmallVector<Value> chunks = loadChunks(m, isMore, leftLoader, rightLoader, leftNow, rightNow, nullptr);
  SmallVector<Value> next = multiply(m, thread, buffer, sums);
  next.append(chunks);
  next.append(leftLoader.advance(m, leftNow, constant(getDepth())));
  next.append(rightLoader.advance(m, rightNow, constant(getDepth())));
  next.append({other, own});
  scf::YieldOp::create(b, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults().take_front(numSums));
}
