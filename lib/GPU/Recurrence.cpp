//===- Recurrence.cpp - recurrent layers --------------------------------------------------------------------------===//
//
// A block has one row of the batch in one direction, for all of time: no block waits for another between two steps. A step is the product
// of the row's state by the weights, a thread a column, and then, a thread a unit, the arithmetic of the units. States and sums are in
// shared memory, or in the workspace where they do not fit.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "Recurrence.h"
#include "TeamReduction.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/VectorBody.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

/// What a block keeps from step to step: states and what phases pass on, rows of `hidden` elements `pitch` apart, and sums. LLVM reads a row by
/// vectors of 16 bytes, and of a row's last elements a whole one: that has to be there.
struct Rows {
  explicit Rows(exec::RecurrenceOp op) : hidden(op.getHidden()) {
    constexpr int64_t vectorBits = 128;
    pitch = llvm::alignTo(hidden, std::max<int64_t>(1, vectorBits / op.getElementType().getIntOrFloatBitWidth()));
    states = op.getNumStates();
    for (Region &phase : op.getPhases().drop_back())
      passed += phase.front().getTerminator()->getNumOperands();
    for (int64_t gates : op.getGates())
      sums = std::max(sums, gates);
  }
  /// Elements of the states and of what is passed on, and of all.
  int64_t getKept() const { return (states + passed) * pitch; }
  int64_t getElements() const { return getKept() + sums * hidden; }
  int64_t hidden, pitch, states, passed = 0, sums = 0;
};

class RecurrencePhase : public Phase {
public:
  RecurrencePhase(KernelPlan &plan, exec::RecurrenceOp op);

  unsigned getThreads() const override;
  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

private:
  int64_t getBytes() const {
    return llvm::alignTo(Rows(op).getElements() * op.getElementType().getIntOrFloatBitWidth() / 8, 16);
  }
  bool isShared() const { return getBytes() <= GPUTarget::sharedBytes; }
  Value getNumBlocks(IndexMath &m, Buffers &values) const {
    unsigned batch = op.getBatchMajor() ? 0 : 1;
    return m.mul(values.toIndex(values.getSizes(op.getInput())[batch]), op.getNumDirections());
  }

  KernelPlan &plan;
  mutable exec::RecurrenceOp op; // a handle, none of whose methods is const
  unsigned reserved = 0;
};

/// The code of one block.
class RecurrenceEmitter {
public:
  RecurrenceEmitter(IndexMath &m, exec::RecurrenceOp op, Buffers &values, const DeviceFunction &function,
                    unsigned threads, Value memory, Value first);
  void emit();

private:
  void emitStep(Value step);
  void emitProduct(unsigned phase);
  void emitUnits(unsigned phase, Value time);
  void forEach(Value count, function_ref<void(Value)> body) { m.loop(thread, count, threads, body); }
  Value constantRow(int64_t row) { return m.add(first, row * rows.pitch); }
  Value getSums() { return m.add(first, rows.getKept()); }
  Value find(Value tensor) {
    Value memref = tensor ? values.values.lookupOrNull(tensor) : Value();
    return memref ? m.flatten(memref) : Value();
  }
  Value load(Value memref, Value at) { return memref::LoadOp::create(m.builder(), m.location(), memref, at); }
  void store(Value value, Value memref, Value at) {
    memref::StoreOp::create(m.builder(), m.location(), value, memref, at);
  }
  Value zero() { return arith::ConstantOp::create(m.builder(), m.location(), m.builder().getZeroAttr(element)); }
  Value getLine(Value time) { return isBatchMajor ? m.add(m.mul(row, times), time) : m.add(m.mul(time, batch), row); }
  Value getSequenceAt(Value time);
  Value getStateAt();
  Value getTime(Value step);

  IndexMath &m;
  exec::RecurrenceOp op;
  Buffers &values;
  Rows rows;
  Type element;
  int64_t hidden;
  bool isBatchMajor;
  unsigned threads;
  /// The rows are in `memory` from element `first` on: states, what phases pass on, sums.
  Value memory, first;
  Value thread, times, batch, row, direction, length;
};

} // namespace

