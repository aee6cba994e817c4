//===- SimtAttention.cpp - attention of a tile of rows by sums in registers ------------------------------------------===//

#include "SimtAttention.h"
#include "../TeamReduction.h"
#include "Softmax.h"
#include "VisibleKeys.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Kernel/ProductTypes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------------------------------------------------===//

/// Pitches spread what lanes read at once over all banks: 16 bytes of 8 keys, or of 4 rows; single weights of 4 rows x 8 keys.
void SimtAttentionTile::setKeys(int64_t count, Type sum) {
  keys = count;
  keyTile = {keys, depth, depth + vector, sum};
  valueTile = {keys, columns, columns, sum};
  weightTile = {rows, keys, keys + laneKeys, sum};
}

SimtAttentionTile::SimtAttentionTile(const AttentionShape &shape) {
  int64_t bytes = shape.sum.getIntOrFloatBitWidth() / 8;
  vector = 16 / bytes;
  depth = cutSize(shape.depth, 16, 256 / bytes);
  columns = cutSize(shape.columns, laneKeys * vector, bytes == 4 ? 128 : 32);
  keepsQueries = ShapedType::isStatic(shape.depth) && shape.depth <= depth;
  queryTile = {rows, depth, depth + vector, shape.sum};
  setKeys(64, shape.sum);
  if (getSharedBytes() > GPUTarget::sharedBytes)
    setKeys(32, shape.sum);
}

//===----------------------------------------------------------------------------------------------------------------===//
// A thread
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

class SimtEmitter {
public:
  SimtEmitter(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const SimtAttentionTile &tile,
              AttentionOperands &operands, const AttentionPlace &place, Value thread, Value shared);
  void emit();

private:
  SmallVector<Value> emitTile(Value firstKey, ValueRange carried);
  SmallVector<Value> emitScores(Value firstKey);
  SmallVector<Value> multiplyDepth(ValueRange scores);
  void addMasks(Value firstKey, MutableArrayRef<Value> scores);
  void hideKeys(Value firstKey, MutableArrayRef<Value> scores);
  void weigh(MutableArrayRef<Value> scores, SoftmaxState &state);
  void storeWeights(ValueRange weights);
  SmallVector<Value> multiplyKeys(ValueRange sums);
  void storeResults(SoftmaxState state);
  void storeRow(Value row, ArrayRef<Value> sums);

  void copy(unsigned tensor, const SharedTile &part, const Window &window, Value target);
  Value getKey(Value firstKey, int64_t number) {
    return m.add(firstKey, toIndex(m, m.add(laneKey, number * SimtAttentionTile::laneKeys)));
  }
  SmallVector<Value> loadShared(Value pointer, int64_t elements) {
    Value at = moveBytes(m, pointer, elements * shape.sum.getIntOrFloatBitWidth() / 8);
    return splitVector(m, loadElements(m, at, shape.sum, tile.vector));
  }
  Value joinRow(Value value, function_ref<Value(Value, Value)> join);

  static constexpr int64_t threadRows = SimtAttentionTile::threadRows, laneRows = SimtAttentionTile::laneRows;

  IndexMath &m;
  OpBuilder &b;
  Location loc;
  Softmax softmax;
  const AttentionShape &shape;
  const SimtAttentionTile &tile;
  AttentionOperands &operands;
  const AttentionPlace &place;
  Value thread;
  Value numRows, numKeys, depth, numColumns;
  /// In shared memory: the beginnings, then where a thread reads.
  Value queries, keys, values;
  Value ownQueries, ownKeys, ownValues, ownWeights, weightTarget;
  /// The first row of a thread in the tile, and its lane among those of a row; i32.
  Value threadRow, laneKey;
  SmallVector<AttentionMatrix> masks;
  AttentionMatrix query, key, value;
};

} // namespace

