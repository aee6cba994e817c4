//===- MmaAttention.cpp - attention of a tile of rows by tensor cores --------------------------------------------------===//

#include "MmaAttention.h"
#include "../TeamReduction.h"
#include "Softmax.h"
#include "VisibleKeys.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "nncc/Kernel/ProductTypes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// The tile
//===----------------------------------------------------------------------------------------------------------------===//

bool MmaAttentionTile::fits(const AttentionShape &shape, const GPUTarget &target) {
  return Fragments::canMultiply(shape.element, target) && ShapedType::isStatic(shape.depth) && shape.depth > 0 &&
         shape.depth <= mostDepth;
}

/// Lines are 16 bytes more than a multiple of 32: 8 lines that follow each other, at the same 16 bytes, are in different banks.
void MmaAttentionTile::setKeys(int64_t count, int64_t multiple, const AttentionShape &shape) {
  constexpr int64_t mostColumns = 128, apart = 8;
  keys = count;
  depth = cutSize(shape.depth, multiple, mostDepth);
  columns = cutSize(shape.columns, multiple, ShapedType::isDynamic(shape.columns) ? mostColumns / 2 : mostColumns);
  queryTile = {getRows(), depth, depth + apart, shape.element};
  keyTile = {keys, depth, depth + apart, shape.element};
  valueTile = {keys, columns, columns + apart, shape.element};
}

MmaAttentionTile::MmaAttentionTile(const AttentionShape &shape, const GPUTarget &target) {
  // Sums and scores of twice as many rows leave registers for the rest, but not for what masks say of each row.
  constexpr int64_t small = 64;
  rowTiles = !shape.hasRowMask && shape.depth <= small && ShapedType::isStatic(shape.columns) &&
                     shape.columns <= small && (ShapedType::isDynamic(shape.rows) || shape.rows > small)
                 ? 2
                 : 1;
  isAhead =
      target.hasAsyncCopy() && shape.getChunk(1) >= Fragments::halfSize && shape.getChunk(2) >= Fragments::halfSize;
  // The threads copy whole multiples of what they copy at once.
  setKeys(64, 16, shape);
  if (getSharedBytes() > GPUTarget::sharedBytes)
    setKeys(32, 32, shape);
}

//===----------------------------------------------------------------------------------------------------------------===//
// A thread
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

class MmaEmitter {
public:
  MmaEmitter(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const MmaAttentionTile &tile,
             const GPUTarget &target, AttentionOperands &operands, const AttentionPlace &place, Value thread,
             Value shared);
  void emit();

private:
  void loadQueries();
  SmallVector<Value> emitAhead(Value firstTile, Value count, ValueRange start);
  SmallVector<Value> emitInTurns(Value firstTile, Value count, ValueRange start);
  SmallVector<Value> emitTile(Value stage, Value firstKey, ValueRange carried);
  SmallVector<Value> multiplyDepth(Value stage);
  void finishScores(Value firstKey, MutableArrayRef<Value> scores);
  SmallVector<Value> addMasks(Value line, Value firstKey, SmallVector<Value> scores);
  void weigh(MutableArrayRef<Value> scores, SoftmaxState &state);
  void multiplyKeys(Value stage, ValueRange weights, MutableArrayRef<Value> sums);
  void storeResults(SoftmaxState state);
  void storePair(Value row, int64_t square, ValueRange sums);

  Window getWindow(unsigned tensor, Value firstKey) {
    return tensor == 1 ? Window{firstKey, numKeys, m.constant(0), operands.getDepth()}
                       : Window{firstKey, numKeys, place.column, numColumns};
  }
  void copy(unsigned tensor, const SharedTile &part, const Window &window, Value target) {
    int64_t chunk = std::min(shape.getChunk(tensor), Fragments::halfSize);
    copyTile(m, part,
             tensor == 0   ? query
             : tensor == 1 ? key
                           : value,
             window, chunk, shape.isAdjacent(tensor), thread, MmaAttentionTile::threads, target);
  }
  void copyAhead(Value firstKey, Value stage) {
    copyTileAsync(m, tile.keyTile, key, getWindow(1, firstKey), thread, MmaAttentionTile::threads, stage);
    copyTileAsync(m, tile.valueTile, value, getWindow(2, firstKey), thread, MmaAttentionTile::threads,
                  getValues(stage));
  }
  Value getValues(Value stage) { return moveBytes(m, stage, tile.keyTile.getBytes()); }
  /// Where the lane reads of a tile of shared memory.
  Value getOwn(Value pointer, const SharedTile &part) {
    return movePointer(m, pointer, fragments.getLaneOffset(lane, part.pitch), shape.element);
  }
  /// The thread's row `number` in the matrix: two of each square.
  Value getRow(int64_t number) {
    int64_t offset = number / 2 * Fragments::size + number % 2 * Fragments::halfSize;
    return m.add(place.row, toIndex(m, m.add(threadRow, offset)));
  }
  int64_t getNumRows() const { return tile.rowTiles * 2; }
  bool hasWholeTiles() const {
    std::optional<int64_t> known = IndexMath::asConstant(numKeys);
    return known && *known % tile.keys == 0;
  }
  /// Squares of 8 columns of scores, or of sums, of a square of rows.
  int64_t getKeySquares() const { return tile.keys / Fragments::halfSize; }
  int64_t getColumnSquares() const { return tile.columns / Fragments::halfSize; }
  /// The values of row `number` among those of `squares` squares a square of rows.
  SmallVector<Value *> getRowOf(MutableArrayRef<Value> values, int64_t number, int64_t squares) {
    SmallVector<Value *> own;
    for (int64_t square = 0; square < squares; ++square)
      for (int64_t i = 0; i < 2; ++i)
        own.push_back(&values[(number / 2 * squares + square) * 4 + number % 2 * 2 + i]);
    return own;
  }
  Value joinRow(Value row, function_ref<Value(Value, Value)> join) {
    for (int64_t mask : {2, 1})
      row = join(row, shuffleLanes(b, loc, row, mask));
    return row;
  }

