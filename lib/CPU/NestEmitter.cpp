//===- NestEmitter.cpp - the loops of a kernel, tiled, fused and vectorised ---------------------------------------===//

#include "NestEmitter.h"
#include "Transpose.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Kernel/Loops.h"
#include "nncc/Kernel/Reduction.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

NestEmitter::NestEmitter(OpBuilder &b, Buffers &buffers, const KernelGraph &graph, const NestPlan &plan)
    : b(b), loc(graph.nests.back().op.getLoc()), buffers(buffers), graph(graph), plan(plan), ivs(graph.classes.size()) {
  for (const LoopClass &loopClass : graph.classes) {
    Value size = constant(1);
    for (auto [op, loop] : loopClass.origins)
      size = fold<arith::MulIOp>(size, buffers.toIndex(buffers.getLoopSizes(op)[loop]));
    sizes.push_back(size);
  }
}

Value NestEmitter::constant(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

template <typename Op> Value NestEmitter::fold(Value x, Value y) { return b.createOrFold<Op>(loc, x, y); }

//===----------------------------------------------------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------------------------------------------------===//

/// What one tile costs: some ten microseconds, many times what it costs to hand it to a thread.
static constexpr int64_t tileCost = 1 << 16;

/// The work at one point of the shared loops.
Value NestEmitter::getPointCost() {
  Value cost = constant(1);
  llvm::SmallBitVector shared = graph.getShared();
  for (const Nest &nest : graph.nests) {
    Value elements = constant(nest.cost);
    llvm::SmallBitVector own = nest.classes;
    own.reset(shared);
    for (unsigned loop : own.set_bits())
      elements = fold<arith::MulIOp>(elements, sizes[loop]);
    cost = fold<arith::AddIOp>(cost, elements);
  }
  return cost;
}

/// The shared loops but the vectorised one; the transposed one in steps of a square.
SmallVector<Value> NestEmitter::getRowSizes() {
  SmallVector<Value> rowSizes;
  for (unsigned loop : plan.shared)
    if (int(loop) == plan.transposedClass)
      rowSizes.push_back(fold<arith::CeilDivUIOp>(sizes[loop], constant(plan.lanes)));
    else if (int(loop) != plan.vectorClass)
      rowSizes.push_back(sizes[loop]);
  return rowSizes;
}

/// Points of the shared loops are columns, along the vectorised loop, and rows, all others. A tile is a part of a row, or
/// rows.
NestEmitter::TileShape NestEmitter::emitTileShape() {
  TileShape shape;
  Value one = constant(1), target = constant(tileCost), cost = getPointCost();
  if (plan.transposedClass >= 0)
    cost = fold<arith::MulIOp>(cost, constant(plan.lanes));
  shape.rows = one;
  for (Value size : getRowSizes())
    shape.rows = fold<arith::MulIOp>(shape.rows, size);
  shape.columns = plan.vectorClass >= 0 ? sizes[plan.vectorClass] : one;

  // Both are divided evenly; columns by whole blocks of vectors.
  Value block = constant(plan.lanes * plan.unroll);
  Value columnsAtOnce = fold<arith::MaxUIOp>(fold<arith::DivUIOp>(target, cost), one);
  shape.numColumnTiles = fold<arith::CeilDivUIOp>(shape.columns, columnsAtOnce);
  Value even = fold<arith::CeilDivUIOp>(shape.columns, fold<arith::MaxUIOp>(shape.numColumnTiles, one));
  Value blocks = fold<arith::MulIOp>(fold<arith::CeilDivUIOp>(even, block), block);
  shape.tileColumns = fold<arith::MaxUIOp>(blocks, one);
  shape.numColumnTiles = fold<arith::CeilDivUIOp>(shape.columns, shape.tileColumns);

  Value width = fold<arith::MaxUIOp>(fold<arith::MinUIOp>(shape.columns, shape.tileColumns), one);
  Value rowsAtOnce = fold<arith::MaxUIOp>(fold<arith::DivUIOp>(target, fold<arith::MulIOp>(width, cost)), one);
  shape.numRowTiles = fold<arith::CeilDivUIOp>(shape.rows, rowsAtOnce);
  shape.tileRows = fold<arith::CeilDivUIOp>(shape.rows, fold<arith::MaxUIOp>(shape.numRowTiles, one));
  shape.numRowTiles = fold<arith::CeilDivUIOp>(shape.rows, fold<arith::MaxUIOp>(shape.tileRows, one));
  return shape;
}

Value NestEmitter::emitTileCount() {
  TileShape shape = emitTileShape();
  return fold<arith::MulIOp>(shape.numRowTiles, shape.numColumnTiles);
}

void NestEmitter::emitTile(Value tile) {
  TileShape shape = emitTileShape();
  createViews();
  auto part = [&](Value number, Value size, Value all) {
    Value begin = fold<arith::MulIOp>(number, size);
    return std::pair(begin, fold<arith::MinUIOp>(fold<arith::AddIOp>(begin, size), all));
  };
  Value divisor = fold<arith::MaxUIOp>(shape.numColumnTiles, constant(1));
  auto [firstRow, endRow] = part(fold<arith::DivUIOp>(tile, divisor), shape.tileRows, shape.rows);
  auto [firstColumn, endColumn] = part(fold<arith::RemUIOp>(tile, divisor), shape.tileColumns, shape.columns);
  emitRows(firstRow, endRow, [&] {
    if (plan.transposedClass >= 0)
      emitSquareRow(firstColumn, endColumn);
    else
      emitColumns(firstColumn, endColumn);
  });
}

/// Rows are numbered in the order of the shared loops.
void NestEmitter::emitRows(Value begin, Value end, llvm::function_ref<void()> body) {
  SmallVector<unsigned> loops(plan.shared);
  if (plan.vectorClass >= 0)
    loops.pop_back();
  buildLinearLoop(b, loc, getRowSizes(), begin, end, [&](ValueRange indices) {
    for (auto [loop, index] : llvm::zip_equal(loops, indices))
      ivs[loop] = int(loop) == plan.transposedClass ? fold<arith::MulIOp>(index, constant(plan.lanes)) : index;
    body();
  });
}

void NestEmitter::emitColumns(Value begin, Value end) {
  Sums none;
  if (plan.vectorClass < 0)
    emitPoint();
  else
    emitVectorLoop(plan.vectorClass, plan.unroll, begin, end, none, [&](Sums &) { emitPoint(); });
}

/// Squares where there are whole ones along the transposed loop; what is left over is gathered.
void NestEmitter::emitSquareRow(Value begin, Value end) {
  unsigned loop = plan.transposedClass;
  Value first = ivs[loop], last = fold<arith::AddIOp>(first, constant(plan.lanes));
  auto writeSquares = [&] {
    Sums none;
    Value rest = fold<arith::RemUIOp>(fold<arith::SubIOp>(end, begin), constant(plan.lanes));
    Value lastWhole = fold<arith::SubIOp>(end, rest);
    emitFor(begin, lastWhole, plan.lanes, none, [&](Value column, Sums &) { emitSquare(column, {}); });
    if (getConstantIntValue(rest) == 0)
      return;
    Value isSome = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, constant(0));
    auto branch = scf::IfOp::create(b, loc, isSome, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emitSquare(lastWhole, rest);
  };
  if (int64_t size = graph.classes[loop].size; ShapedType::isStatic(size) && size % plan.lanes == 0)
    return writeSquares();
  Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, last, sizes[loop]);
  auto branch = scf::IfOp::create(b, loc, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  writeSquares();
  b.setInsertionPointToStart(branch.elseBlock());
  Sums none;
  emitFor(first, sizes[loop], 1, none, [&](Value row, Sums &) {
    ivs[loop] = row;
    emitColumns(begin, end);
  });
}

/// A vector along the transposed loop from each column, as vectors along the columns. Behind the last of `numColumns` (null:
/// all there are) the last one is read again, so that nothing outside is, and not stored.
void NestEmitter::emitSquare(Value column, Value numColumns) {
  Value firstRow = ivs[plan.transposedClass], lastColumn;
  if (numColumns)
    lastColumn = fold<arith::SubIOp>(fold<arith::AddIOp>(column, numColumns), constant(1));
  llvm::DenseMap<const Access *, SmallVector<Value>> squares;
  for (const Nest &nest : graph.nests)
    for (const Access &access : nest.operands) {
      if (!views.contains(&access) || !access.isTransposed(plan.transposedClass, plan.vectorClass))
        continue;
      lanes = {plan.transposedClass, 1, {}};
      SmallVector<Value> vectors;
      for (int64_t i = 0; i < plan.lanes; ++i) {
        Value at = fold<arith::AddIOp>(column, constant(i));
        ivs[plan.vectorClass] = numColumns ? fold<arith::MinUIOp>(at, lastColumn) : at;
        vectors.push_back(load(access, 0));
      }
      squares[&access] = transposeSquare(b, loc, vectors);
    }
  Value mask;
  if (numColumns)
    mask = vector::CreateMaskOp::create(b, loc, VectorType::get(plan.lanes, b.getI1Type()), numColumns);
  ivs[plan.vectorClass] = column;
  for (int64_t row = 0; row < plan.lanes; ++row) {
    ivs[plan.transposedClass] = fold<arith::AddIOp>(firstRow, constant(row));
    for (auto &[access, vectors] : squares)
      transposed[access] = vectors[row];
    lanes = {plan.vectorClass, 1, mask};
    emitPoint();
  }
  lanes = {};
  transposed.clear();
  ivs[plan.transposedClass] = firstRow;
}

/// All groups, one behind the other.
void NestEmitter::emitPoint() {
  registers.clear();
  for (const NestGroup &group : plan.groups) {
    Sums none;
    emitLoops(group, 0, none);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------------------------------------------------===//

static SmallVector<Value> flatten(ArrayRef<SmallVector<SmallVector<Value>>> sums) {
  SmallVector<Value> flat;
  for (const auto &nest : sums)
    for (const auto &result : nest)
      llvm::append_range(flat, result);
  return flat;
}

static void unflatten(ValueRange flat, MutableArrayRef<SmallVector<SmallVector<Value>>> sums) {
  for (auto &nest : sums)
    for (auto &result : nest)
      for (Value &value : result) {
        value = flat.front();
        flat = flat.drop_front();
      }
}

/// From the loop number `depth` of the group inwards. Nests begin to sum at the first loop that they sum over.
void NestEmitter::emitLoops(const NestGroup &group, unsigned depth, Sums &sums) {
  if (depth == group.loops.size())
    return emitBody(group, sums);
  unsigned loop = group.loops[depth];
  size_t numOutside = sums.nests.size();
  for (NestGroup::Entry entry : group.entries)
    if (graph.nests[entry.nest].reduced.test(loop) && !llvm::is_contained(sums.nests, entry.nest)) {
      sums.nests.push_back(entry.nest);
      sums.values.push_back(startSums(group, graph.nests[entry.nest]));
    }
  if (int(loop) == group.vectorClass)
    emitVectorLoop(loop, group.unroll, constant(0), sizes[loop], sums,
                   [&](Sums &inner) { emitLoops(group, depth + 1, inner); });
  else
    emitFor(constant(0), sizes[loop], 1, sums, [&](Value iv, Sums &inner) {
      ivs[loop] = iv;
      emitLoops(group, depth + 1, inner);
    });
  for (size_t i = numOutside; i < sums.nests.size(); ++i)
    finishSums(group, sums.nests[i], sums.values[i]);
  sums.nests.truncate(numOutside);
  sums.values.truncate(numOutside);
}

void NestEmitter::emitFor(Value begin, Value end, int64_t step, Sums &sums,
                          llvm::function_ref<void(Value, Sums &)> body) {
  std::optional<int64_t> first = getConstantIntValue(begin), last = getConstantIntValue(end);
  if (first && last && *first >= *last)
    return;
  if (first && last && *first + step >= *last)
    return body(begin, sums);
  auto loop = scf::ForOp::create(b, loc, begin, end, constant(step), flatten(sums.values));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Sums inner = sums;
  unflatten(loop.getRegionIterArgs(), inner.values);
  body(loop.getInductionVar(), inner);
  if (!sums.nests.empty())
    scf::YieldOp::create(b, loc, flatten(inner.values));
  unflatten(loop.getResults(), sums.values);
}

void NestEmitter::emitVectorLoop(unsigned loop, int64_t unroll, Value begin, Value end, Sums &sums,
                                 llvm::function_ref<void(Sums &)> body) {
  Value size = fold<arith::SubIOp>(end, begin);
  auto roundDown = [&, first = begin](int64_t step) {
    Value rest = fold<arith::RemUIOp>(size, constant(step));
    return fold<arith::AddIOp>(first, fold<arith::SubIOp>(size, rest));
  };
  auto run = [&](int64_t vectors, Value from, Value to) {
    emitFor(from, to, vectors * plan.lanes, sums, [&](Value iv, Sums &inner) {
      ivs[loop] = iv;
      lanes = {int(loop), vectors, {}};
      body(inner);
      lanes = {};
    });
    return to;
  };
  if (unroll > 1)
    begin = run(unroll, begin, roundDown(unroll * plan.lanes));
  begin = run(1, begin, roundDown(plan.lanes));
  emitMasked(begin, end, loop, sums, body);
}

void NestEmitter::emitMasked(Value begin, Value end, unsigned loop, Sums &sums, llvm::function_ref<void(Sums &)> body) {
  Value rest = fold<arith::SubIOp>(end, begin);
  if (getConstantIntValue(rest) == 0)
    return;
  auto write = [&](Sums &inner) {
    auto type = VectorType::get(plan.lanes, b.getI1Type());
    ivs[loop] = begin;
    lanes = {int(loop), 1, vector::CreateMaskOp::create(b, loc, type, rest)};
    body(inner);
    lanes = {};
  };
  if (getConstantIntValue(rest))
    return write(sums);
  Value isSome = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, constant(0));
  SmallVector<Value> before = flatten(sums.values);
  auto branch = scf::IfOp::create(b, loc, TypeRange(before), isSome, /*addThenBlock=*/true,
                                  /*addElseBlock=*/!before.empty());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(branch.thenBlock());
  Sums inner = sums;
  write(inner);
  scf::YieldOp::create(b, loc, flatten(inner.values));
  if (!before.empty()) {
    b.setInsertionPointToEnd(branch.elseBlock());
    scf::YieldOp::create(b, loc, before);
  }
  unflatten(branch.getResults(), sums.values);
}

void NestEmitter::emitBody(const NestGroup &group, Sums &sums) {
  for (NestGroup::Entry entry : group.entries) {
    const Nest &nest = graph.nests[entry.nest];
    unsigned numResults = nest.op.getNumResults();
    auto *sum = llvm::find(sums.nests, entry.nest);
    Accumulators *accumulators = sum == sums.nests.end() ? nullptr : &sums.values[sum - sums.nests.begin()];
    SmallVector<SmallVector<Value>> results(numResults);
    for (int64_t vector = 0; vector < lanes.unroll; ++vector) {
      SmallVector<Value> arguments;
      for (const Access &access : ArrayRef(nest.operands).drop_back(numResults))
        arguments.push_back(access.isRead ? load(access, vector) : Value());
      for (unsigned result = 0; result < numResults; ++result)
        arguments.push_back(accumulators                       ? (*accumulators)[result][vector]
                            : nest.getResults()[result].isRead ? loadInitial(nest, result, vector)
                                                               : Value());
      SmallVector<Value> yielded = cloneBody(b, nest.op, arguments, getPointOf(nest, vector), buffers.values);
      for (unsigned result = 0; result < numResults; ++result) {
        if (!accumulators) {
          results[result].push_back(yielded[result]);
          continue;
        }
        Value &sumSoFar = (*accumulators)[result][vector];
        Value next = lanes.loop < 0 ? yielded[result] : toVector(b, loc, yielded[result], plan.lanes);
        bool masks = lanes.mask && isSummedAcrossLanes(group, nest);
        sumSoFar = masks ? arith::SelectOp::create(b, loc, lanes.mask, next, sumSoFar) : next;
      }
    }
    if (!accumulators)
      for (unsigned result = 0; result < numResults; ++result)
        define(nest, result, results[result], entry.isAgain);
  }
  if (group.loopSet.any())
    for (NestGroup::Entry entry : group.entries)
      if (graph.nests[entry.nest].reduced.none())
        for (Value result : graph.nests[entry.nest].op.getResults())
          registers.erase(result);
}

//===----------------------------------------------------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------------------------------------------------===//

bool NestEmitter::isSummedAcrossLanes(const NestGroup &group, const Nest &nest) const {
  return group.vectorClass >= 0 && nest.reduced.test(group.vectorClass);
}

/// Across lanes from neutral values: the initial value is added in the end. Else from the initial values.
NestEmitter::Accumulators NestEmitter::startSums(const NestGroup &group, const Nest &nest) {
  Accumulators sums(nest.op.getNumDpsInits());
  for (auto [result, vectors] : llvm::enumerate(sums)) {
    if (isSummedAcrossLanes(group, nest)) {
      TypedAttr neutral = getNeutral(getCombiner(nest.op, result));
      auto type = VectorType::get(plan.lanes, neutral.getType());
      vectors.assign(group.unroll, arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, neutral)));
      continue;
    }
    for (int64_t vector = 0; vector < lanes.unroll; ++vector) {
      Value initial = loadInitial(nest, result, vector);
      vectors.push_back(lanes.loop < 0 ? initial : toVector(b, loc, initial, plan.lanes));
    }
  }
  return sums;
}

