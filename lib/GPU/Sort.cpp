//===- Sort.cpp - lines in order ----------------------------------------------------------------------------------===//
//
// A block sorts a tile of a line in shared memory, bitonically. A line of one tile is then done. Of a longer one each tile leaves its first
// elements as a run in the workspace, and phase by phase every eight runs become one: the place of an element is the number of elements in
// the eight runs that come before it, found by binary searches. What is behind the places that the result has is dropped at once.
// The order is total: each place has one element, whichever block is first.
//
//===----------------------------------------------------------------------------------------------------------------===//

#include "Lines.h"
#include "TeamReduction.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

/// An element of a line: its number and its keys.
struct Element {
  Value number;
  SmallVector<Value> keys;
};

/// What the phases of one sort share.
class SortPlan {
public:
  SortPlan(KernelPlan &kernel, exec::SortOp op);

  Location getLoc() const { return lines.getLoc(); }
  /// Places of the result, index.
  Value getPlaces(Buffers &values) const {
    exec::SortOp sort = op;
    return values.toIndex(values.getSizes(sort.getResult(0))[sort.getAxis()]);
  }
  /// Elements that a run of this level comes from: one of level 0 from a tile.
  int64_t getSpan(unsigned level) const { return tile << (3 * level); }
  /// How many levels of merging the longest line takes.
  unsigned getNumLevels() const;
  /// Whether x comes before y, in a total order.
  Value isBefore(OpBuilder &b, const Buffers &values, ArrayRef<Value> point, const Element &x, const Element &y) const;

  /// Where runs of `level` are in the workspace: numbers, then each key.
  SmallVector<Value> getMemory(IndexMath &m, Buffers &values, const DeviceFunction &function, unsigned level) const;
  Element load(IndexMath &m, ArrayRef<Value> memory, Value at) const;
  /// Keeps an element at a place of run `run`: in the result where one run of this level is the whole line.
  void store(IndexMath &m, Buffers &values, const DeviceFunction &function, unsigned level, Value line, Value run,
             Value place, const Element &element) const;

  KernelPlan &kernel;
  mutable exec::SortOp op; // a handle, none of whose methods is const
  Lines lines;
  SmallVector<Type> keys;
  /// Elements of a tile, a power of two, and the lines that a block sorts at a time.
  int64_t tile = 2, linesOfBlock = 1;

private:
  Type getType(unsigned part) const { return part == 0 ? Type(IntegerType::get(op.getContext(), 64)) : keys[part - 1]; }

  /// What is reserved for levels of even and odd number: numbers, then each key.
  SmallVector<unsigned> reserved[2];
};

class SortPhase : public Phase {
public:
  explicit SortPhase(std::shared_ptr<SortPlan> plan) : plan(std::move(plan)) {}

protected:
  std::shared_ptr<SortPlan> plan;
};

/// A block sorts a tile of a line, or short lines as a whole.
class TilePhase : public SortPhase {
public:
  using SortPhase::SortPhase;
  unsigned getThreads() const override { return std::clamp<int64_t>(getSlots() / 2, 32, 512); }
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  int64_t getSlots() const { return plan->tile * plan->linesOfBlock; }
  int64_t getSharedBytes() const;
};

/// Every eight runs become one.
class MergePhase : public SortPhase {
public:
  MergePhase(std::shared_ptr<SortPlan> plan, unsigned level) : SortPhase(std::move(plan)), level(level) {}
  unsigned getThreads() const override { return 256; }
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  struct Runs {
    Value count, stride, elements; ///< of a line: runs, elements of a whole one, elements of all
  };
  Runs getRuns(IndexMath &m, Buffers &values) const;
  /// Elements of run `run` that come before `element`.
  Value countBefore(IndexMath &m, Buffers &values, ArrayRef<Value> memory, ArrayRef<Value> point, Value first,
                    Value count, const Element &element) const;

  unsigned level; // of what comes out
};

} // namespace

//===----------------------------------------------------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------------------------------------------------===//