SimtEmitter::SimtEmitter(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const SimtAttentionTile &tile,
                         AttentionOperands &operands, const AttentionPlace &place, Value thread, Value shared)
    : m(m), b(m.builder()), loc(m.location()), softmax(m, op, shape), shape(shape), tile(tile), operands(operands),
      place(place), thread(thread), numRows(operands.getRows()), numKeys(operands.getKeys()),
      depth(operands.getDepth()), numColumns(operands.getColumns()) {
  queries = shared;
  keys = moveBytes(m, queries, tile.queryTile.getBytes());
  values = moveBytes(m, keys, tile.getScoreBytes());
  laneKey = m.rem(thread, SimtAttentionTile::laneKeys);
  Value lane = m.div(m.rem(thread, SimtAttentionTile::warpSize), SimtAttentionTile::laneKeys);
  threadRow = m.add(m.mul(m.div(thread, SimtAttentionTile::warpSize), SimtAttentionTile::rowsPerWarp), lane);
  auto move = [&](Value pointer, Value elements) { return movePointer(m, pointer, elements, shape.sum); };
  ownQueries = move(queries, m.mul(threadRow, tile.queryTile.pitch));
  ownKeys = move(keys, m.mul(laneKey, tile.keyTile.pitch));
  ownValues = move(values, m.mul(laneKey, tile.vector));
  ownWeights = move(keys, m.mul(threadRow, tile.weightTile.pitch));
  weightTarget = move(ownWeights, laneKey);
  query = operands.locate(0, place.batch);
  key = operands.locate(1, place.batch);
  value = operands.locate(2, place.batch);
  for (unsigned mask = 0; mask < operands.getNumMasks(); ++mask)
    masks.push_back(operands.locate(3 + mask, place.batch));
}

void SimtEmitter::emit() {
  Value zero = m.constant(0);
  if (tile.keepsQueries)
    copy(0, tile.queryTile, {place.row, numRows, zero, depth}, queries);
  SoftmaxState state{SmallVector<Value>(threadRows, softmax.getLeast()),
                     SmallVector<Value>(threadRows, softmax.getZero()),
                     SmallVector<Value>(threadRows * tile.getGroups() * tile.vector, softmax.getZero())};
  VisibleKeys walk(m, shape, {masks, place.row, numRows, numKeys}, SimtAttentionTile::rows, tile.keys, thread,
                   SimtAttentionTile::threads);
  storeResults(walk.carry(state, [&](Value firstTile, Value count, ValueRange start) {
    return m.reduce(count, start, [&](Value number, ValueRange now) {
      return emitTile(m.mul(m.add(firstTile, number), tile.keys), now);
    });
  }));
}

void SimtEmitter::copy(unsigned tensor, const SharedTile &part, const Window &window, Value target) {
  const AttentionMatrix &matrix = tensor == 0 ? query : tensor == 1 ? key : value;
  int64_t chunk = std::min(shape.getChunk(tensor), tile.vector);
  copyTile(m, part, matrix, window, chunk, shape.isAdjacent(tensor), thread, SimtAttentionTile::threads, target);
}