void NestEmitter::finishSums(const NestGroup &group, unsigned number, const Accumulators &sums) {
  const Nest &nest = graph.nests[number];
  for (auto [result, vectors] : llvm::enumerate(sums)) {
    SmallVector<Value> left(vectors);
    if (isSummedAcrossLanes(group, nest)) {
      Operation *combiner = getCombiner(nest.op, result);
      for (; left.size() > 1; left.resize(left.size() / 2))
        for (size_t i = 0; i < left.size() / 2; ++i)
          left[i] = combine(b, loc, combiner, left[2 * i], left[2 * i + 1]);
      Value sum = combineLanes(b, loc, combiner, left.front());
      left.front() = combine(b, loc, combiner, loadInitial(nest, result, 0), sum);
    }
    define(nest, result, left);
    // Inside of loops of the group it is one element of many, which are in memory.
    if (group.loopSet.count() > nest.reduced.count())
      registers.erase(nest.getResultAccess(result).tensor);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------------------------------------------------===//

LoopPoint NestEmitter::getPoint(int64_t vector) {
  LoopPoint point{ivs, lanes.loop, lanes.loop < 0 ? 1 : plan.lanes, lanes.mask};
  if (vector > 0)
    point.ivs[lanes.loop] = fold<arith::AddIOp>(ivs[lanes.loop], constant(vector * plan.lanes));
  return point;
}

LoopPoint NestEmitter::getPointOf(const Nest &nest, int64_t vector) {
  LoopPoint classes = getPoint(vector);
  LoopPoint point{{}, -1, classes.lanes, classes.mask};
  for (auto [number, loop] : llvm::enumerate(nest.loops)) {
    point.ivs.push_back(loop < 0 ? constant(0) : classes.ivs[loop]);
    if (loop >= 0 && loop == classes.dim)
      point.dim = number;
  }
  return point;
}

Value NestEmitter::load(const Access &access, int64_t vector) {
  if (!isa<RankedTensorType>(access.tensor.getType()))
    return buffers.values.lookup(access.tensor);
  if (auto it = registers.find(access.tensor); it != registers.end())
    return it->second[std::min<int64_t>(vector, it->second.size() - 1)];
  if (Value vector = transposed.lookup(&access))
    return vector;
  if (Value memory = scratch.lookup(access.tensor)) {
    LaneBuilder builder(b, loc, lanes.loop < 0 ? 1 : plan.lanes, plan.vectorClass < 0 ? lanes.mask : Value());
    return builder.load(memory, getScratchIndices(builder, access, vector)).value;
  }
  return loadOperand(b, loc, views.lookup(&access), access.getMap(graph.classes.size()), getPoint(vector));
}

Value NestEmitter::loadInitial(const Nest &nest, unsigned result, int64_t vector) {
  const Access &access = nest.getResults()[result];
  if (auto filled = access.tensor.getDefiningOp<linalg::FillOp>())
    return buffers.values.lookup(filled.getInputs()[0]);
  if (access.tensor.getDefiningOp<tensor::EmptyOp>()) // holds anything
    return arith::ConstantOp::create(b, loc, b.getZeroAttr(getElementTypeOrSelf(access.tensor)));
  return load(access, vector);
}

void NestEmitter::define(const Nest &nest, unsigned result, ArrayRef<Value> vectors, bool isAgain) {
  Value tensor = nest.op.getResult(result);
  registers[tensor] = SmallVector<Value>(vectors);
  if (isAgain)
    return;
  Access access = nest.getResultAccess(result);
  for (auto [vector, value] : llvm::enumerate(vectors))
    if (Value memory = scratch.lookup(tensor)) {
      LaneBuilder builder(b, loc, lanes.loop < 0 ? 1 : plan.lanes, plan.vectorClass < 0 ? lanes.mask : Value());
      builder.store({value}, memory, getScratchIndices(builder, access, vector));
    } else if (Value memory = resultViews.lookup(tensor)) {
      storeOperand(b, loc, value, memory, access.getMap(graph.classes.size()), getPoint(vector));
    }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------===//

Value NestEmitter::createView(Value memref, const Access &access) {
  if (!memref || cast<MemRefType>(memref.getType()).getRank() == int64_t(access.indices.size()))
    return memref;
  return memref::CollapseShapeOp::create(b, loc, memref, access.groups);
}

void NestEmitter::createViews() {
  for (const Nest &nest : graph.nests)
    for (unsigned number = 0; number < nest.op.getNumResults(); ++number) {
      Access result = nest.getResultAccess(number);
      auto stored = plan.storage.find(result.tensor);
      if (stored == plan.storage.end()) {
        if (Value memory = createView(buffers.values.lookupOrNull(result.tensor), result))
          resultViews[result.tensor] = memory;
        continue;
      }
      if (stored->second.host)
        continue;
      SmallVector<int64_t> shape;
      for (AffineExpr index : result.indices)
        if (const LoopClass &loop = graph.classes[cast<AffineDimExpr>(index).getPosition()]; !loop.isShared)
          shape.push_back(loop.size);
      if (plan.vectorClass >= 0)
        shape.push_back(plan.unroll * plan.lanes);
      Type element = getElementTypeOrSelf(result.tensor);
      scratch[result.tensor] = buffers.allocateScratch(loc, MemRefType::get(shape, element));
    }
  for (auto &[guest, storage] : plan.storage)
    if (storage.host)
      resultViews[guest] = resultViews.lookup(storage.host);
  for (const Nest &nest : graph.nests)
    for (const Access &access : nest.operands) {
      if (!access.isRead || !isa<RankedTensorType>(access.tensor.getType()))
        continue;
      Value memory = resultViews.lookup(access.tensor);
      if (!memory)
        memory = createView(buffers.values.lookupOrNull(access.tensor), access);
      if (memory)
        views[&access] = memory;
    }
}

/// The indices that are not shared, and lanes that a vectorised shared loop adds.
SmallVector<LaneValue> NestEmitter::getScratchIndices(LaneBuilder &builder, const Access &access, int64_t vector) {
  LoopPoint point = getPoint(vector);
  SmallVector<LaneValue> loops, indices;
  for (auto [loop, iv] : llvm::enumerate(point.ivs))
    loops.push_back({iv, int(loop) == point.dim ? 1 : 0});
  for (AffineExpr index : access.indices)
    if (auto dim = dyn_cast<AffineDimExpr>(index); !dim || !graph.classes[dim.getPosition()].isShared)
      indices.push_back(builder.apply(index, loops));
  if (plan.vectorClass >= 0)
    indices.push_back({constant(vector * plan.lanes), 1});
  return indices;
}