SortPlan::SortPlan(KernelPlan &kernel, exec::SortOp op) : kernel(kernel), op(op), lines(op), keys(op.getKeyTypes()) {
  constexpr int64_t mostElements = 2048, mostBytes = 32 << 10, leastSlots = 128;
  int64_t bytes = 4;
  for (Type key : keys)
    bytes += exec::getElementBytes(key);
  std::optional<int64_t> length = lines.getStaticLength();
  int64_t wanted = std::min(mostElements, length.value_or(mostElements));
  while (tile < wanted && 2 * tile * bytes <= mostBytes)
    tile *= 2;
  if (length && *length <= tile)
    linesOfBlock = std::max<int64_t>(1, leastSlots / tile);
  for (unsigned parity = 0; parity < std::min(2u, getNumLevels()); ++parity)
    for (unsigned part = 0; part <= keys.size(); ++part)
      reserved[parity].push_back(
          kernel.workspace.reserve([this, parity, type = getType(part)](OpBuilder &b, Buffers &values) {
            IndexMath m(b, getLoc());
            Value count = m.mul(lines.getNumLines(b, values), lines.getLength(values));
            Value isUsed = m.less(m.constant(getSpan(parity)), lines.getLength(values));
            Value bytes = m.mul(count, exec::getElementBytes(type));
            return b.createOrFold<arith::SelectOp>(getLoc(), isUsed, bytes, m.constant(0));
          }));
}

unsigned SortPlan::getNumLevels() const {
  constexpr int64_t mostElements = int64_t(1) << 34; // no card has memory for these, their numbers and two runs
  int64_t length = lines.getStaticLength().value_or(mostElements);
  unsigned level = 0;
  while (getSpan(level) < length)
    ++level;
  return level;
}

Value SortPlan::isBefore(OpBuilder &b, const Buffers &values, ArrayRef<Value> point, const Element &x,
                         const Element &y) const {
  auto compare = [&](const Element &first, const Element &second) {
    SmallVector<Value> leading(point);
    leading.append({first.number, second.number});
    llvm::append_range(leading, first.keys);
    llvm::append_range(leading, second.keys);
    return lines.write(b, op.getBefore(), leading, values).front();
  };
  Value before = compare(x, y), behind = compare(y, x);
  Value isLower = arith::CmpIOp::create(b, getLoc(), arith::CmpIPredicate::ult, x.number, y.number);
  Value isNotBehind = arith::XOrIOp::create(b, getLoc(), behind, arith::ConstantIntOp::create(b, getLoc(), 1, 1));
  Value otherwise = arith::AndIOp::create(b, getLoc(), isNotBehind, isLower);
  return arith::OrIOp::create(b, getLoc(), before, otherwise);
}

SmallVector<Value> SortPlan::getMemory(IndexMath &m, Buffers &values, const DeviceFunction &function,
                                       unsigned level) const {
  SmallVector<Value> memory;
  Value count = m.mul(lines.getNumLines(m.builder(), values), lines.getLength(values));
  for (auto [part, number] : llvm::enumerate(reserved[level % 2])) {
    Value bytes = kernel.workspace.getReserved(m.builder(), values, function.scratch, number);
    memory.push_back(viewBytes(m.builder(), getLoc(), bytes, m.constant(0), getType(part), count));
  }
  return memory;
}

Element SortPlan::load(IndexMath &m, ArrayRef<Value> memory, Value at) const {
  OpBuilder &b = m.builder();
  auto loadPart = [&](Value part) -> Value { return memref::LoadOp::create(b, getLoc(), part, at); };
  Value number = arith::IndexCastOp::create(b, getLoc(), b.getIndexType(), loadPart(memory.front()));
  return {number, llvm::map_to_vector(memory.drop_front(), loadPart)};
}