  IndexMath &m;
  OpBuilder &b;
  Location loc;
  Softmax softmax;
  Fragments fragments;
  const AttentionShape &shape;
  const MmaAttentionTile &tile;
  AttentionOperands &operands;
  const AttentionPlace &place;
  Value thread, shared, lane;
  /// The first row of a thread in the tile, and its first column in a square; i32.
  Value threadRow, threadColumn;
  Value numRows, numKeys, numColumns;
  AttentionMatrix query, key, value, result;
  SmallVector<AttentionMatrix> masks;
  /// Row tile by row tile, a fragment for 16 elements of the depth.
  SmallVector<SmallVector<Value>> queries;
};

} // namespace

MmaEmitter::MmaEmitter(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const MmaAttentionTile &tile,
                       const GPUTarget &target, AttentionOperands &operands, const AttentionPlace &place, Value thread,
                       Value shared)
    : m(m), b(m.builder()), loc(m.location()), softmax(m, op, shape), fragments(m, shape.element, target), shape(shape),
      tile(tile), operands(operands), place(place), thread(thread), shared(shared),
      lane(m.rem(thread, MmaAttentionTile::warpSize)), numRows(operands.getRows()), numKeys(operands.getKeys()),
      numColumns(operands.getColumns()), query(operands.locate(0, place.batch)), key(operands.locate(1, place.batch)),
      value(operands.locate(2, place.batch)), result(operands.locate(operands.getResultNumber(), place.batch)) {
  // Lanes of a quad have two columns each of the same rows.
  constexpr int64_t quad = 4;
  threadRow = m.add(m.mul(m.div(thread, MmaAttentionTile::warpSize), tile.getRowsPerWarp()), m.div(lane, quad));
  threadColumn = m.mul(m.rem(lane, quad), 2);
  for (unsigned mask = 0; mask < operands.getNumMasks(); ++mask)
    masks.push_back(operands.locate(3 + mask, place.batch));
}

void MmaEmitter::emit() {
  loadQueries();
  SoftmaxState state{SmallVector<Value>(getNumRows(), softmax.getLeast()),
                     SmallVector<Value>(getNumRows(), softmax.getZero()),
                     SmallVector<Value>(tile.rowTiles * getColumnSquares() * 4, softmax.getZero())};
  VisibleKeys walk(m, shape, {masks, place.row, numRows, numKeys}, tile.getRows(), tile.keys, thread,
                   MmaAttentionTile::threads);
  storeResults(walk.carry(state, [&](Value firstTile, Value count, ValueRange start) {
    return tile.isAhead ? emitAhead(firstTile, count, start) : emitInTurns(firstTile, count, start);
  }));
}

void MmaEmitter::loadQueries() {
  copy(0, tile.queryTile, {place.row, numRows, m.constant(0), operands.getDepth()}, shared);
  emitBarrier(m);
  Value rows = m.mul(m.div(thread, MmaAttentionTile::warpSize), tile.getRowsPerWarp() * tile.queryTile.pitch);
  Value own = movePointer(m, getOwn(shared, tile.queryTile), rows, shape.element);
  for (int64_t i = 0; i < tile.rowTiles; ++i)
    for (int64_t at = 0; at < tile.depth; at += Fragments::size)
      queries.push_back(fragments.load(own, i * Fragments::size * tile.queryTile.pitch + at, /*isTransposed=*/false));
  emitBarrier(m); // keys and values come there
}

//===----------------------------------------------------------------------------------------------------------------===//
// Tiles of keys
//===----------------------------------------------------------------------------------------------------------------===//

