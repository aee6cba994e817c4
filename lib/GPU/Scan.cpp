//===- Scan.cpp - lines of sums so far ----------------------------------------------------------------------------===//
//
// A block has a tile of a line in shared memory; a thread sums a few elements that lie side by side, the threads' sums are joined, and each
// goes over its elements again with what comes before them. Of a line of several tiles a phase before computes the tiles' sums, and one the
// sums before each tile: no block waits for another. Everything is joined in an order that only the length decides.
//
// Where lines are short, or so many side by side that threads next to each other read elements next to each other, a thread has a line.
//
//===----------------------------------------------------------------------------------------------------------------===//

#include "Lines.h"
#include "PointPhases.h"
#include "Points.h"
#include "TeamReduction.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

constexpr int64_t blockThreads = 256, itemsOfThread = 8, tile = blockThreads * itemsOfThread;

/// What the phases of one scan share.
class ScanPlan {
public:
  ScanPlan(KernelPlan &kernel, exec::ScanOp op) : kernel(kernel), op(op), lines(op) {}

  /// Memory for the sums of tiles, where a line may have several.
  void reserveSums() {
    std::optional<int64_t> length = lines.getStaticLength();
    if (length && *length <= tile)
      return;
    reserved = kernel.workspace.reserve([this](OpBuilder &b, Buffers &values) {
      IndexMath m(b, lines.getLoc());
      return m.mul(getNumTiles(m, values), exec::getElementBytes(getType()));
    });
  }

  Type getType() const { return cast<TypedAttr>(op.getNeutral()).getType(); }
  Value getTilesOfLine(IndexMath &m, Buffers &values) const { return m.ceilDiv(lines.getLength(values), tile); }
  Value getNumTiles(IndexMath &m, Buffers &values) const {
    return m.mul(lines.getNumLines(m.builder(), values), getTilesOfLine(m, values));
  }
  Value getNeutral(OpBuilder &b) const {
    return arith::ConstantOp::create(b, lines.getLoc(), cast<TypedAttr>(op.getNeutral()));
  }
  /// Element `i` along the scan.
  Value getElement(IndexMath &m, Buffers &values, ArrayRef<Value> point, Value i) const {
    SmallVector<Value> leading(point);
    leading.push_back(getNumber(m, values, i));
    return lines.write(m.builder(), op.getElement(), leading, values).front();
  }
  Value getNumber(IndexMath &m, Buffers &values, Value i) const {
    return op.getReverse() ? m.sub(m.sub(lines.getLength(values), 1), i) : i;
  }
  Value combine(OpBuilder &b, Value x, Value y) const {
    IRMapping mapping;
    Block &block = op.getCombine().front();
    mapping.map(block.getArguments(), ArrayRef<Value>{x, y});
    for (Operation &inner : block.without_terminator())
      b.clone(inner, mapping);
    return mapping.lookupOrDefault(block.getTerminator()->getOperand(0));
  }
  /// The sum of each tile, later of those before it.
  Value getSums(IndexMath &m, Buffers &values, const DeviceFunction &function) const {
    Value bytes = kernel.workspace.getReserved(m.builder(), values, function.scratch, *reserved);
    return viewBytes(m.builder(), lines.getLoc(), bytes, m.constant(0), getType(), getNumTiles(m, values));
  }

  KernelPlan &kernel;
  mutable exec::ScanOp op; // a handle, none of whose methods is const
  Lines lines;
  std::optional<unsigned> reserved;
};

class ScanPhase : public Phase {
public:
  explicit ScanPhase(std::shared_ptr<ScanPlan> plan) : plan(std::move(plan)) {}
  unsigned getThreads() const override { return blockThreads; }

protected:
  std::shared_ptr<ScanPlan> plan;
};

