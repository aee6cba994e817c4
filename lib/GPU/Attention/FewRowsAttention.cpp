//===- FewRowsAttention.cpp - attention of a row or a few --------------------------------------------------------------===//

#include "FewRowsAttention.h"
#include "../PointPhases.h"
#include "../Points.h"
#include "../TeamReduction.h"
#include "AttentionPlace.h"
#include "Softmax.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Kernel/ProductTypes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

//===----------------------------------------------------------------------------------------------------------------===//
// The cut
//===----------------------------------------------------------------------------------------------------------------===//

/// How the work of a row is cut. Rows of all matrices of the batch are numbered one after the other.
struct RowCut {
  explicit RowCut(const AttentionShape &shape);

  static constexpr int64_t threads = 128, warpSize = 32, keysPerPart = 256, atOnce = 4;
  /// Threads that share a key: neighbours along the depth, or one where keys are neighbours.
  int64_t keyThreads;
  /// Elements of a key, and of a value, that a thread reads at once.
  int64_t keyChunk, valueChunk;
  /// Threads along columns, and groups of them that share keys.
  int64_t columnThreads, keyGroups;
  bool hasParts;

  int64_t getColumns() const { return columnThreads * valueChunk; }
  /// Of shared memory: scores, weights, the sums of all groups.
  int64_t getElements() const { return 2 * keysPerPart + keyGroups * getColumns(); }
};

/// Sizes and places of the rows.
struct RowSizes {
  RowSizes(IndexMath &m, const RowCut &cut, AttentionOperands &operands)
      : batch(operands.getBatchSizes()), keys(operands.getKeys()), columns(operands.getColumns()) {
    // Where there are more rows, tiles compute them.
    rows = operands.getRows();
    if (!IndexMath::asConstant(rows))
      rows = arith::SelectOp::create(m.builder(), m.location(), m.less(rows, m.constant(leastRowsOfTile)), rows,
                                     m.constant(0));
    parts = cut.hasParts ? m.max(m.ceilDiv(keys, RowCut::keysPerPart), m.constant(1)) : m.constant(1);
  }
  Value getNumRows(IndexMath &m) const {
    Value count = rows;
    for (Value size : batch)
      count = m.mul(count, size);
    return count;
  }
  SmallVector<Value> batch;
  Value rows, keys, columns, parts;
};

/// What parts leave in the workspace: the largest score and the total of each, then the sums.
class PartMemory {
public:
  PartMemory(IndexMath &m, Value memory, const RowSizes &sizes, Type type)
      : m(m), memory(memory), sizes(sizes), type(type), numParts(m.mul(sizes.getNumRows(m), sizes.parts)) {}

  static Value getBytes(IndexMath &m, const RowSizes &sizes, Type type) {
    Value numbers = m.mul(m.mul(sizes.getNumRows(m), sizes.parts), m.add(sizes.columns, 2));
    return m.mul(numbers, type.getIntOrFloatBitWidth() / 8);
  }
  /// Of part number `part` of row number `row`.
  Value getLargest(Value row, Value part) const { return at(getNumber(row, part)); }
  Value getTotal(Value row, Value part) const { return at(m.add(numParts, getNumber(row, part))); }
  Value getSum(Value row, Value part, Value column) const {
    return at(m.add(m.add(m.mul(numParts, 2), m.mul(getNumber(row, part), sizes.columns)), column));
  }

private:
  Value getNumber(Value row, Value part) const { return m.add(m.mul(row, sizes.parts), part); }
  Value at(Value number) const { return movePointer(m, memory, number, type); }

  IndexMath &m;
  Value memory;
  const RowSizes &sizes;
  Type type;
  Value numParts;
};

} // namespace

RowCut::RowCut(const AttentionShape &shape) {
  int64_t most = 16 / (shape.element.getIntOrFloatBitWidth() / 8);
  keyThreads = shape.isAdjacent(1) ? 8 : 1;
  keyChunk = std::min({shape.getChunk(0), shape.getChunk(1), most});
  valueChunk = std::min({shape.getChunk(2), shape.getChunk(3 + shape.numMasks), most});
  constexpr int64_t mostThreads = 32, usual = 16;
  columnThreads = ShapedType::isDynamic(shape.columns)
                      ? usual
                      : std::clamp<int64_t>(llvm::divideCeil(shape.columns, valueChunk), 1, mostThreads);
  keyGroups = threads / columnThreads;
  hasParts = ShapedType::isDynamic(shape.keys) || shape.keys > keysPerPart;
}