void SortPlan::store(IndexMath &m, Buffers &values, const DeviceFunction &function, unsigned level, Value line,
                     Value run, Value place, const Element &element) const {
  OpBuilder &b = m.builder();
  Value length = lines.getLength(values), span = m.constant(getSpan(level)), places = getPlaces(values);
  SmallVector<Value> parts{arith::IndexCastOp::create(b, getLoc(), b.getI64Type(), element.number)};
  llvm::append_range(parts, element.keys);
  m.ifThen(m.less(span, length), [&] {
    if (getNumLevels() == level)
      return;
    Value at = m.add(m.add(m.mul(line, length), m.mul(run, m.min(span, places))), place);
    for (auto [value, memory] : llvm::zip_equal(parts, getMemory(m, values, function, level)))
      memref::StoreOp::create(b, getLoc(), value, memory, at);
  });
  std::optional<int64_t> known = lines.getStaticLength();
  if (known && *known > getSpan(level))
    return;
  Value isWhole = arith::CmpIOp::create(b, getLoc(), arith::CmpIPredicate::sle, length, span);
  m.ifThen(known ? Value(arith::ConstantIntOp::create(b, getLoc(), 1, 1)) : isWhole, [&] {
    SmallVector<Value> point = lines.getPoint(b, values, line);
    for (auto [part, value] : llvm::enumerate(ArrayRef(parts).take_front(op.getNumResults())))
      lines.store(b, values, part, value, point, place);
  });
}

//===----------------------------------------------------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

/// The elements of a block's tiles in shared memory, by their numbers in the tile.
class Slots {
public:
  Slots(IndexMath &m, const SortPlan &plan, Value shared, int64_t count) : m(m) {
    int64_t offset = 0;
    auto add = [&](Type type) {
      Value elements = m.constant(count);
      parts.push_back(viewBytes(m.builder(), m.location(), shared, m.constant(offset), type, elements));
      offset += llvm::alignTo(count * exec::getElementBytes(type), 16);
    };
    add(m.builder().getI32Type());
    for (Type key : plan.keys)
      add(key);
  }

  Element load(Value at) const {
    auto loadPart = [&](Value part) -> Value { return memref::LoadOp::create(m.builder(), m.location(), part, at); };
    Value number = loadPart(parts.front());
    number = arith::IndexCastUIOp::create(m.builder(), m.location(), m.builder().getIndexType(), number);
    return {number, llvm::map_to_vector(ArrayRef(parts).drop_front(), loadPart)};
  }
  void store(const Element &element, Value at) const {
    auto storePart = [&](Value value, Value part) {
      memref::StoreOp::create(m.builder(), m.location(), value, part, at);
    };
    storePart(arith::IndexCastUIOp::create(m.builder(), m.location(), m.builder().getI32Type(), element.number),
              parts.front());
    for (auto [key, part] : llvm::zip_equal(element.keys, ArrayRef(parts).drop_front()))
      storePart(key, part);
  }

private:
  IndexMath &m;
  SmallVector<Value> parts;
};

/// What a thread does of a block's tiles.
class TileEmitter {
public:
  TileEmitter(IndexMath &m, const SortPlan &plan, Buffers &values, const DeviceFunction &function, int64_t threads)
      : m(m), plan(plan), values(values), function(function), threads(threads),
        slots(m, plan, function.shared, plan.tile * plan.linesOfBlock), length(plan.lines.getLength(values)),
        numLines(plan.lines.getNumLines(m.builder(), values)) {
    Value tiles = plan.linesOfBlock > 1 ? m.constant(1) : m.ceilDiv(length, plan.tile);
    firstLine = m.mul(m.div(function.block, tiles), plan.linesOfBlock);
    run = m.rem(function.block, tiles);
    first = m.mul(run, plan.tile);
    valid = m.min(m.sub(length, first), plan.tile);
  }

  void load();
  void sort();
  void store();

private:
  /// `at` counts the slots of the block, those of a tile side by side.
  Value getLine(Value at) { return m.add(firstLine, m.div(at, plan.tile)); }
  /// A line that exists.
  SmallVector<Value> getPoint(Value at) {
    return plan.lines.getPoint(m.builder(), values, m.min(getLine(at), m.sub(numLines, 1)));
  }
  /// The number in the line of an element that exists.
  Value getNumber(Value inTile) { return m.add(first, m.min(inTile, m.sub(valid, 1))); }
  void forEach(int64_t count, function_ref<void(Value)> body) {
    m.loop(function.thread, m.constant(count), threads, body);
  }
  Value bit(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(m.builder(), m.location(), predicate, x, y);
  }
  void exchange(Value x, Value y);

  IndexMath &m;
  const SortPlan &plan;
  Buffers &values;
  const DeviceFunction &function;
  int64_t threads;
  Slots slots;
  Value length, numLines, firstLine, run, first, valid;
};

} // namespace