SmallVector<Value> SimtEmitter::emitTile(Value firstKey, ValueRange carried) {
  SoftmaxState state = SoftmaxState::split(carried, threadRows);
  SmallVector<Value> scores = emitScores(firstKey);
  addMasks(firstKey, scores);
  hideKeys(firstKey, scores);
  weigh(scores, state);
  emitBarrier(m); // keys are read: weights may lie there
  storeWeights(scores);
  NVVM::SyncWarpOp::create(b, loc, m.constant(-1, b.getI32Type()));
  state.sums = multiplyKeys(state.sums);
  return state.join();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------------------------------------------------===//

/// Row by row, the keys of the thread.
SmallVector<Value> SimtEmitter::emitScores(Value firstKey) {
  SmallVector<Value> scores(threadRows * tile.getThreadKeys(), softmax.getZero());
  emitBarrier(m); // what was there of the tile before is read
  copy(2, tile.valueTile, {firstKey, numKeys, place.column, numColumns}, values);
  if (tile.keepsQueries) {
    copy(1, tile.keyTile, {firstKey, numKeys, m.constant(0), depth}, keys);
    emitBarrier(m);
    scores = multiplyDepth(scores);
  } else {
    scores = m.reduce(m.ceilDiv(depth, tile.depth), scores, [&](Value part, ValueRange now) {
      Value position = m.mul(part, tile.depth);
      emitBarrier(m);
      copy(0, tile.queryTile, {place.row, numRows, position, depth}, queries);
      copy(1, tile.keyTile, {firstKey, numKeys, position, depth}, keys);
      emitBarrier(m);
      return multiplyDepth(now);
    });
  }
  for (Value &score : scores)
    score = softmax.scale(score);
  return scores;
}

/// Adds the products of what is in shared memory of the depth.
SmallVector<Value> SimtEmitter::multiplyDepth(ValueRange scores) {
  constexpr int64_t step = 16;
  return m.reduce(m.constant(tile.depth / step), scores, [&](Value number, ValueRange now) {
    SmallVector<Value> sums(now);
    Value offset = toI32(m, m.mul(number, step));
    Value left = movePointer(m, ownQueries, offset, shape.sum), right = movePointer(m, ownKeys, offset, shape.sum);
    for (int64_t at = 0; at < step; at += tile.vector) {
      SmallVector<SmallVector<Value>> rows;
      for (int64_t row = 0; row < threadRows; ++row)
        rows.push_back(loadShared(left, row * laneRows * tile.queryTile.pitch + at));
      for (int64_t k = 0; k < tile.getThreadKeys(); ++k) {
        SmallVector<Value> elements = loadShared(right, k * SimtAttentionTile::laneKeys * tile.keyTile.pitch + at);
        for (int64_t row = 0; row < threadRows; ++row)
          for (int64_t i = 0; i < tile.vector; ++i) {
            Value &sum = sums[row * tile.getThreadKeys() + k];
            sum = math::FmaOp::create(b, loc, rows[row][i], elements[i], sum);
          }
      }
    }
    return sums;
  });
}

/// One mask after the other, as nn.attention says.
void SimtEmitter::addMasks(Value firstKey, MutableArrayRef<Value> scores) {
  Value lastRow = m.sub(numRows, 1), lastKey = m.sub(numKeys, 1);
  for (const AttentionMatrix &mask : masks) {
    SmallVector<Value> ofKeys;
    for (int64_t row = 0; row < threadRows; ++row)
      for (int64_t k = 0; k < tile.getThreadKeys(); ++k) {
        if (row == 0 || mask.lineStride) {
          Value line = m.add(place.row, toIndex(m, m.add(threadRow, row * laneRows)));
          Value at = mask.getAddress(m, m.min(line, lastRow), m.min(getKey(firstKey, k), lastKey));
          Value element = loadElements(m, at, mask.element, 1, ReadKind::Constant);
          ofKeys.push_back(kernel::widenTo(m, element, shape.sum, /*isUnsigned=*/false));
        }
        Value &score = scores[row * tile.getThreadKeys() + k];
        score = softmax.add(score, ofKeys[mask.lineStride ? ofKeys.size() - 1 : k]);
      }
  }
}

/// Keys that do not exist have no weight.
void SimtEmitter::hideKeys(Value firstKey, MutableArrayRef<Value> scores) {
  if (std::optional<int64_t> known = IndexMath::asConstant(numKeys); known && *known % tile.keys == 0)
    return;
  Value nothing = softmax.getLeast();
  for (int64_t k = 0; k < tile.getThreadKeys(); ++k) {
    Value exists = m.less(getKey(firstKey, k), numKeys);
    for (int64_t row = 0; row < threadRows; ++row) {
      Value &score = scores[row * tile.getThreadKeys() + k];
      score = arith::SelectOp::create(b, loc, exists, score, nothing);
    }
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------------------------------------------------===//

/// The values of the 8 lanes of a row joined, in all of them.
Value SimtEmitter::joinRow(Value value, function_ref<Value(Value, Value)> join) {
  for (int64_t mask = SimtAttentionTile::laneKeys / 2; mask > 0; mask /= 2)
    value = join(value, shuffleLanes(b, loc, value, mask));
  return value;
}

/// Scores become weights that are still to be divided by the total of their row; what is carried is scaled to the same base.
void SimtEmitter::weigh(MutableArrayRef<Value> scores, SoftmaxState &state) {
  int64_t count = tile.getThreadKeys(), columns = tile.getGroups() * tile.vector;
  auto larger = [&](Value x, Value y) { return softmax.getLarger(x, y); };
  for (int64_t row = 0; row < threadRows; ++row) {
    MutableArrayRef<Value> own = scores.slice(row * count, count);
    Value before = state.largest[row], most = own.front();
    for (Value score : own.drop_front())
      most = larger(most, score);
    most = larger(before, joinRow(most, larger));
    Value base = softmax.getBase(most), shrink = softmax.getWeight(before, base);
    Value total = softmax.multiply(state.totals[row], shrink);
    for (Value &score : own) {
      score = softmax.getWeight(score, base);
      total = softmax.add(total, score);
    }
    state.largest[row] = most;
    state.totals[row] = total;
    for (Value &sum : MutableArrayRef(state.sums).slice(row * columns, columns))
      sum = softmax.multiply(sum, shrink);
  }
}

void SimtEmitter::storeWeights(ValueRange weights) {
  int64_t count = tile.getThreadKeys(), bytes = shape.sum.getIntOrFloatBitWidth() / 8;
  for (int64_t row = 0; row < threadRows; ++row)
    for (int64_t k = 0; k < count; ++k) {
      int64_t offset = row * laneRows * tile.weightTile.pitch + k * SimtAttentionTile::laneKeys;
      storeElements(m, weights[row * count + k], moveBytes(m, weightTarget, offset * bytes));
    }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------------------------------------------------===//

/// Adds the weights times the values; row by row, the groups of columns of the thread.
SmallVector<Value> SimtEmitter::multiplyKeys(ValueRange sums) {
  constexpr int64_t step = 16;
  int64_t groups = tile.getGroups(), columns = groups * tile.vector;
  return m.reduce(m.constant(tile.keys / step), sums, [&](Value number, ValueRange now) {
    SmallVector<Value> results(now);
    Value first = toI32(m, m.mul(number, step));
    Value left = movePointer(m, ownWeights, first, shape.sum);
    Value right = movePointer(m, ownValues, m.mul(first, tile.valueTile.pitch), shape.sum);
    for (int64_t at = 0; at < step; at += tile.vector) {
      SmallVector<SmallVector<Value>> rows;
      for (int64_t row = 0; row < threadRows; ++row)
        rows.push_back(loadShared(left, row * laneRows * tile.weightTile.pitch + at));
      for (int64_t i = 0; i < tile.vector; ++i)
        for (int64_t group = 0; group < groups; ++group) {
          int64_t column = group * SimtAttentionTile::laneKeys * tile.vector;
          SmallVector<Value> elements = loadShared(right, (at + i) * tile.valueTile.pitch + column);
          for (int64_t row = 0; row < threadRows; ++row)
            for (int64_t j = 0; j < tile.vector; ++j) {
              Value &sum = results[row * columns + group * tile.vector + j];
              sum = math::FmaOp::create(b, loc, rows[row][i], elements[j], sum);
            }
        }
    }
    return results;
  });
}

void SimtEmitter::storeResults(SoftmaxState state) {
  int64_t columns = tile.getGroups() * tile.vector;
  for (int64_t row = 0; row < threadRows; ++row) {
    Value total = joinRow(state.totals[row], [&](Value x, Value y) { return softmax.add(x, y); });
    SmallVector<Value> results = softmax.divide(ArrayRef(state.sums).slice(row * columns, columns), total, numKeys);
    Value line = m.add(place.row, toIndex(m, m.add(threadRow, row * laneRows)));
    m.ifThen(m.less(line, numRows), [&] { storeRow(line, results); });
  }
}

void SimtEmitter::storeRow(Value row, ArrayRef<Value> sums) {
  unsigned number = operands.getResultNumber();
  AttentionMatrix result = operands.locate(number, place.batch);
  int64_t chunk = std::min(shape.getChunk(number), tile.vector);
  for (int64_t group = 0; group < tile.getGroups(); ++group)
    for (int64_t i = 0; i < tile.vector; i += chunk) {
      int64_t inGroup = group * SimtAttentionTile::laneKeys * tile.vector + i;
      Value column = m.add(place.column, toIndex(m, m.add(m.mul(laneKey, tile.vector), inGroup)));
      SmallVector<Value> elements;
      for (Value sum : sums.slice(group * tile.vector + i, chunk))
        elements.push_back(
            sum.getType() == result.element ? sum : arith::TruncFOp::create(b, loc, result.element, sum).getResult());
      auto store = [&] { storeElements(m, joinVector(m, elements), result.getAddress(m, row, column)); };
      std::optional<int64_t> known = IndexMath::asConstant(numColumns);
      if (known && *known % tile.columns == 0)
        store();
      else
        m.ifThen(m.less(column, numColumns), store);
    }
}

void nncc::gpu::emitSimtAttention(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape,
                                  const SimtAttentionTile &tile, AttentionOperands &operands,
                                  const AttentionPlace &place, Value thread, Value shared) {
  SimtEmitter(m, op, shape, tile, operands, place, thread, shared).emit();
}