//===----------------------------------------------------------------------------------------------------------------===//
// A part of a row
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

/// Where a block works; index.
struct RowPlace {
  SmallVector<Value> batch;
  /// The row in its matrix and among all, its part, the first column.
  Value row, number, part, column;
};

class RowEmitter {
public:
  RowEmitter(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const RowCut &cut,
             AttentionOperands &operands, const RowPlace &place, Value thread, Value shared);

  void emitScores();
  void emitWeights();
  /// The sums of the columns of the block; `write` gets a column of the result, index, and its sum.
  void emitSums(function_ref<void(Value, Value)> write);

  Value largest, total;

private:
  Value getScore(Value key);
  SmallVector<Value> loadChunk(const AttentionMatrix &matrix, Value line, Value position, int64_t chunk, Value exists);
  SmallVector<Value> addValues(Value key, ValueRange sums);
  Value at(Value memory, Value number) { return movePointer(m, memory, number, shape.sum); }
  Value load(Value memory, Value number) { return loadElements(m, at(memory, number), shape.sum, 1); }
  Value joinWarp(Value value, int64_t lanes, function_ref<Value(Value, Value)> join) {
    for (int64_t mask = lanes / 2; mask > 0; mask /= 2)
      value = join(value, shuffleLanes(m.builder(), m.location(), value, mask));
    return value;
  }
  /// Of what is in shared memory for all keys of a part, joined by each warp alike.
  Value joinKeys(Value memory, function_ref<Value(Value, Value)> join);

  IndexMath &m;
  OpBuilder &b;
  Location loc;
  Softmax softmax;
  const AttentionShape &shape;
  const RowCut &cut;
  AttentionOperands &operands;
  const RowPlace &place;
  Value thread;
  /// In shared memory.
  Value scores, weights, groups;
  AttentionMatrix query, key, value;
  SmallVector<AttentionMatrix> masks;
  /// Of the part.
  Value firstKey, numKeys, depth;
};

} // namespace

RowEmitter::RowEmitter(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const RowCut &cut,
                       AttentionOperands &operands, const RowPlace &place, Value thread, Value shared)
    : m(m), b(m.builder()), loc(m.location()), softmax(m, op, shape), shape(shape), cut(cut), operands(operands),
      place(place), thread(thread), scores(shared), depth(operands.getDepth()) {
  int64_t bytes = RowCut::keysPerPart * shape.sum.getIntOrFloatBitWidth() / 8;
  weights = moveBytes(m, scores, bytes);
  groups = moveBytes(m, weights, bytes);
  query = operands.locate(0, place.batch);
  key = operands.locate(1, place.batch);
  value = operands.locate(2, place.batch);
  for (unsigned mask = 0; mask < operands.getNumMasks(); ++mask)
    masks.push_back(operands.locate(3 + mask, place.batch));
  firstKey = m.mul(place.part, RowCut::keysPerPart);
  numKeys = operands.getKeys();
  if (cut.hasParts)
    numKeys = m.min(m.sub(numKeys, firstKey), RowCut::keysPerPart);
}

/// Elements of a matrix in the type of sums; zeros unless `exists` (null: always).
SmallVector<Value> RowEmitter::loadChunk(const AttentionMatrix &matrix, Value line, Value position, int64_t chunk,
                                         Value exists) {
  Value elements = loadElements(m, matrix.getAddress(m, line, position), matrix.element, chunk, ReadKind::Constant);
  elements = kernel::widenTo(m, elements, shape.sum, /*isUnsigned=*/false);
  if (exists)
    elements = arith::SelectOp::create(b, loc, exists, elements, getZero(m, elements.getType()));
  return splitVector(m, elements);
}