void TileEmitter::load() {
  forEach(plan.tile * plan.linesOfBlock, [&](Value at) {
    Value inTile = m.rem(at, plan.tile);
    SmallVector<Value> leading = getPoint(at);
    leading.push_back(getNumber(inTile));
    slots.store({inTile, plan.lines.write(m.builder(), plan.op.getKey(), leading, values)}, at);
  });
}

/// Puts two elements in order; what is behind the end of the line comes last.
void TileEmitter::exchange(Value x, Value y) {
  Element atX = slots.load(x), atY = slots.load(y);
  Value exists = bit(arith::CmpIPredicate::ult, atY.number, valid);
  Value otherExists = bit(arith::CmpIPredicate::ult, atX.number, valid);
  Element inLineX{getNumber(atX.number), atX.keys}, inLineY{getNumber(atY.number), atY.keys};
  Value isBefore = plan.isBefore(m.builder(), values, getPoint(x), inLineY, inLineX);
  Value yes = arith::ConstantIntOp::create(m.builder(), m.location(), 1, 1);
  isBefore = arith::SelectOp::create(m.builder(), m.location(), otherExists, isBefore, yes);
  m.ifThen(arith::AndIOp::create(m.builder(), m.location(), exists, isBefore), [&] {
    slots.store(atY, x);
    slots.store(atX, y);
  });
}

/// Each step makes sorted parts of twice the size: the first exchange is with the mirrored element, so that all are ascending.
void TileEmitter::sort() {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto shift = [&](Value x, Value bits) -> Value { return arith::ShLIOp::create(b, loc, x, bits); };
  m.loop(m.constant(0), m.constant(llvm::Log2_64(plan.tile)), 1, [&](Value size) {
    m.loop(m.constant(0), m.add(size, 1), 1, [&](Value step) {
      createBarrier(b, loc);
      Value distance = m.sub(size, step), stride = shift(m.constant(1), distance), mask = m.sub(stride, 1);
      Value isMirrored = m.equal(step, m.constant(0));
      Value mirror = m.sub(m.add(stride, stride), 1);
      forEach(plan.tile * plan.linesOfBlock / 2, [&](Value pair) {
        Value low = arith::AndIOp::create(b, loc, pair, mask);
        Value x = m.add(shift(m.sub(pair, low), m.constant(1)), low);
        Value other = arith::SelectOp::create(b, loc, isMirrored, mirror, stride);
        exchange(x, arith::XOrIOp::create(b, loc, x, other));
      });
    });
  });
  createBarrier(b, loc);
}

void TileEmitter::store() {
  Value kept = m.min(valid, plan.getPlaces(values));
  forEach(plan.tile * plan.linesOfBlock, [&](Value at) {
    Value place = m.rem(at, plan.tile), line = getLine(at);
    Value isKept = arith::AndIOp::create(m.builder(), m.location(), bit(arith::CmpIPredicate::ult, place, kept),
                                         bit(arith::CmpIPredicate::ult, line, numLines));
    m.ifThen(isKept, [&] {
      Element element = slots.load(at);
      element.number = m.add(first, element.number);
      plan.store(m, values, function, /*level=*/0, line, run, place, element);
    });
  });
}

int64_t TilePhase::getSharedBytes() const {
  int64_t bytes = llvm::alignTo(getSlots() * 4, 16);
  for (Type key : plan->keys)
    bytes += llvm::alignTo(getSlots() * exec::getElementBytes(key), 16);
  return bytes;
}

FailureOr<LaunchShape> TilePhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, plan->getLoc());
  Value numLines = plan->lines.getNumLines(b, values), length = plan->lines.getLength(values);
  Value blocks =
      plan->linesOfBlock > 1 ? m.ceilDiv(numLines, plan->linesOfBlock) : m.mul(numLines, m.ceilDiv(length, plan->tile));
  // Nothing is asked for, or there is nothing.
  Value asked = m.min(m.min(length, plan->getPlaces(values)), 1);
  return LaunchShape{m.mul(blocks, asked), m.constant(getSharedBytes())};
}