RecurrenceEmitter::RecurrenceEmitter(IndexMath &m, exec::RecurrenceOp op, Buffers &values,
                                     const DeviceFunction &function, unsigned threads, Value memory, Value first)
    : m(m), op(op), values(values), rows(op), element(op.getElementType()), hidden(op.getHidden()),
      isBatchMajor(op.getBatchMajor()), threads(threads), memory(memory), first(first), thread(function.thread) {
  Sizes sizes = values.getSizes(op.getInput());
  times = values.toIndex(sizes[isBatchMajor ? 1 : 0]);
  batch = values.toIndex(sizes[isBatchMajor ? 0 : 1]);
  direction = op.getNumDirections() == 1 ? m.constant(0) : m.div(function.block, batch);
  row = op.getNumDirections() == 1 ? function.block : m.rem(function.block, batch);
  length = times;
  if (op.getLengths()) {
    Value given = load(values.values.lookup(op.getLengths()), row);
    given = arith::IndexCastOp::create(m.builder(), m.location(), m.builder().getIndexType(), given);
    given = arith::MaxSIOp::create(m.builder(), m.location(), given, m.constant(0));
    length = m.min(given, times);
  }
}

void RecurrenceEmitter::emit() {
  if (rows.pitch != hidden) {
    forEach(m.constant(rows.getKept()), [&](Value at) { store(zero(), memory, m.add(first, at)); });
    createBarrier(m.builder(), m.location());
  }
  for (int64_t state = 0; state < rows.states; ++state)
    forEach(m.constant(hidden), [&](Value unit) {
      Value start = op.getInitial().empty() ? zero() : load(find(op.getInitial()[state]), m.add(getStateAt(), unit));
      store(start, memory, m.add(constantRow(state), unit));
    });
  createBarrier(m.builder(), m.location());
  m.loop(length, [&](Value step) { emitStep(step); });
  if (Value sequence = find(op.getResult(0)); sequence && op.getLengths())
    m.loop(length, times, 1, [&](Value time) {
      forEach(m.constant(hidden), [&](Value unit) { store(zero(), sequence, m.add(getSequenceAt(time), unit)); });
    });
  for (int64_t state = 0; state < rows.states; ++state)
    if (Value target = find(op.getResult(state + 1)))
      forEach(m.constant(hidden), [&](Value unit) {
        store(load(memory, m.add(constantRow(state), unit)), target, m.add(getStateAt(), unit));
      });
}

void RecurrenceEmitter::emitStep(Value step) {
  Value time = getTime(step);
  for (unsigned phase = 0; phase < op.getPhases().size(); ++phase) {
    emitProduct(phase);
    createBarrier(m.builder(), m.location());
    emitUnits(phase, time);
    createBarrier(m.builder(), m.location());
  }
}

/// sums[column] = vector * weights[phase][.][column], in the order of the units.
void RecurrenceEmitter::emitProduct(unsigned phase) {
  int64_t columns = op.getGates()[phase] * hidden;
  Value weights = find(op.getWeights()[phase]), base = m.mul(direction, hidden * columns);
  Value vector = constantRow(phase == 0 ? 0 : rows.states), sums = getSums();
  forEach(m.constant(columns), [&](Value column) {
    Value from = m.add(base, column);
    Value sum = m.reduce(m.constant(hidden), zero(), [&](Value unit, ValueRange sum) -> SmallVector<Value> {
                   Value left = load(memory, m.add(vector, unit));
                   Value right = load(weights, m.add(from, m.mul(unit, columns)));
                   return {math::FmaOp::create(m.builder(), m.location(), left, right, sum.front())};
                 }).front();
    store(sum, memory, m.add(sums, column));
  });
}