/// The thread's part of the product of the row with a key of the part, which exists.
Value RowEmitter::getScore(Value line) {
  int64_t step = cut.keyThreads * cut.keyChunk;
  Value own = toIndex(m, m.mul(m.rem(thread, cut.keyThreads), cut.keyChunk));
  std::optional<int64_t> known = IndexMath::asConstant(depth);
  return m
      .reduce(m.ceilDiv(depth, step), softmax.getZero(),
              [&](Value number, ValueRange now) -> SmallVector<Value> {
                Value position = m.add(m.mul(number, step), own), sum = now.front(), exists;
                if (!known || *known % step != 0) {
                  exists = m.less(position, depth);
                  position = m.min(position, m.sub(depth, cut.keyChunk));
                }
                SmallVector<Value> left = loadChunk(query, place.row, position, cut.keyChunk, exists);
                SmallVector<Value> right = loadChunk(key, line, position, cut.keyChunk, exists);
                for (auto [x, y] : llvm::zip_equal(left, right))
                  sum = math::FmaOp::create(b, loc, x, y, sum);
                return {sum};
              })
      .front();
}

void RowEmitter::emitScores() {
  int64_t keysAtOnce = RowCut::threads / cut.keyThreads, step = keysAtOnce * RowCut::atOnce;
  Value own = toIndex(m, m.div(thread, cut.keyThreads)), last = m.sub(numKeys, 1);
  auto add = [&](Value x, Value y) { return softmax.add(x, y); };
  // What no key exists for has no weight.
  for (int64_t i = 0; i < RowCut::keysPerPart; i += RowCut::threads)
    storeElements(m, softmax.getLeast(), at(scores, m.add(thread, i)));
  emitBarrier(m);
  m.loop(m.ceilDiv(numKeys, step), [&](Value number) {
    for (int64_t i = 0; i < RowCut::atOnce; ++i) {
      Value inPart = m.add(m.add(m.mul(number, step), own), i * keysAtOnce),
            line = m.add(firstKey, m.min(inPart, last));
      Value score = softmax.scale(joinWarp(getScore(line), cut.keyThreads, add));
      for (const AttentionMatrix &mask : masks)
        score = softmax.add(score, loadChunk(mask, place.row, line, 1, nullptr).front());
      Value isMine =
          both(m, m.less(inPart, numKeys), m.equal(m.rem(thread, cut.keyThreads), m.constant(0, b.getI32Type())));
      m.ifThen(isMine, [&] { storeElements(m, score, at(scores, inPart)); });
    }
  });
  emitBarrier(m);
}

Value RowEmitter::joinKeys(Value memory, function_ref<Value(Value, Value)> join) {
  Value lane = m.rem(thread, RowCut::warpSize), joined = load(memory, lane);
  for (int64_t i = RowCut::warpSize; i < RowCut::keysPerPart; i += RowCut::warpSize)
    joined = join(joined, load(memory, m.add(lane, i)));
  return joinWarp(joined, RowCut::warpSize, join);
}

void RowEmitter::emitWeights() {
  largest = joinKeys(scores, [&](Value x, Value y) { return softmax.getLarger(x, y); });
  // The largest number there is where all are NaN.
  largest = softmax.getLarger(largest, softmax.getLeast());
  Value base = softmax.getBase(largest);
  for (int64_t i = 0; i < RowCut::keysPerPart; i += RowCut::threads) {
    Value number = m.add(thread, i);
    storeElements(m, softmax.getWeight(load(scores, number), base), at(weights, number));
  }
  emitBarrier(m);
  total = joinKeys(weights, [&](Value x, Value y) { return softmax.add(x, y); });
}

/// Adds what a key of the part contributes to the columns of the thread.
SmallVector<Value> RowEmitter::addValues(Value inPart, ValueRange sums) {
  Value exists = m.less(inPart, numKeys), clamped = m.min(inPart, m.sub(numKeys, 1));
  Value column = m.add(place.column, toIndex(m, m.mul(m.rem(thread, cut.columnThreads), cut.valueChunk)));
  column = m.min(column, m.sub(operands.getColumns(), cut.valueChunk));
  Value weight = load(weights, clamped), zero = softmax.getZero();
  weight = arith::SelectOp::create(b, loc, exists, weight, zero);
  SmallVector<Value> elements = loadChunk(value, m.add(firstKey, clamped), column, cut.valueChunk, exists), results;
  for (auto [element, sum] : llvm::zip_equal(elements, sums))
    results.push_back(math::FmaOp::create(b, loc, weight, element, sum));
  return results;
}