LogicalResult TilePhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  IndexMath m(b, plan->getLoc());
  TileEmitter emitter(m, *plan, values, function, getThreads());
  emitter.load();
  emitter.sort();
  emitter.store();
  return success();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------------------------------------------------===//

/// Each run but the last is whole, and has no more elements than there are places.
MergePhase::Runs MergePhase::getRuns(IndexMath &m, Buffers &values) const {
  Value length = plan->lines.getLength(values);
  int64_t span = plan->getSpan(level - 1);
  Value count = m.ceilDiv(length, span), stride = m.min(m.constant(span), plan->getPlaces(values));
  Value others = m.sub(m.max(count, 1), 1), rest = m.sub(length, m.mul(others, span));
  return {count, stride, m.add(m.mul(others, stride), m.min(stride, rest))};
}

FailureOr<LaunchShape> MergePhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, plan->getLoc());
  Value all = m.mul(plan->lines.getNumLines(b, values), getRuns(m, values).elements);
  Value isNeeded = m.less(m.constant(plan->getSpan(level - 1)), plan->lines.getLength(values));
  Value blocks = m.ceilDiv(all, getThreads());
  return LaunchShape{b.createOrFold<arith::SelectOp>(plan->getLoc(), isNeeded, blocks, m.constant(0)), {}};
}

Value MergePhase::countBefore(IndexMath &m, Buffers &values, ArrayRef<Value> memory, ArrayRef<Value> point, Value first,
                              Value count, const Element &element) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  auto search = scf::WhileOp::create(
      b, loc, TypeRange{b.getIndexType(), b.getIndexType()}, ValueRange{m.constant(0), count},
      [&](OpBuilder &, Location, ValueRange bounds) {
        scf::ConditionOp::create(b, loc, m.less(bounds[0], bounds[1]), bounds);
      },
      [&](OpBuilder &, Location, ValueRange bounds) {
        Value middle = m.div(m.add(bounds[0], bounds[1]), 2);
        Element other = plan->load(m, memory, m.add(first, middle));
        Value isBefore = plan->isBefore(b, values, point, other, element);
        Value low = arith::SelectOp::create(b, loc, isBefore, m.add(middle, 1), bounds[0]);
        Value high = arith::SelectOp::create(b, loc, isBefore, bounds[1], middle);
        scf::YieldOp::create(b, loc, ValueRange{low, high});
      });
  return search.getResult(0);
}

LogicalResult MergePhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  constexpr int64_t merged = 8;
  Location loc = plan->getLoc();
  IndexMath m(b, loc);
  Runs runs = getRuns(m, values);
  Value number = m.add(m.mul(function.block, getThreads()), function.thread);
  Value numLines = plan->lines.getNumLines(b, values), length = plan->lines.getLength(values);
  SmallVector<Value> memory = plan->getMemory(m, values, function, level - 1);
  m.ifThen(m.less(number, m.mul(numLines, runs.elements)), [&] {
    Value line = m.div(number, runs.elements), at = m.rem(number, runs.elements);
    Value run = m.div(at, runs.stride), start = m.mul(line, length), group = m.div(run, merged);
    SmallVector<Value> point = plan->lines.getPoint(b, values, line);
    Element element = plan->load(m, memory, m.add(start, at));
    Value first = m.mul(group, merged), end = m.min(m.add(first, merged), runs.count);
    auto others = scf::ForOp::create(b, loc, first, end, m.constant(1), m.constant(0));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(others.getBody());
      Value from = m.mul(others.getInductionVar(), runs.stride);
      Value count = m.min(runs.stride, m.sub(runs.elements, from));
      Value before = countBefore(m, values, memory, point, m.add(start, from), count, element);
      scf::YieldOp::create(b, loc, m.add(others.getRegionIterArg(0), before));
    }
    m.ifThen(m.less(others.getResult(0), plan->getPlaces(values)),
             [&] { plan->store(m, values, function, level, line, group, others.getResult(0), element); });
  });
  return success();
}

void nncc::gpu::addSort(KernelPlan &plan, exec::SortOp op) {
  auto shared = std::make_shared<SortPlan>(plan, op);
  plan.add<TilePhase>(shared);
  for (unsigned level = 1; level <= shared->getNumLevels(); ++level)
    plan.add<MergePhase>(shared, level);
}