/// A thread goes along a line.
class LinePhase : public PointPhase {
public:
  LinePhase(std::shared_ptr<ScanPlan> plan) : plan(std::move(plan)) {}

protected:
  Location getLoc() const override { return plan->lines.getLoc(); }
  SmallVector<Value> getSizes(OpBuilder &, Buffers &values) override {
    return llvm::map_to_vector(plan->op.getSizes(), [&](Value size) { return values.values.lookup(size); });
  }
  void writePoint(OpBuilder &b, Buffers &values, ValueRange point) override;

private:
  std::shared_ptr<ScanPlan> plan;
};

/// What a block does of a tile.
class TileScan {
public:
  TileScan(IndexMath &m, const ScanPlan &plan, Buffers &values, const DeviceFunction &function)
      : m(m), b(m.builder()), loc(m.location()), plan(plan), values(values), function(function) {
    elements = viewBytes(b, loc, function.shared, m.constant(0), plan.getType(), m.constant(padded(tile)));
    for (int64_t half = 0; half < 2; ++half)
      sums[half] = viewBytes(b, loc, function.shared, m.constant(getElementBytes(plan) + half * getSumBytes(plan)),
                             plan.getType(), m.constant(blockThreads));
  }

  static int64_t getSharedBytes(const ScanPlan &plan) { return getElementBytes(plan) + 2 * getSumBytes(plan); }

  /// Puts the tile that starts at `first` into shared memory, by threads side by side; gives the sum of this thread's elements.
  Value load(ArrayRef<Value> point, Value first);
  /// The values of this thread and those before it, joined; all threads get here.
  Value join(Value value);
  /// The joined values of the threads before this one, behind join(); `start` comes before all.
  Value getBefore(Value start);
  /// The joined values of all threads.
  Value getLast() { return memref::LoadOp::create(b, loc, sums[0], m.constant(blockThreads - 1)); }
  /// Stores the sums of the tile that was loaded, where `before` comes before this thread's elements.
  void store(ArrayRef<Value> point, Value first, Value before);

private:
  static int64_t padded(int64_t count) { return count + count / itemsOfThread; }
  static int64_t getElementBytes(const ScanPlan &plan) {
    return llvm::alignTo(padded(tile) * exec::getElementBytes(plan.getType()), 16);
  }
  static int64_t getSumBytes(const ScanPlan &plan) {
    return llvm::alignTo(blockThreads * exec::getElementBytes(plan.getType()), 16);
  }
  /// One element is left free behind those of a thread, so that threads read from different banks.
  Value getSlot(Value at) { return m.add(at, m.div(at, itemsOfThread)); }
  Value loadShared(Value memory, Value at) { return memref::LoadOp::create(b, loc, memory, at); }

  IndexMath &m;
  OpBuilder &b;
  Location loc;
  const ScanPlan &plan;
  Buffers &values;
  const DeviceFunction &function;
  Value elements, sums[2];
};

/// The sum of each tile, where a line has several.
class TileSumPhase : public ScanPhase {
public:
  using ScanPhase::ScanPhase;
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;
};

/// A block a line replaces the sums of its tiles by those of all tiles before.
class LineSumPhase : public ScanPhase {
public:
  using ScanPhase::ScanPhase;
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;
};

class ResultPhase : public ScanPhase {
public:
  using ScanPhase::ScanPhase;
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;
};

} // namespace

void LinePhase::writePoint(OpBuilder &b, Buffers &values, ValueRange point) {
  IndexMath m(b, getLoc());
  SmallVector<Value> line(point);
  m.reduce(plan->lines.getLength(values), plan->getNeutral(b), [&](Value i, ValueRange sum) -> SmallVector<Value> {
    Value next = plan->combine(b, sum.front(), plan->getElement(m, values, line, i));
    plan->lines.store(b, values, 0, plan->op.getExclusive() ? sum.front() : next, line, plan->getNumber(m, values, i));
    return {next};
  });
}

//===----------------------------------------------------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------------------------------------------------===//