void RowEmitter::emitSums(function_ref<void(Value, Value)> write) {
  int64_t step = cut.keyGroups * RowCut::atOnce;
  Value group = m.div(thread, cut.columnThreads), own = toIndex(m, group);
  SmallVector<Value> sums(cut.valueChunk, softmax.getZero());
  sums = m.reduce(m.ceilDiv(numKeys, step), sums, [&](Value number, ValueRange now) {
    SmallVector<Value> next(now);
    for (int64_t i = 0; i < RowCut::atOnce; ++i)
      next = addValues(m.add(m.add(m.mul(number, step), own), i * cut.keyGroups), next);
    return next;
  });
  Value inBlock = m.mul(m.rem(thread, cut.columnThreads), cut.valueChunk);
  m.ifThen(m.less(group, m.constant(cut.keyGroups, b.getI32Type())),
           [&] { storeElements(m, joinVector(m, sums), at(groups, m.add(m.mul(group, cut.getColumns()), inBlock))); });
  emitBarrier(m);
  for (int64_t i = 0; i < cut.getColumns(); i += RowCut::threads) {
    Value number = m.add(thread, i), column = m.add(place.column, toIndex(m, number));
    Value exists =
        both(m, m.less(number, m.constant(cut.getColumns(), b.getI32Type())), m.less(column, operands.getColumns()));
    m.ifThen(exists, [&] {
      Value sum = load(groups, number);
      for (int64_t other = 1; other < cut.keyGroups; ++other)
        sum = softmax.add(sum, load(groups, m.add(number, other * cut.getColumns())));
      write(column, sum);
    });
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------------------------------------------------===//

/// Stores one element of the result.
static void storeResult(IndexMath &m, AttentionOperands &operands, ValueRange batch, Value row, Value column,
                        Value sum) {
  AttentionMatrix result = operands.locate(operands.getResultNumber(), batch);
  if (sum.getType() != result.element)
    sum = arith::TruncFOp::create(m.builder(), m.location(), result.element, sum);
  storeElements(m, sum, result.getAddress(m, row, column));
}

namespace {

class RowPhase : public Phase {
public:
  RowPhase(KernelPlan &plan, exec::AttentionOp op) : plan(plan), op(op), shape(op), cut(shape) {
    if (cut.hasParts)
      reserved = plan.workspace.reserve([this](OpBuilder &b, Buffers &values) {
        IndexMath m(b, this->op.getLoc());
        AttentionOperands operands(m, this->op, values);
        return PartMemory::getBytes(m, RowSizes(m, cut, operands), shape.sum);
      });
  }

  unsigned getThreads() const override { return RowCut::threads; }
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override {
    IndexMath m(b, op.getLoc());
    AttentionOperands operands(m, op, values);
    Value bytes = m.constant(cut.getElements() * shape.sum.getIntOrFloatBitWidth() / 8);
    return LaunchShape{getNumPoints(b, op.getLoc(), getGrid(m, RowSizes(m, cut, operands))), bytes};
  }
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

  const RowCut &getCut() const { return cut; }
  Value getMemory(IndexMath &m, Buffers &values, const DeviceFunction &function) const {
    return getGlobalPointer(m, plan.workspace.getReserved(m.builder(), values, function.scratch, reserved));
  }

private:
  SmallVector<Value> getGrid(IndexMath &m, const RowSizes &sizes) const {
    SmallVector<Value> grid = sizes.batch;
    grid.append({sizes.rows, m.ceilDiv(sizes.columns, cut.getColumns()), sizes.parts});
    return grid;
  }

  KernelPlan &plan;
  mutable exec::AttentionOp op; // a handle, none of whose methods is const
  AttentionShape shape;
  RowCut cut;
  unsigned reserved = 0;
};

/// A thread joins the parts of one element.
class JoinRowsPhase : public PointPhase {
public:
  JoinRowsPhase(exec::AttentionOp op, const RowPhase &parts) : op(op), shape(op), parts(parts) {}
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override {
    setBlocksPerProcessor(function, attentionBlocks);
    IndexMath m(b, op.getLoc());
    memory = parts.getMemory(m, values, function);
    return PointPhase::writeBody(b, values, function);
  }

protected:
  Location getLoc() const override { return op->getLoc(); }
  SmallVector<Value> getSizes(OpBuilder &b, Buffers &values) override {
    IndexMath m(b, op.getLoc());
    AttentionOperands operands(m, op, values);
    RowSizes sizes(m, parts.getCut(), operands);
    SmallVector<Value> all = sizes.batch;
    all.append({sizes.rows, sizes.columns});
    return all;
  }
  void writePoint(OpBuilder &b, Buffers &values, ValueRange point) override;

private:
  mutable exec::AttentionOp op;
  AttentionShape shape;
  const RowPhase &parts;
  Value memory;
};

} // namespace

/// The number of a row among those of all matrices.
static Value getRowNumber(IndexMath &m, const RowSizes &sizes, ValueRange batch, Value row) {
  Value number = m.constant(0);
  for (auto [index, size] : llvm::zip_equal(batch, sizes.batch))
    number = m.add(m.mul(number, size), index);
  return m.add(m.mul(number, sizes.rows), row);
}

LogicalResult RowPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  setBlocksPerProcessor(function, attentionBlocks);
  IndexMath m(b, op.getLoc());
  AttentionOperands operands(m, op, values);
  RowSizes sizes(m, cut, operands);
  SmallVector<Value> point = getPoint(b, op.getLoc(), function.block, getGrid(m, sizes));
  RowPlace place;
  place.part = point.pop_back_val();
  place.column = m.mul(point.pop_back_val(), cut.getColumns());
  place.row = point.pop_back_val();
  place.batch = point;
  place.number = getRowNumber(m, sizes, place.batch, place.row);
  Value thread = toI32(m, function.thread);
  RowEmitter emitter(m, op, shape, cut, operands, place, thread, getSharedPointer(m, function.shared));
  emitter.emitScores();
  emitter.emitWeights();
  if (!cut.hasParts) {
    Softmax softmax(m, op, shape);
    emitter.emitSums([&](Value column, Value sum) {
      Value result = softmax.divide(sum, emitter.total, sizes.keys).front();
      storeResult(m, operands, place.batch, place.row, column, result);
    });
    return success();
  }
  PartMemory memory(m, getMemory(m, values, function), sizes, shape.sum);
  emitter.emitSums([&](Value column, Value sum) {
    storeElements(m, sum, memory.getSum(place.number, place.part, column));
    m.ifThen(m.equal(column, m.constant(0)), [&] {
      storeElements(m, emitter.largest, memory.getLargest(place.number, place.part));
      storeElements(m, emitter.total, memory.getTotal(place.number, place.part));
    });
  });
  return success();
}

void JoinRowsPhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  IndexMath m(b, op.getLoc());
  AttentionOperands operands(m, op, values);
  RowSizes sizes(m, parts.getCut(), operands);
  Softmax softmax(m, op, shape);
  PartMemory parts(m, memory, sizes, shape.sum);
  ValueRange batch = point.drop_back(2);
  Value column = point.back(), row = point[point.size() - 2], number = getRowNumber(m, sizes, batch, row);
  auto read = [&](Value pointer) { return loadElements(m, pointer, shape.sum, 1); };
  Value largest = m.reduce(sizes.parts, softmax.getLeast(), [&](Value part, ValueRange now) -> SmallVector<Value> {
                     return {softmax.getLarger(now.front(), read(parts.getLargest(number, part)))};
                   }).front();
  Value base = softmax.getBase(largest);
  SmallVector<Value> zeros(2, softmax.getZero());
  SmallVector<Value> sums = m.reduce(sizes.parts, zeros, [&](Value part, ValueRange now) -> SmallVector<Value> {
    Value shrink = softmax.getWeight(read(parts.getLargest(number, part)), base);
    auto addTo = [&](Value sum, Value own) { return softmax.add(sum, softmax.multiply(read(own), shrink)); };
    return {addTo(now[0], parts.getTotal(number, part)), addTo(now[1], parts.getSum(number, part, column))};
  });
  storeResult(m, operands, batch, row, column, softmax.divide(sums[1], sums[0], sizes.keys).front());
}

void nncc::gpu::addFewRowsAttention(KernelPlan &plan, exec::AttentionOp op) {
  RowPhase &rows = plan.add<RowPhase>(plan, op);
  if (rows.getCut().hasParts)
    plan.add<JoinRowsPhase>(op, rows);
}
