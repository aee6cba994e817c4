//===- Recurrence.cpp - kernels whose root is a recurrent layer ---------------------------------------------------===//
//
// A tile is a few rows of the batch in one direction, for all of time: nobody waits for anybody between two steps. A step is
// the product of the rows' states by the weights, in the register tiles of matrix products, and then, a vector of units at a
// time, the arithmetic of the units. States and sums stay in scratch memory, in the first-level cache.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "Recurrence.h"
#include "RecurrencePlan.h"
#include "RootWriter.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Kernel/Buffers.h"
#include "nncc/Kernel/VectorBody.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

//===----------------------------------------------------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

class RecurrenceEmitter {
public:
  RecurrenceEmitter(IndexMath &m, exec::RecurrenceOp op, const RecurrencePlan &plan, const IRMapping &values);

  static LogicalResult check(exec::RecurrenceOp) { return success(); } // what it cannot write is no recurrence
  Value emitTiles() const { return m.mul(getNumRowBlocks(), op.getNumDirections()); }
  void emitTile(Value tile, Scratch &scratch);
  /// What emitTile takes of the scratch memory.
  void takeScratch(Scratch &scratch);

private:
  /// One row of a tile at one time.
  struct Place {
    Value row, batchRow, time;
  };

  Value getNumRowBlocks() const { return m.ceilDiv(batch, plan.rowsPerTile); }
  void forEachRow(function_ref<void(Value row, Value batchRow)> body) const;
  /// Vectors of units: the first one and which lanes exist.
  void forEachVector(function_ref<void(Value unit, Value mask)> body) const;

  void emitInitialStates();
  void emitLastStates();
  void emitStep(Value step);
  void emitProduct(unsigned phase, Value step);
  void emitProduct(unsigned phase, Value step, const ProductTiles &tiles);
  void emitRow(unsigned phase, Value step, Value row, Value batchRow);
  void emitArithmetic(unsigned phase, const Place &place);
  /// The sequence is zero behind the end of a row.
  void emitNothing(const Place &place);

  Value getLength(Value batchRow) const;
  Value getTime(Value step, Value batchRow) const;
  /// Where unit 0 of something is.
  Value getInputAt(const Place &place) const;
  Value getSequenceAt(const Place &place) const;
  Value getStateAt(Value batchRow) const;

  Value find(Value tensor) const {
    Value memref = tensor ? values.lookupOrNull(tensor) : Value();
    return memref ? m.flatten(memref) : Value();
  }
  Value zero() const { return plan.kind.zero(m); }
  Value load(Value memref, Value at, Value mask) const { return plan.kind.loadRight(m, memref, at, mask); }
  void store(Value vector, Value memref, Value at, Value mask) const;
  void copyUnits(Value source, Value from, Value target, Value to) const;

  IndexMath &m;
  mutable exec::RecurrenceOp op; // a handle, none of whose methods is const
  const RecurrencePlan &plan;
  const IRMapping &values;
  int64_t hidden;
  bool isBatchMajor;
  Value times, batch;

  // Of a tile.
  Value direction, isReversed, firstRow, numRows;
  SmallVector<Value> states, passed;
  Value sums;
};

} // namespace

RecurrenceEmitter::RecurrenceEmitter(IndexMath &m, exec::RecurrenceOp op, const RecurrencePlan &plan,
                                     const IRMapping &values)
    : m(m), op(op), plan(plan), values(values), hidden(op.getHidden()), isBatchMajor(op.getBatchMajor()) {
  Value input = values.lookup(op.getInput());
  times = m.dim(input, isBatchMajor ? 1 : 0);
  batch = m.dim(input, isBatchMajor ? 0 : 1);
}

void RecurrenceEmitter::takeScratch(Scratch &scratch) {
  Type element = plan.kind.sum;
  auto takeState = [&] { return scratch.take(m, plan.rowsPerTile * plan.stateStride, element); };
  for (int64_t state = 0; state < op.getNumStates(); ++state)
    states.push_back(takeState());
  for (Region &phase : op.getPhases().drop_back())
    for (unsigned value = 0; value < phase.front().getTerminator()->getNumOperands(); ++value)
      passed.push_back(takeState());
  int64_t stride = 0;
  for (const PhasePlan &phase : plan.phases)
    stride = std::max(stride, phase.sumStride);
  sums = scratch.take(m, plan.rowsPerTile * stride, element);
}