void RecurrenceEmitter::emitUnits(unsigned phase, Value time) {
  Block &body = op.getPhases()[phase].front();
  Value input = find(op.getInput()), parameters = find(op.getParameters()), sequence = find(op.getResult(0));
  int64_t numParameters = parameters ? cast<RankedTensorType>(op.getParameters().getType()).getDimSize(1) : 0;
  Value inputAt = m.mul(m.add(m.mul(getLine(time), op.getNumDirections()), direction), op.getNumGates() * hidden);
  Value parametersAt = m.mul(direction, numParameters * hidden);
  bool isLast = phase + 1 == op.getPhases().size();
  forEach(m.constant(hidden), [&](Value unit) {
    SmallVector<Value> args;
    auto loadRows = [&](int64_t count, Value memref, Value at, int64_t distance) {
      for (int64_t i = 0; i < count; ++i)
        args.push_back(load(memref, m.add(m.add(at, i * distance), unit)));
    };
    loadRows(op.getNumGates(), input, inputAt, hidden);
    loadRows(op.getGates()[phase], memory, getSums(), hidden);
    loadRows(numParameters, parameters, parametersAt, hidden);
    loadRows(rows.states, memory, first, rows.pitch);
    if (phase > 0)
      loadRows(rows.passed, memory, constantRow(rows.states), rows.pitch);
    SmallVector<Value> results = cloneArithmetic(m.builder(), body, args, 1, values.values);
    for (auto [number, result] : llvm::enumerate(results))
      store(result, memory, m.add(constantRow((isLast ? 0 : rows.states) + number), unit));
    if (isLast && sequence)
      store(results.front(), sequence, m.add(getSequenceAt(time), unit));
  });
}

Value RecurrenceEmitter::getSequenceAt(Value time) {
  int64_t directions = op.getNumDirections();
  if (isBatchMajor)
    return m.mul(m.add(m.mul(getLine(time), directions), direction), hidden);
  return m.mul(m.add(m.mul(m.add(m.mul(time, directions), direction), batch), row), hidden);
}

Value RecurrenceEmitter::getStateAt() {
  Value line = isBatchMajor ? m.add(m.mul(row, op.getNumDirections()), direction) : m.add(m.mul(direction, batch), row);
  return m.mul(line, hidden);
}

/// From the last time to the first where the direction is reversed.
Value RecurrenceEmitter::getTime(Value step) {
  OpBuilder &b = m.builder();
  Value fromEnd = m.sub(m.sub(length, step), 1), time = step;
  for (auto [number, isReversed] : llvm::enumerate(op.getReverse()))
    if (isReversed)
      time = arith::SelectOp::create(b, m.location(), m.equal(direction, m.constant(number)), fromEnd, time);
  return time;
}

//===----------------------------------------------------------------------------------------------------------------===//
// The phase
//===----------------------------------------------------------------------------------------------------------------===//

RecurrencePhase::RecurrencePhase(KernelPlan &plan, exec::RecurrenceOp op) : plan(plan), op(op) {
  if (!isShared())
    reserved = plan.workspace.reserve([this](OpBuilder &b, Buffers &values) {
      IndexMath m(b, this->op.getLoc());
      return m.mul(getNumBlocks(m, values), getBytes());
    });
}

unsigned RecurrencePhase::getThreads() const {
  constexpr int64_t warp = 32, most = 1024;
  return std::clamp<int64_t>(llvm::alignTo(Rows(op).sums * op.getHidden(), warp), warp, most);
}

FailureOr<LaunchShape> RecurrencePhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, op.getLoc());
  return LaunchShape{getNumBlocks(m, values), m.constant(isShared() ? getBytes() : 0)};
}

LogicalResult RecurrencePhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  Location loc = op.getLoc();
  IndexMath m(b, loc);
  Value bytes = isShared() ? function.shared : plan.workspace.getReserved(b, values, function.scratch, reserved);
  auto type = MemRefType::get({ShapedType::kDynamic}, op.getElementType(), AffineMap(),
                              cast<MemRefType>(bytes.getType()).getMemorySpace());
  int64_t elements = getBytes() / (op.getElementType().getIntOrFloatBitWidth() / 8);
  Value count = isShared() ? m.constant(elements) : m.mul(getNumBlocks(m, values), elements);
  Value memory = memref::ViewOp::create(b, loc, type, bytes, m.constant(0), count);
  Value first = isShared() ? m.constant(0) : m.mul(function.block, elements);
  RecurrenceEmitter(m, op, values, function, getThreads(), memory, first).emit();
  return success();
}

LogicalResult nncc::gpu::addRecurrence(KernelPlan &plan, exec::RecurrenceOp op) {
  if (op.getPacked())
    return op.emitError("has its weights packed for a CPU");
  plan.add<RecurrencePhase>(plan, op);
  return success();
}
