//===- Tiling.cpp - how rows and columns are cut into register tiles and blocks -----------------------------------===//

#include "Tiling.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

//===--------------------------------------------------------------------------------------------------------------===//
// Register tiles
//===--------------------------------------------------------------------------------------------------------------===//

/// Half cycles that one step in K takes: two multiply-adds and two loads a cycle, and no sum more often than every four
/// cycles, with a margin. Rows whose distance is a large power of two meet in the same lines of the first-level cache.
static double getStepCost(int64_t rows, int64_t vectors, int64_t rowBytes) {
  double cost = std::max<int64_t>({rows * vectors, rows + vectors, 10});
  return getRowsAtOnePlace(rows, rowBytes) > 6 ? cost * 1.2 : cost;
}

int64_t cpu::getRowsAtOnePlace(int64_t rows, int64_t rowBytes) {
  constexpr int64_t wayBytes = 4096;
  if (ShapedType::isDynamic(rowBytes) || rowBytes == 0)
    return 1;
  return llvm::divideCeil(rows, wayBytes / std::gcd(rowBytes, wayBytes));
}

RegisterShape cpu::chooseRegisterShape(const CPUTarget &target, const ElementKind &kind, int64_t rows, int64_t vectors,
                                       int64_t rowBytes) {
  RegisterNeeds needs = RegisterNeeds::of(kind);
  RegisterShape best{1, 1};
  double bestCost = std::numeric_limits<double>::infinity();
  // One row uses a vector once, from memory, and as many sums as hide the time of an addition: four cache lines of weights at once.
  bool isOneRow = rows == 1 && kind.steps == StepKind::Single && kind.hasFMA;
  int64_t widest = isOneRow ? std::max<int64_t>(4 * 512 / target.vectorBits, 4) : 4;
  for (int64_t width = 1; width <= widest; ++width) {
    // One register more than there are and LLVM spills.
    int64_t forSums = target.getNumRegisters() - needs.other - (isOneRow ? 0 : needs.perVector * width);
    int64_t tallest = forSums / (needs.perSum * width);
    if (tallest < 1)
      break;
    int64_t numRows = ShapedType::isDynamic(rows) ? tallest : std::max<int64_t>(rows, 1);
    int64_t rowTiles = llvm::divideCeil(numRows, tallest), tall = llvm::divideCeil(numRows, rowTiles);
    int64_t numVectors = ShapedType::isDynamic(vectors) ? 12 : std::max<int64_t>(vectors, 1);
    int64_t full = numVectors / width, rest = numVectors % width;
    int64_t numTall = rowTiles - (rowTiles * tall - numRows);
    auto getCost = [&](int64_t vectors) {
      return numTall * getStepCost(tall, vectors, rowBytes) +
             (rowTiles - numTall) * getStepCost(tall - 1, vectors, rowBytes);
    };
    double cost = (full * getCost(width) + (rest ? getCost(rest) : 0)) / double(numRows * numVectors);
    // Half a cache line of weights is read and not used.
    if (width * target.vectorBits % 512 != 0)
      cost *= 1.1;
    if (cost < bestCost * 0.999 || (cost < bestCost * 1.001 && tall * width > best.rows * best.vectors)) {
      bestCost = std::min(cost, bestCost);
      best = {tall, width};
    }
  }
  return best;
}

//===--------------------------------------------------------------------------------------------------------------===//
// Blocks
//===--------------------------------------------------------------------------------------------------------------===//

/// How well blocks of these sizes do, 1 at best.
static double rateBlocks(const BlockCosts &costs, BlockShape shape) {
  // Multiply-adds in the time that a block takes to start, and in the time that a byte takes to come from afar when the
  // hardware knows which one is next.
  constexpr double startWork = 30e3, byteWork = 0.5;
  double rowBlocks = llvm::divideCeil(costs.rowTiles, shape.rowTiles);
  double blocks = rowBlocks * llvm::divideCeil(costs.columnTiles, shape.columnTiles) * costs.batch;
  double all = costs.tileWork * costs.rowTiles * costs.columnTiles * costs.batch;
  double largest = costs.tileWork * shape.rowTiles * shape.columnTiles + startWork + costs.blockWork +
                   costs.rowWork * shape.rowTiles;
  double balance = 0;
  constexpr int threadCounts[] = {1, 2, 4, 6, 8, 12, 16};
  for (int threads : threadCounts)
    balance += all / threads / (std::ceil(blocks / threads) * largest) / std::size(threadCounts);
  return balance - rowBlocks * costs.batch * costs.rightBytes * byteWork / all;
}

BlockShape cpu::chooseBlockShape(const BlockCosts &costs) {
  BlockShape best;
  double bestRate = -std::numeric_limits<double>::infinity();
  auto forEachCount = [](int64_t tiles, int64_t most, llvm::function_ref<void(int64_t)> visit) {
    // Only numbers that give another number of blocks than the one before.
    for (int64_t count = std::min(tiles, most); count >= 1;) {
      visit(count);
      int64_t blocks = llvm::divideCeil(tiles, count);
      count = std::min<int64_t>(count - 1, llvm::divideCeil(tiles, blocks + 1));
    }
  };
  forEachCount(costs.rowTiles, costs.maxRowTiles, [&](int64_t rowTiles) {
    forEachCount(costs.columnTiles, costs.columnTiles, [&](int64_t columnTiles) {
      BlockShape shape{rowTiles, columnTiles};
      double rate = rateBlocks(costs, shape);
      if (rate > bestRate + 1e-3) {
        bestRate = rate;
        best = shape;
      }
    });
  });
  return best;
}