void RecurrenceEmitter::emitTile(Value tile, Scratch &scratch) {
  takeScratch(scratch);
  Value blocks = getNumRowBlocks();
  direction = op.getNumDirections() == 1 ? m.constant(0) : m.div(tile, blocks);
  firstRow = m.mul(m.rem(tile, blocks), plan.rowsPerTile);
  numRows = plan.hasWholeTiles() ? m.constant(plan.rowsPerTile) : m.min(m.sub(batch, firstRow), plan.rowsPerTile);
  isReversed = arith::ConstantIntOp::create(m.builder(), m.location(), 0, 1);
  for (auto [number, reverse] : llvm::enumerate(op.getReverse()))
    if (reverse)
      isReversed = arith::OrIOp::create(m.builder(), m.location(), isReversed, m.equal(direction, m.constant(number)));

  emitInitialStates();
  Value steps = times;
  if (op.getLengths()) {
    // Behind the longest row of the tile there is nothing to compute.
    steps = m.reduce(numRows, m.constant(0), [&](Value row, ValueRange longest) -> SmallVector<Value> {
               return {m.max(longest.front(), getLength(m.add(firstRow, row)))};
             }).front();
  }
  m.loop(steps, [&](Value step) { emitStep(step); });
  if (op.getLengths())
    m.loop(steps, times, 1,
           [&](Value time) { forEachRow([&](Value row, Value batchRow) { emitNothing({row, batchRow, time}); }); });
  emitLastStates();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------------------------------------------------===//

void RecurrenceEmitter::emitStep(Value step) {
  for (unsigned phase = 0; phase < plan.phases.size(); ++phase) {
    emitProduct(phase, step);
    forEachRow([&](Value row, Value batchRow) { emitRow(phase, step, row, batchRow); });
  }
}

void RecurrenceEmitter::emitProduct(unsigned phase, Value step) {
  const PhasePlan &product = plan.phases[phase];
  if (!product.few)
    return emitProduct(phase, step, product.many);
  Value isFew = m.less(numRows, m.constant(RecurrencePlan::kFewRows + 1));
  auto branch = scf::IfOp::create(m.builder(), m.location(), isFew, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(m.builder());
  m.builder().setInsertionPointToStart(branch.thenBlock());
  emitProduct(phase, step, *product.few);
  m.builder().setInsertionPointToStart(branch.elseBlock());
  emitProduct(phase, step, product.many);
}

/// Nothing is prefetched: the hardware reads ahead of weights that come from afar for the first time as fast as with help, and
/// from the second-level cache, where they are then, twice as fast as with requests that it could do without.
void RecurrenceEmitter::emitProduct(unsigned number, Value step, const ProductTiles &tiles) {
  const PhasePlan &phase = plan.phases[number];
  Value zero = m.constant(0), one = m.constant(1), columns = m.constant(phase.numColumns);
  RightMatrix right{.kind = op.getPacked() ? RightMatrix::Panels : RightMatrix::RowMajor,
                    .memref = find(op.getWeights()[number]),
                    .panelColumns = plan.kind.getPanelColumns()};
  int64_t size = hidden * phase.numColumns; // of one direction
  if (op.getPacked()) {
    right.stride = m.constant(hidden * right.panelColumns);
    size = hidden * llvm::alignTo(phase.numColumns, right.panelColumns);
  } else {
    right.stride = columns;
  }
  right.base = m.mul(direction, size);
  GemmBlock block{.kind = plan.kind,
                  .epilogue = nullptr,
                  .left = number == 0 ? states.front() : passed.front(),
                  .leftBase = zero,
                  .leftLineStride = zero,
                  .leftRowStride = m.constant(plan.stateStride),
                  .loops = {{m.constant(hidden), one, one}},
                  .numLines = one,
                  .numRows = numRows,
                  .rowBlock = zero,
                  .rows = tiles.rows,
                  .numColumns = columns,
                  .columnBlock = zero,
                  .columns = tiles.columns,
                  .right = right,
                  .resultRow = zero,
                  .resultLineStride = zero,
                  .resultColumn = zero,
                  .sums = sums,
                  .sumStride = phase.sumStride};
  // Back and forth through the columns: the weights that the step before read last are those that are still near.
  int64_t numTiles = tiles.columns.getNumTiles();
  Value isForth = m.equal(m.rem(step, 2), zero);
  m.loop(m.constant(numTiles), [&](Value tile) {
    if (numTiles > 1) {
      Value fromEnd = m.sub(m.constant(numTiles - 1), tile);
      tile = arith::SelectOp::create(m.builder(), m.location(), isForth, tile, fromEnd);
    }
    block.columnBlock = tile;
    emitGemmBlock(m, block);
  });
}

void RecurrenceEmitter::emitRow(unsigned phase, Value step, Value row, Value batchRow) {
  if (!op.getLengths())
    return emitArithmetic(phase, {row, batchRow, getTime(step, batchRow)});
  bool isLast = phase + 1 == plan.phases.size();
  Value isInside = m.less(step, getLength(batchRow));
  auto branch = scf::IfOp::create(m.builder(), m.location(), isInside, /*withElseRegion=*/isLast);
  OpBuilder::InsertionGuard guard(m.builder());
  m.builder().setInsertionPointToStart(branch.thenBlock());
  emitArithmetic(phase, {row, batchRow, getTime(step, batchRow)});
  if (isLast) {
    m.builder().setInsertionPointToStart(branch.elseBlock());
    emitNothing({row, batchRow, step});
  }
}

void RecurrenceEmitter::emitArithmetic(unsigned phase, const Place &place) {
  Block &body = op.getPhases()[phase].front();
  Value input = find(op.getInput()), parameters = find(op.getParameters()), sequence = find(op.getResult(0));
  Value inputAt = getInputAt(place), sequenceAt = sequence ? getSequenceAt(place) : Value();
  Value sumsAt = m.mul(place.row, plan.phases[phase].sumStride), stateAt = m.mul(place.row, plan.stateStride);
  int64_t numParameters = parameters ? cast<RankedTensorType>(op.getParameters().getType()).getDimSize(1) : 0;
  Value parametersAt = m.mul(direction, numParameters * hidden);
  bool isLast = phase + 1 == plan.phases.size();
  forEachVector([&](Value unit, Value mask) {
    SmallVector<Value> args;
    auto loadGroups = [&](int64_t count, Value memref, Value at) {
      for (int64_t i = 0; i < count; ++i)
        args.push_back(load(memref, m.add(m.add(at, i * hidden), unit), mask));
    };
    auto loadEach = [&](ArrayRef<Value> memrefs) {
      for (Value memref : memrefs)
        args.push_back(load(memref, m.add(stateAt, unit), nullptr));
    };
    loadGroups(op.getNumGates(), input, inputAt);
    loadGroups(op.getGates()[phase], sums, sumsAt);
    loadGroups(numParameters, parameters, parametersAt);
    loadEach(states);
    if (phase > 0)
      loadEach(passed);
    SmallVector<Value> results = cloneArithmetic(m.builder(), body, args, plan.kind.lanes, values);
    // Rows of states are filled up to whole vectors, of which nothing reads the end.
    for (auto [result, memref] : llvm::zip_equal(results, isLast ? states : passed))
      store(result, memref, m.add(stateAt, unit), nullptr);
    if (isLast && sequence)
      store(results.front(), sequence, m.add(sequenceAt, unit), mask);
  });
}

void RecurrenceEmitter::emitNothing(const Place &place) {
  Value sequence = find(op.getResult(0));
  if (!sequence)
    return;
  Value at = getSequenceAt(place);
  forEachVector([&](Value unit, Value mask) { store(zero(), sequence, m.add(at, unit), mask); });
}

//===----------------------------------------------------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------------------------------------------------===//

void RecurrenceEmitter::emitInitialStates() {
  forEachRow([&](Value row, Value batchRow) {
    Value to = m.mul(row, plan.stateStride);
    for (auto [number, state] : llvm::enumerate(states)) {
      if (!op.getInitial().empty())
        copyUnits(find(op.getInitial()[number]), getStateAt(batchRow), state, to);
      else
        forEachVector([&](Value unit, Value) { store(zero(), state, m.add(to, unit), nullptr); });
    }
  });
}

void RecurrenceEmitter::emitLastStates() {
  forEachRow([&](Value row, Value batchRow) {
    Value from = m.mul(row, plan.stateStride);
    for (auto [number, state] : llvm::enumerate(states))
      if (Value target = find(op.getResult(number + 1)))
        copyUnits(state, from, target, getStateAt(batchRow));
  });
}

void RecurrenceEmitter::copyUnits(Value source, Value from, Value target, Value to) const {
  forEachVector(
      [&](Value unit, Value mask) { store(load(source, m.add(from, unit), mask), target, m.add(to, unit), mask); });
}

//===----------------------------------------------------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------------------------------------------------===//

void RecurrenceEmitter::forEachRow(function_ref<void(Value, Value)> body) const {
  m.loop(numRows, [&](Value row) { body(row, m.add(firstRow, row)); });
}

void RecurrenceEmitter::forEachVector(function_ref<void(Value, Value)> body) const {
  ColumnTiling units(hidden, /*vectors=*/1, plan.kind.lanes);
  units.setTilesPerBlock(units.getNumTiles());
  units.forEachTile(m, m.constant(hidden), m.constant(0),
                    [&](Value unit, ArrayRef<Value> masks) { body(unit, masks.front()); });
}

Value RecurrenceEmitter::getLength(Value batchRow) const {
  OpBuilder &b = m.builder();
  Value length = memref::LoadOp::create(b, m.location(), values.lookup(op.getLengths()), batchRow);
  return arith::IndexCastOp::create(b, m.location(), b.getIndexType(), length);
}

Value RecurrenceEmitter::getTime(Value step, Value batchRow) const {
  if (llvm::none_of(op.getReverse(), [](bool reverse) { return reverse; }))
    return step;
  Value length = op.getLengths() ? getLength(batchRow) : times;
  Value fromEnd = m.sub(m.sub(length, step), 1);
  if (op.getNumDirections() == 1)
    return fromEnd;
  return arith::SelectOp::create(m.builder(), m.location(), isReversed, fromEnd, step);
}

Value RecurrenceEmitter::getInputAt(const Place &place) const {
  Value line =
      isBatchMajor ? m.add(m.mul(place.batchRow, times), place.time) : m.add(m.mul(place.time, batch), place.batchRow);
  return m.mul(m.add(m.mul(line, op.getNumDirections()), direction), op.getNumGates() * hidden);
}

Value RecurrenceEmitter::getSequenceAt(const Place &place) const {
  int64_t directions = op.getNumDirections();
  if (isBatchMajor) {
    Value line = m.add(m.mul(place.batchRow, times), place.time);
    return m.mul(m.add(m.mul(line, directions), direction), hidden);
  }
  Value line = m.add(m.mul(place.time, directions), direction);
  return m.mul(m.add(m.mul(line, batch), place.batchRow), hidden);
}

Value RecurrenceEmitter::getStateAt(Value batchRow) const {
  Value line = isBatchMajor ? m.add(m.mul(batchRow, op.getNumDirections()), direction)
                            : m.add(m.mul(direction, batch), batchRow);
  return m.mul(line, hidden);
}

void RecurrenceEmitter::store(Value vector, Value memref, Value at, Value mask) const {
  if (mask)
    vector::MaskedStoreOp::create(m.builder(), m.location(), memref, at, mask, vector);
  else
    vector::StoreOp::create(m.builder(), m.location(), vector, memref, at);
}

//===----------------------------------------------------------------------------------------------------------------===//
// The writer
//===----------------------------------------------------------------------------------------------------------------===//

using RecurrenceWriter = RootWriter<exec::RecurrenceOp, RecurrencePlan, RecurrenceEmitter>;

std::unique_ptr<KernelWriter> cpu::createRecurrenceWriter(exec::KernelOp kernel, const CPUTarget &target) {
  auto found = kernel.getBody().front().getOps<exec::RecurrenceOp>();
  return found.empty() ? nullptr : std::make_unique<RecurrenceWriter>(kernel, *found.begin(), target);
}