/// What comes next is on its way while a tile is computed.
SmallVector<Value> MmaEmitter::emitAhead(Value firstTile, Value count, ValueRange start) {
  auto getStage = [&](Value offset) { return movePointer(m, shared, offset, b.getI8Type()); };
  m.ifThen(m.less(m.constant(0), count), [&] { copyAhead(m.mul(firstTile, tile.keys), shared); });
  NVVM::CpAsyncCommitGroupOp::create(b, loc);
  SmallVector<Value> carried(start);
  carried.push_back(m.constant(0, b.getI32Type()));
  carried = m.reduce(count, carried, [&](Value number, ValueRange now) {
    Value offset = now.back(), firstKey = m.mul(m.add(firstTile, number), tile.keys);
    Value other = m.sub(m.constant(tile.getStageBytes(), b.getI32Type()), offset);
    NVVM::CpAsyncWaitGroupOp::create(b, loc, 0);
    emitBarrier(m);
    m.ifThen(m.less(m.add(number, 1), count), [&] { copyAhead(m.add(firstKey, tile.keys), getStage(other)); });
    NVVM::CpAsyncCommitGroupOp::create(b, loc);
    SmallVector<Value> values = emitTile(getStage(offset), firstKey, now.drop_back());
    values.push_back(other);
    return values;
  });
  carried.pop_back();
  return carried;
}

SmallVector<Value> MmaEmitter::emitInTurns(Value firstTile, Value count, ValueRange start) {
  return m.reduce(count, start, [&](Value number, ValueRange now) {
    Value firstKey = m.mul(m.add(firstTile, number), tile.keys);
    emitBarrier(m); // what was there is read
    copy(1, tile.keyTile, getWindow(1, firstKey), shared);
    copy(2, tile.valueTile, getWindow(2, firstKey), getValues(shared));
    emitBarrier(m);
    return emitTile(shared, firstKey, now);
  });
}

SmallVector<Value> MmaEmitter::emitTile(Value stage, Value firstKey, ValueRange carried) {
  SoftmaxState state = SoftmaxState::split(carried, getNumRows());
  SmallVector<Value> scores = multiplyDepth(stage);
  finishScores(firstKey, scores);
  weigh(scores, state);
  multiplyKeys(stage, scores, state.sums);
  return state.join();
}

SmallVector<Value> MmaEmitter::multiplyDepth(Value stage) {
  SmallVector<Value> scores(tile.rowTiles * getKeySquares() * 4, softmax.getZero());
  Value own = getOwn(stage, tile.keyTile);
  int64_t steps = tile.depth / Fragments::size;
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t square = 0; square < getKeySquares(); square += 2) {
      // The 16 keys come before the second half of the depth.
      int64_t at = square * Fragments::halfSize * tile.keyTile.pitch + step * Fragments::size;
      SmallVector<Value> part = fragments.load(own, at, /*isTransposed=*/false);
      for (int64_t i = 0; i < tile.rowTiles; ++i)
        for (int64_t half = 0; half < 2; ++half)
          fragments.multiplyAdd(queries[i * steps + step], {part[half], part[half + 2]},
                                MutableArrayRef(scores).slice((i * getKeySquares() + square + half) * 4, 4));
    }
  return scores;
}

/// What masks say of two adjacent keys of a row.
SmallVector<Value> MmaEmitter::addMasks(Value line, Value firstKey, SmallVector<Value> scores) {
  constexpr int64_t pair = 2;
  Value row = m.min(line, m.sub(numRows, 1));
  for (auto [number, mask] : llvm::enumerate(masks)) {
    int64_t chunk = mask.positionStride ? std::min(shape.getChunk(3 + number), pair) : 1;
    for (int64_t i = 0; i < pair; i += chunk) {
      Value at = m.add(firstKey, i);
      if (!hasWholeTiles())
        at = m.min(at, m.sub(numKeys, chunk));
      Value elements = loadElements(m, mask.getAddress(m, row, at), mask.element, chunk, ReadKind::Constant);
      elements = kernel::widenTo(m, elements, shape.sum, /*isUnsigned=*/false);
      for (auto [score, element] : llvm::zip(MutableArrayRef(scores).drop_front(i), splitVector(m, elements)))
        score = softmax.add(score, element);
    }
  }
  return scores;
}