Value TileScan::load(ArrayRef<Value> point, Value first) {
  Value length = plan.lines.getLength(values), neutral = plan.getNeutral(b);
  for (int64_t item = 0; item < itemsOfThread; ++item) {
    Value at = m.add(function.thread, item * blockThreads), number = m.add(first, at);
    auto choice = scf::IfOp::create(b, loc, plan.getType(), m.less(number, length), /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(b, loc, plan.getElement(m, values, point, number));
      b.setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(b, loc, neutral);
    }
    memref::StoreOp::create(b, loc, choice.getResult(0), elements, getSlot(at));
  }
  createBarrier(b, loc);
  Value own = m.mul(function.thread, itemsOfThread), sum = loadShared(elements, getSlot(own));
  for (int64_t item = 1; item < itemsOfThread; ++item)
    sum = plan.combine(b, sum, loadShared(elements, getSlot(m.add(own, item))));
  return sum;
}

/// In steps of 1, 2, 4 .., each from one half of the memory to the other.
Value TileScan::join(Value value) {
  unsigned half = 0;
  memref::StoreOp::create(b, loc, value, sums[half], function.thread);
  createBarrier(b, loc);
  for (int64_t distance = 1; distance < blockThreads; distance *= 2, half ^= 1) {
    Value hasOther = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, function.thread, m.constant(distance));
    auto choice = scf::IfOp::create(b, loc, value.getType(), hasOther, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      Value other = loadShared(sums[half], m.sub(function.thread, distance));
      scf::YieldOp::create(b, loc, plan.combine(b, other, value));
      b.setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(b, loc, value);
    }
    value = choice.getResult(0);
    memref::StoreOp::create(b, loc, value, sums[half ^ 1], function.thread);
    createBarrier(b, loc);
  }
  static_assert(blockThreads == 256, "the steps are even in number: the last one wrote to sums[0]");
  return value;
}

Value TileScan::getBefore(Value start) {
  Value isFirst = m.equal(function.thread, m.constant(0));
  auto choice = scf::IfOp::create(b, loc, start.getType(), isFirst, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, loc, start);
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, loc, plan.combine(b, start, loadShared(sums[0], m.sub(function.thread, 1))));
  return choice.getResult(0);
}

void TileScan::store(ArrayRef<Value> point, Value first, Value before) {
  Value own = m.mul(function.thread, itemsOfThread);
  for (int64_t item = 0; item < itemsOfThread; ++item) {
    Value slot = getSlot(m.add(own, item));
    Value next = plan.combine(b, before, loadShared(elements, slot));
    memref::StoreOp::create(b, loc, plan.op.getExclusive() ? before : next, elements, slot);
    before = next;
  }
  createBarrier(b, loc);
  for (int64_t item = 0; item < itemsOfThread; ++item) {
    Value at = m.add(function.thread, item * blockThreads), number = m.add(first, at);
    m.ifThen(m.less(number, plan.lines.getLength(values)), [&] {
      plan.lines.store(b, values, 0, loadShared(elements, getSlot(at)), point, plan.getNumber(m, values, number));
    });
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// The phases
//===----------------------------------------------------------------------------------------------------------------===//

/// Nothing where lines have one tile.
static Value whereSeveral(IndexMath &m, const ScanPlan &plan, Buffers &values, Value blocks) {
  Value several = m.less(m.constant(tile), plan.lines.getLength(values));
  return m.builder().createOrFold<arith::SelectOp>(m.location(), several, blocks, m.constant(0));
}

FailureOr<LaunchShape> TileSumPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, plan->lines.getLoc());
  return LaunchShape{whereSeveral(m, *plan, values, plan->getNumTiles(m, values)),
                     m.constant(TileScan::getSharedBytes(*plan))};
}

LogicalResult TileSumPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  IndexMath m(b, plan->lines.getLoc());
  Value tiles = plan->getTilesOfLine(m, values);
  SmallVector<Value> point = plan->lines.getPoint(b, values, m.div(function.block, tiles));
  TileScan scan(m, *plan, values, function);
  Value sum = scan.join(scan.load(point, m.mul(m.rem(function.block, tiles), tile)));
  m.ifThen(m.equal(function.thread, m.constant(blockThreads - 1)),
           [&] { memref::StoreOp::create(b, m.location(), sum, plan->getSums(m, values, function), function.block); });
  return success();
}