bool cpu::visitsRowsFirst(const CPUTarget &target, const OrderCosts &costs) {
  double room = target.l2Bytes / 2.0;
  // The part that blocks share is read once if it stays in the cache; the other operand once a part of this one, if it does not.
  auto getTraffic = [&](double shared, int64_t parts, double other) {
    return shared / parts > room ? std::numeric_limits<double>::infinity()
                                 : shared + (other > room ? parts * other : other);
  };
  return getTraffic(costs.rightBytes, costs.columnBlocks, costs.leftBytes) <
         getTraffic(costs.leftBytes, costs.rowBlocks, costs.rightBytes);
}

//===--------------------------------------------------------------------------------------------------------------===//
// Rows
//===--------------------------------------------------------------------------------------------------------------===//

RowTiling::RowTiling(int64_t size, int64_t rowsPerTile) : size(size), rowsPerTile(rowsPerTile) {
  if (isDynamic())
    return;
  numTiles = std::max<int64_t>(llvm::divideCeil(size, rowsPerTile), 1);
  smallRows = size / numTiles;
  numLarge = size % numTiles;
  this->rowsPerTile = smallRows + (numLarge ? 1 : 0);
}

void RowTiling::setTilesPerBlock(int64_t tiles) {
  tilesPerBlock = tiles;
  if (isDynamic())
    return;
  // Blocks of equal size, as far as that goes.
  int64_t blocks = std::max<int64_t>(llvm::divideCeil(numTiles, tiles), 1);
  tilesPerBlock = llvm::divideCeil(numTiles, blocks);
}

Value RowTiling::getNumBlocks(IndexMath &m, Value size) const {
  return isDynamic() ? m.ceilDiv(size, getRowsPerBlock()) : m.constant(llvm::divideCeil(numTiles, tilesPerBlock));
}

Value RowTiling::getStart(IndexMath &m, Value tile) const {
  return m.add(m.mul(tile, smallRows), m.min(tile, numLarge));
}

std::pair<Value, Value> RowTiling::getBlock(IndexMath &m, Value size, Value block) const {
  if (isDynamic()) {
    Value first = m.mul(block, getRowsPerBlock());
    return {first, m.min(m.add(first, getRowsPerBlock()), size)};
  }
  Value first = m.mul(block, tilesPerBlock);
  return {getStart(m, first), getStart(m, m.min(m.add(first, tilesPerBlock), numTiles))};
}

void RowTiling::forEachTile(IndexMath &m, Value size, Value block, function_ref<void(int64_t, Value)> body) const {
  if (!isDynamic()) {
    Value first = m.mul(block, tilesPerBlock), end = m.min(m.add(first, tilesPerBlock), numTiles);
    if (numLarge)
      m.loop(first, m.min(end, numLarge), 1, [&](Value tile) { body(smallRows + 1, m.mul(tile, smallRows + 1)); });
    if (smallRows)
      m.loop(m.max(first, numLarge), end, 1,
             [&](Value tile) { body(smallRows, m.add(m.mul(tile, smallRows), numLarge)); });
    return;
  }
  auto [first, end] = getBlock(m, size, block);
  Value rest = m.rem(m.sub(end, first), rowsPerTile), at = m.sub(end, rest);
  m.loop(first, at, rowsPerTile, [&](Value row) { body(rowsPerTile, row); });
  for (int64_t rows = llvm::bit_floor(uint64_t(rowsPerTile)); rows > 0; rows /= 2) {
    if (rows == rowsPerTile) // a tail has fewer rows than a tile
      continue;
    Value bit = m.rem(m.div(rest, rows), 2);
    m.ifThen(m.equal(bit, m.constant(1)), [&] { body(rows, at); });
    at = m.add(at, m.mul(bit, rows));
  }
}

//===--------------------------------------------------------------------------------------------------------------===//
// Columns
//===--------------------------------------------------------------------------------------------------------------===//

ColumnTiling::ColumnTiling(int64_t size, int64_t vectors, int64_t lanes) : size(size), vectors(vectors), lanes(lanes) {}

Value ColumnTiling::getNumBlocks(IndexMath &m, Value size) const { return m.ceilDiv(size, getColumnsPerBlock()); }

std::pair<Value, Value> ColumnTiling::getBlock(IndexMath &m, Value size, Value block) const {
  Value first = m.mul(block, getColumnsPerBlock());
  return {first, m.min(m.add(first, getColumnsPerBlock()), size)};
}

Value cpu::createColumnMask(IndexMath &m, Value column, Value size, int64_t lanes) {
  auto type = VectorType::get(lanes, m.builder().getI1Type());
  std::optional<int64_t> first = IndexMath::asConstant(column), end = IndexMath::asConstant(size);
  if (first && end && *first + lanes <= *end)
    return nullptr;
  return vector::CreateMaskOp::create(m.builder(), m.location(), type, m.subSaturating(size, column));
}

void ColumnTiling::forEachTile(IndexMath &m, Value size, Value block,
                               function_ref<void(Value, ArrayRef<Value>)> body) const {
  int64_t step = getColumnsPerTile();
  auto [first, end] = getBlock(m, size, block);
  Value fullEnd = m.mul(m.div(end, step), step);
  m.loop(first, fullEnd, step, [&](Value column) { body(column, SmallVector<Value>(vectors)); });
  int64_t rest = isDynamic() ? step : this->size % step;
  if (rest == 0)
    return;
  // The blocks start at whole tiles: only the last one has a tail.
  m.ifThen(m.less(fullEnd, end), [&] {
    SmallVector<Value> masks;
    for (int64_t vector = 0, count = llvm::divideCeil(rest, lanes); vector < count; ++vector) {
      bool isFull = !isDynamic() && (vector + 1) * lanes <= rest;
      masks.push_back(isFull ? nullptr : createColumnMask(m, m.add(fullEnd, vector * lanes), size, lanes));
    }
    body(fullEnd, masks);
  });
}
