//===- NestEmitter.cpp - what a thread does of nests --------------------------------------------------------------===//

#include "NestEmitter.h"
#include "Points.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Kernel/Reduction.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

NestEmitter::NestEmitter(OpBuilder &b, Buffers &values, const KernelGraph &graph, const NestPlan &plan)
    : b(b), loc(graph.nests.back().op.getLoc()), m(b, loc), values(values), graph(graph), plan(plan),
      shared(graph.getShared()), ivs(graph.classes.size()) {
  for (const LoopClass &loopClass : graph.classes) {
    Value size = m.constant(1);
    for (auto [op, loop] : loopClass.origins)
      size = m.mul(size, values.toIndex(values.getLoopSizes(op)[loop]));
    sizes.push_back(size);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> NestEmitter::getSharedSizes() {
  return llvm::map_to_vector(plan.shared, [&](unsigned loop) {
    return int(loop) == plan.vectorClass ? m.div(sizes[loop], plan.lanes) : sizes[loop];
  });
}

Value NestEmitter::getNumPoints() { return nncc::gpu::getNumPoints(b, loc, getSharedSizes()); }

void NestEmitter::setPoint(Value number) {
  for (auto [loop, index] : llvm::zip_equal(plan.shared, getPoint(b, loc, number, getSharedSizes())))
    if (int(loop) == plan.vectorClass) {
      ivs[loop] = m.mul(index, plan.lanes);
      lanesLoop = loop;
    } else {
      ivs[loop] = index;
    }
}

/// A team without a point of its own does the last one once more, and stores nothing: all meet at the barriers.
void NestEmitter::emit(const DeviceFunction &function) {
  const Team &team = plan.team;
  sharedMemory = function.shared;
  place.member = team.isAlongRow ? m.rem(function.thread, team.members) : m.div(function.thread, team.points);
  place.point = team.isAlongRow ? m.div(function.thread, team.members) : m.rem(function.thread, team.points);
  Value number = m.add(m.mul(function.block, team.points), place.point), numPoints = getNumPoints();
  createViews();
  if (plan.tileClass >= 0)
    return emitTiles(function);
  steps.resize(plan.steps);
  auto write = [&] {
    for (auto [index, group] : llvm::enumerate(plan.groups)) {
      if (index > 0 && plan.needsBarriers && team.members > 1)
        createBarrier(b, loc);
      emitGroup(group);
    }
  };
  if (team.members == 1)
    return m.ifThen(m.less(number, numPoints), [&] {
      setPoint(number);
      write();
    });
  if (team.points > 1) {
    isPoint = m.less(number, numPoints);
    number = m.min(number, m.sub(numPoints, 1));
  }
  setPoint(number);
  write();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------------------------------------------------===//

static SmallVector<Value> flatten(ArrayRef<SmallVector<Value>> sums) {
  SmallVector<Value> flat;
  for (const auto &nest : sums)
    llvm::append_range(flat, nest);
  return flat;
}

static void unflatten(ValueRange flat, MutableArrayRef<SmallVector<Value>> sums) {
  for (auto &nest : sums)
    for (Value &value : nest) {
      value = flat.front();
      flat = flat.drop_front();
    }
}

void NestEmitter::emitGroup(const NestGroup &group) {
  Sums none;
  auto sumHere = [&](Sums &) {
    Sums sums = startSums(group);
    emitAlone(group.reduced, sums, [&](Sums &inner) { emitBody(group, inner); });
    finishSums(group, sums);
    bodyValues.clear();
  };
  if (!group.parallel.empty() && !group.reduced.empty())
    return emitTogether(group, group.parallel, none, sumHere);
  if (!group.parallel.empty())
    return emitTogether(group, group.parallel, none, [&](Sums &sums) { emitBody(group, sums); });
  Sums sums = startSums(group);
  auto body = [&](Sums &inner) { emitBody(group, inner); };
  if (group.reduced.empty())
    body(sums);
  else
    emitTogether(group, group.reduced, sums, body);
  finishSums(group, sums);
}

void NestEmitter::emitTogether(const NestGroup &group, ArrayRef<unsigned> loops, Sums &sums,
                               llvm::function_ref<void(Sums &)> body) {
  if (plan.steps > 0)
    return emitSteps(group, loops.front(), sums, body);
  if (plan.team.members == 1)
    return emitAlone(loops, sums, body);
  bool isVector = plan.lanes > 1 && int(loops.front()) == plan.vectorClass;
  SmallVector<Value> loopSizes = llvm::map_to_vector(loops, [&](unsigned loop) { return sizes[loop]; });
  int64_t width = isVector ? plan.lanes : 1;
  Value total = m.div(nncc::gpu::getNumPoints(b, loc, loopSizes), width);
  auto loop = scf::ForOp::create(b, loc, place.member, total, m.constant(plan.team.members), flatten(sums));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> indices = getPoint(b, loc, loop.getInductionVar(), loopSizes);
  for (auto [number, index] : llvm::zip_equal(loops, indices))
    ivs[number] = m.mul(index, width);
  if (isVector)
    lanesLoop = plan.vectorClass;
  Sums inner = sums;
  unflatten(loop.getRegionIterArgs(), inner);
  body(inner);
  if (isVector)
    lanesLoop = -1;
  bodyValues.clear();
  if (!flatten(sums).empty())
    scf::YieldOp::create(b, loc, flatten(inner));
  unflatten(loop.getResults(), sums);
}

/// What is behind the end of the row is the last element once more: it is neither summed nor stored.
void NestEmitter::emitSteps(const NestGroup &, unsigned loop, Sums &sums, llvm::function_ref<void(Sums &)> body) {
  int64_t length = graph.classes[loop].size, perStep = plan.team.members * plan.lanes;
  for (int64_t number = 0; number < plan.steps; ++number) {
    step = &steps[number];
    Value at = m.mul(m.add(place.member, number * plan.team.members), plan.lanes);
    bool isWhole = (number + 1) * perStep <= length;
    isElement = isWhole ? Value() : m.less(at, m.constant(length));
    ivs[loop] = isWhole ? at : m.min(at, length - plan.lanes);
    lanesLoop = plan.lanes > 1 ? int(loop) : -1;
    body(sums);
    lanesLoop = -1;
    isElement = {};
    bodyValues.clear();
  }
  step = nullptr;
}

void NestEmitter::emitAlone(ArrayRef<unsigned> loops, Sums &sums, llvm::function_ref<void(Sums &)> body) {
  if (loops.empty())
    return body(sums);
  SmallVector<Value> carried = flatten(sums);
  auto loop = scf::ForOp::create(b, loc, m.constant(0), sizes[loops.front()], m.constant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ivs[loops.front()] = loop.getInductionVar();
  Sums inner = sums;
  unflatten(loop.getRegionIterArgs(), inner);
  emitAlone(loops.drop_front(), inner, body);
  bodyValues.clear();
  if (!carried.empty())
    scf::YieldOp::create(b, loc, flatten(inner));
  unflatten(loop.getResults(), sums);
}

void NestEmitter::emitBody(const NestGroup &group, Sums &sums) {
  size_t nextSum = 0;
  for (NestGroup::Entry entry : group.entries) {
    const Nest &nest = graph.nests[entry.nest];
    unsigned numResults = nest.op.getNumResults();
    bool isSum = nest.reduced.any();
    SmallVector<Value> *sum = isSum ? &sums[nextSum++] : nullptr;
    SmallVector<Value> arguments;
    for (const Access &access : ArrayRef(nest.operands).drop_back(numResults))
      arguments.push_back(access.isRead ? load(access) : Value());
    for (unsigned result = 0; result < numResults; ++result)
      arguments.push_back(sum                                ? (*sum)[result]
                          : nest.getResults()[result].isRead ? loadInitial(nest, result)
                                                             : Value());
    SmallVector<Value> yielded = cloneBody(b, nest.op, arguments, getPointOf(nest), values.values);
    for (unsigned result = 0; result < numResults; ++result) {
      if (!sum) {
        define(nest, result, yielded[result], entry.isAgain);
        continue;
      }
      Value next = toVector(b, loc, yielded[result], lanesAt());
      (*sum)[result] = isElement ? arith::SelectOp::create(b, loc, isElement, next, (*sum)[result]).getResult() : next;
    }
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------------------------------------------------===//

/// Together from neutral values: the initial one is added in the end. Alone from the initial value.
NestEmitter::Sums NestEmitter::startSums(const NestGroup &group) {
  Sums sums;
  bool isVector = plan.lanes > 1 && plan.vectorClass >= 0 && group.reducedSet.test(plan.vectorClass);
  for (NestGroup::Entry entry : group.entries) {
    const Nest &nest = graph.nests[entry.nest];
    if (nest.reduced.none())
      continue;
    sums.emplace_back();
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result) {
      if (!isSummedTogether(group)) {
        sums.back().push_back(loadInitial(nest, result));
        continue;
      }
      Value neutral = arith::ConstantOp::create(b, loc, getNeutral(getCombiner(nest.op, result)));
      sums.back().push_back(toVector(b, loc, neutral, isVector ? plan.lanes : 1));
    }
  }
  return sums;
}

void NestEmitter::finishSums(const NestGroup &group, Sums &sums) {
  size_t next = 0;
  for (NestGroup::Entry entry : group.entries) {
    const Nest &nest = graph.nests[entry.nest];
    if (nest.reduced.none())
      continue;
    for (auto [result, value] : llvm::enumerate(sums[next])) {
      if (isSummedTogether(group)) {
        Operation *combiner = getCombiner(nest.op, result);
        if (isa<VectorType>(value.getType()))
          value = combineLanes(b, loc, combiner, value);
        value = joinTeam(b, loc, combiner, value, plan.team, place, sharedMemory);
        value = combine(b, loc, combiner, loadInitial(nest, result), value);
      }
      define(nest, result, value, /*isAgain=*/false);
    }
    ++next;
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------------------------------------------------===//

LoopPoint NestEmitter::getPointOf(const Nest &nest) {
  LoopPoint point;
  point.lanes = lanesAt();
  for (auto [number, loop] : llvm::enumerate(nest.loops)) {
    point.ivs.push_back(loop < 0 ? m.constant(0) : ivs[loop]);
    if (loop >= 0 && loop == lanesLoop)
      point.dim = number;
  }
  if (point.dim < 0)
    point.lanes = 1;
  return point;
}

Value NestEmitter::load(const Access &access) {
  if (!isa<RankedTensorType>(access.tensor.getType()))
    return values.values.lookup(access.tensor);
  if (Value value = bodyValues.lookup(access.tensor))
    return value;
  if (Value value = rowValues.lookup(access.tensor))
    return value;
  auto [producer, number] = graph.getProducer(access.tensor);
  if (step && producer && producer->getResultAccess(number).indices == access.indices)
    if (Value value = step->results.lookup(access.tensor))
      return value;
  if (Value value = tileValues.lookup(getKey(access)))
    return value;
  AffineMap map = access.getMap(graph.classes.size());
  // What is the same along the row is loaded for the first step.
  bool isOfStep = step && getOwn(access).any();
  Value *known = step ? &(isOfStep ? *step : steps.front()).loads[{access.tensor, map}] : nullptr;
  if (known && *known)
    return *known;
  Value value = loadOperand(b, loc, views.lookup(&access), map, LoopPoint{ivs, lanesLoop, lanesAt(), {}});
  if (known)
    *known = value;
  return value;
}

Value NestEmitter::loadInitial(const Nest &nest, unsigned result) {
  const Access &access = nest.getResults()[result];
  if (auto filled = access.tensor.getDefiningOp<linalg::FillOp>())
    return values.values.lookup(filled.getInputs()[0]);
  if (access.tensor.getDefiningOp<tensor::EmptyOp>()) // holds anything
    return arith::ConstantOp::create(b, loc, b.getZeroAttr(getElementTypeOrSelf(access.tensor)));
  return load(access);
}

/// A value of the row belongs to the whole team, one of its elements to the thread.
void NestEmitter::define(const Nest &nest, unsigned result, Value value, bool isAgain) {
  Access access = nest.getResultAccess(result);
  bool isWhole = getOwn(access).none();
  if (isWhole)
    rowValues[access.tensor] = value;
  else if (step)
    step->results[access.tensor] = value;
  else
    bodyValues[access.tensor] = value;
  if (isAgain || !resultViews.contains(access.tensor))
    return;
  Value condition = isPoint;
  auto require = [&](Value other) {
    if (other)
      condition = condition ? arith::AndIOp::create(b, loc, condition, other).getResult() : other;
  };
  require(isElement);
  if (isWhole && plan.team.members > 1)
    require(m.equal(place.member, m.constant(0)));
  if (!condition)
    return store(access, value);
  m.ifThen(condition, [&] { store(access, value); });
}

void NestEmitter::store(const Access &access, Value value) {
  storeOperand(b, loc, value, resultViews.lookup(access.tensor), access.getMap(graph.classes.size()),
               LoopPoint{ivs, lanesLoop, lanesAt(), {}});
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
      if (Value memory = createView(values.values.lookupOrNull(result.tensor), result))
        resultViews[result.tensor] = memory;
    }
  for (const Nest &nest : graph.nests)
    for (const Access &access : nest.operands) {
      if (!access.isRead || !isa<RankedTensorType>(access.tensor.getType()))
        continue;
      Value memory = resultViews.lookup(access.tensor);
      if (!memory)
        memory = createView(values.values.lookupOrNull(access.tensor), access);
      if (memory)
        views[&access] = memory;
    }
}