FailureOr<LaunchShape> LineSumPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, plan->lines.getLoc());
  return LaunchShape{whereSeveral(m, *plan, values, plan->lines.getNumLines(b, values)),
                     m.constant(TileScan::getSharedBytes(*plan))};
}

LogicalResult LineSumPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  Location loc = plan->lines.getLoc();
  IndexMath m(b, loc);
  Value tiles = plan->getTilesOfLine(m, values), sums = plan->getSums(m, values, function);
  Value first = m.mul(function.block, tiles);
  TileScan scan(m, *plan, values, function);
  m.reduce(m.ceilDiv(tiles, blockThreads), plan->getNeutral(b), [&](Value round, ValueRange sum) -> SmallVector<Value> {
    Value at = m.add(m.mul(round, blockThreads), function.thread);
    Value exists = m.less(at, tiles), neutral = plan->getNeutral(b);
    auto choice = scf::IfOp::create(b, loc, plan->getType(), exists, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(b, loc, memref::LoadOp::create(b, loc, sums, m.add(first, at)).getResult());
      b.setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(b, loc, neutral);
    }
    scan.join(choice.getResult(0));
    Value before = scan.getBefore(sum.front());
    m.ifThen(exists, [&] { memref::StoreOp::create(b, loc, before, sums, m.add(first, at)); });
    Value next = plan->combine(b, sum.front(), scan.getLast());
    createBarrier(b, loc); // before the next round writes
    return {next};
  });
  return success();
}

FailureOr<LaunchShape> ResultPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, plan->lines.getLoc());
  return LaunchShape{plan->getNumTiles(m, values), m.constant(TileScan::getSharedBytes(*plan))};
}

LogicalResult ResultPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  Location loc = plan->lines.getLoc();
  IndexMath m(b, loc);
  Value tiles = plan->getTilesOfLine(m, values), neutral = plan->getNeutral(b);
  SmallVector<Value> point = plan->lines.getPoint(b, values, m.div(function.block, tiles));
  Value first = m.mul(m.rem(function.block, tiles), tile), start = neutral;
  if (plan->reserved) {
    auto choice = scf::IfOp::create(b, loc, plan->getType(), m.less(m.constant(1), tiles), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    Value sums = plan->getSums(m, values, function);
    scf::YieldOp::create(b, loc, memref::LoadOp::create(b, loc, sums, function.block).getResult());
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, loc, neutral);
    start = choice.getResult(0);
  }
  TileScan scan(m, *plan, values, function);
  scan.join(scan.load(point, first));
  scan.store(point, first, scan.getBefore(start));
  return success();
}

/// Whether a thread should have a line.
static bool hasShortLines(exec::ScanOp op) {
  constexpr int64_t shortLength = 64, manyLines = 4096;
  if (std::optional<int64_t> length = Lines(op).getStaticLength(); length && *length <= shortLength)
    return true;
  std::optional<int64_t> inner = op.getSizes().empty() ? 1 : IndexMath::asConstant(op.getSizes().back());
  int64_t count = 1;
  for (Value size : op.getSizes())
    count *= IndexMath::asConstant(size).value_or(1);
  return op.getAxis() < op.getSizes().size() && inner.value_or(1) >= 32 && count >= manyLines;
}

void nncc::gpu::addScan(KernelPlan &plan, exec::ScanOp op) {
  auto shared = std::make_shared<ScanPlan>(plan, op);
  if (plan.target.optLevel == 0 || hasShortLines(op)) {
    plan.add<LinePhase>(shared);
    return;
  }
  shared->reserveSums();
  if (shared->reserved) {
    plan.add<TileSumPhase>(shared);
    plan.add<LineSumPhase>(shared);
  }
  plan.add<ResultPhase>(shared);
}