/// Scales, adds the masks, hides keys that do not exist.
void MmaEmitter::finishScores(Value firstKey, MutableArrayRef<Value> scores) {
  for (int64_t row = 0; row < getNumRows(); ++row) {
    SmallVector<Value *> own = getRowOf(scores, row, getKeySquares());
    for (int64_t square = 0; square < getKeySquares(); ++square) {
      Value keyNumber = m.add(firstKey, toIndex(m, m.add(threadColumn, square * Fragments::halfSize)));
      SmallVector<Value> pair{softmax.scale(*own[2 * square]), softmax.scale(*own[2 * square + 1])};
      pair = addMasks(getRow(row), keyNumber, pair);
      for (int64_t i = 0; i < 2; ++i)
        *own[2 * square + i] = hasWholeTiles() ? pair[i]
                                               : arith::SelectOp::create(b, loc, m.less(m.add(keyNumber, i), numKeys),
                                                                         pair[i], softmax.getLeast())
                                                     .getResult();
    }
  }
}

/// As in SimtEmitter.
void MmaEmitter::weigh(MutableArrayRef<Value> scores, SoftmaxState &state) {
  auto larger = [&](Value x, Value y) { return softmax.getLarger(x, y); };
  for (int64_t row = 0; row < getNumRows(); ++row) {
    SmallVector<Value *> own = getRowOf(scores, row, getKeySquares());
    Value before = state.largest[row], most = *own.front();
    for (Value *score : ArrayRef(own).drop_front())
      most = larger(most, *score);
    most = larger(before, joinRow(most, larger));
    Value base = softmax.getBase(most), shrink = softmax.getWeight(before, base);
    Value total = softmax.multiply(state.totals[row], shrink);
    for (Value *score : own) {
      *score = softmax.getWeight(*score, base);
      total = softmax.add(total, *score);
    }
    state.largest[row] = most;
    state.totals[row] = total;
    for (Value *sum : getRowOf(state.sums, row, getColumnSquares()))
      *sum = softmax.multiply(*sum, shrink);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------------------------------------------------===//

/// Squares of scores, two by two, are the left operand.
void MmaEmitter::multiplyKeys(Value stage, ValueRange weights, MutableArrayRef<Value> sums) {
  Value own = getOwn(getValues(stage), tile.valueTile);
  for (int64_t square = 0; square < getKeySquares(); square += 2) {
    SmallVector<SmallVector<Value>> left(tile.rowTiles);
    for (int64_t i = 0; i < tile.rowTiles; ++i)
      for (int64_t pair = 0; pair < 4; ++pair) {
        size_t first = (i * getKeySquares() + square) * 4 + pair * 2;
        left[i].push_back(fragments.pack(weights[first], weights[first + 1]));
      }
    for (int64_t column = 0; column < getColumnSquares(); column += 2) {
      int64_t at = square * Fragments::halfSize * tile.valueTile.pitch + column * Fragments::halfSize;
      SmallVector<Value> part = fragments.load(own, at, /*isTransposed=*/true);
      for (int64_t i = 0; i < tile.rowTiles; ++i)
        for (int64_t half = 0; half < 2; ++half)
          fragments.multiplyAdd(left[i], ArrayRef(part).slice(2 * half, 2),
                                sums.slice((i * getColumnSquares() + column + half) * 4, 4));
    }
  }
}

void MmaEmitter::storeResults(SoftmaxState state) {
  for (int64_t row = 0; row < getNumRows(); ++row) {
    Value total = joinRow(state.totals[row], [&](Value x, Value y) { return softmax.add(x, y); });
    SmallVector<Value> sums;
    for (Value *sum : getRowOf(state.sums, row, getColumnSquares()))
      sums.push_back(*sum);
    SmallVector<Value> results = softmax.divide(sums, total, numKeys);
    m.ifThen(m.less(getRow(row), numRows), [&] {
      for (int64_t square = 0; square < getColumnSquares(); ++square)
        storePair(getRow(row), square, ArrayRef(results).slice(square * 2, 2));
    });
  }
}

void MmaEmitter::storePair(Value row, int64_t square, ValueRange sums) {
  std::optional<int64_t> known = IndexMath::asConstant(numColumns);
  SmallVector<Value> rounded = llvm::map_to_vector(
      sums, [&](Value sum) -> Value { return arith::TruncFOp::create(b, loc, shape.element, sum); });
  int64_t chunk = std::min<int64_t>(shape.getChunk(operands.getResultNumber()), 2);
  for (int64_t i = 0; i < 2; i += chunk) {
    Value column = m.add(place.column, toIndex(m, m.add(threadColumn, square * Fragments::halfSize + i)));
    auto store = [&] {
      storeElements(m, joinVector(m, ArrayRef(rounded).slice(i, chunk)), result.getAddress(m, row, column));
    };
    if (known && *known % tile.columns == 0)
      store();
    else
      m.ifThen(m.less(column, numColumns), store);
  }
}

void nncc::gpu::emitMmaAttention(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape,
                                 const MmaAttentionTile &tile, const GPUTarget &target, AttentionOperands &operands,
                                 const AttentionPlace &place, Value thread, Value shared) {
  MmaEmitter(m, op, shape, tile, target, operands, place, thread, shared).emit();
}
