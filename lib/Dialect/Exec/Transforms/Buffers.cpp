//===- Buffers.cpp - which buffer each tensor of a schedule lies in -------------------------------------------------------===//

#include "Buffers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc::exec;

BufferAssignment::BufferAssignment(func::FuncOp schedule, SizeAnalysis &sizes, bool separate)
    : sizes(sizes), separate(separate) {
  number(schedule);
  for (BlockArgument argument : schedule.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      assigned[argument] = {create(BufferKind::ReadOnly, argument, schedule)};
  assign(schedule.getBody().front());
  findLifetimes();
  reuseOperands(schedule);
  joinControlFlow(schedule);
  reuseOperands(schedule); // A loop that carries in one buffer gives its result in that.
  assignOutputs(schedule);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// A buffer for every tensor
//===----------------------------------------------------------------------------------------------------------------------===//

void BufferAssignment::number(Operation *op) {
  begins[op] = numPositions++;
  for (Region &region : op->getRegions())
    for (Operation &nested : region.getOps())
      number(&nested);
  ends[op] = op->getNumRegions() == 0 ? begins[op] : numPositions++;
}

unsigned BufferAssignment::create(BufferKind kind, Value tensor, Operation *op) {
  Buffer buffer;
  buffer.kind = kind;
  buffer.bytes = sizes.getBytes(tensor);
  buffer.firstOp = op;
  buffer.homes.push_back(op->getParentRegion());
  parents.push_back(buffers.size());
  buffers.push_back(buffer);
  return buffers.size() - 1;
}

unsigned BufferAssignment::createFresh(Value tensor, Operation *op) {
  bool planned = !separate && !isOnHost(tensor) && sizes.isKnownBeforeRun(sizes.getBytes(tensor));
  return create(planned ? BufferKind::Planned : BufferKind::RunTime, tensor, op);
}

void BufferAssignment::assign(Block &block) {
  for (Operation &op : block) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      assignLoop(loop, loop.getRegionIterArgs(), loop.getInitArgs(), loop.getYieldedValues());
      assign(*loop.getBody());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      assignLoop(loop, loop.getBeforeArguments(), loop.getInits(), loop.getYieldOp().getOperands());
      assign(*loop.getBeforeBody());
      for (auto [argument, forwarded] : llvm::zip_equal(loop.getAfterArguments(), loop.getConditionOp().getArgs()))
        if (assigned.contains(forwarded))
          assigned[argument] = Ids(assigned[forwarded]);
      assign(*loop.getAfterBody());
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region &region : branch->getRegions())
        if (!region.empty())
          assign(region.front());
    }
    assignResults(&op);
  }
}

/// Whether `yielded` is what the iteration got as `argument`, handed on as it is.
static bool isHandedOn(BlockArgument argument, Value yielded) {
  auto forwarded = dyn_cast<BlockArgument>(yielded);
  if (auto loop = dyn_cast<scf::WhileOp>(argument.getOwner()->getParentOp());
      loop && forwarded && forwarded.getOwner() == loop.getAfterBody())
    return loop.getConditionOp().getArgs()[forwarded.getArgNumber()] == argument;
  return yielded == argument;
}

void BufferAssignment::assignLoop(Operation *loop, Block::BlockArgListType arguments, ValueRange inits,
                                  ValueRange yielded) {
  for (auto [argument, init, next] : llvm::zip_equal(arguments, inits, yielded)) {
    LoopCarry carry;
    if (isa<RankedTensorType>(argument.getType())) {
      if (isHandedOn(argument, next)) {
        carry.kind = LoopCarry::Constant;
        assigned[argument] = Ids(assigned[init]);
      } else if (sizes.isLoopVariant(argument)) {
        carry.kind = LoopCarry::Growing;
        carry.id = numGrowing++;
        assigned[argument] = {create(BufferKind::Carried, argument, loop)};
      } else {
        carry.kind = LoopCarry::Spare;
        carry.current = createFresh(argument, loop);
        carry.spare = createFresh(argument, loop);
        assigned[argument] = {carry.current, carry.spare};
      }
    }
    carries[loop].push_back(carry);
  }
}

void BufferAssignment::assignResults(Operation *op) {
  auto unite = [&](Ids ids, Value other) {
    for (unsigned id : assigned[other])
      if (!llvm::is_contained(ids, id))
        ids.push_back(id);
    return ids;
  };
  for (OpResult result : op->getResults()) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    unsigned number = result.getResultNumber();
    Ids ids;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      ids = assigned[loop.getRegionIterArg(number)];
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      ids = assigned[loop.getConditionOp().getArgs()[number]];
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      ids = unite(assigned[branch.thenYield().getOperand(number)], branch.elseYield().getOperand(number));
    else if (auto select = dyn_cast<arith::SelectOp>(op))
      ids = unite(assigned[select.getTrueValue()], select.getFalseValue());
    else if (isa<InputOp, tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>(op))
      ids = assigned[op->getOperand(0)];
    else if (isa<WeightOp, HostInputOp>(op) || op->hasTrait<OpTrait::ConstantLike>())
      ids = {create(BufferKind::ReadOnly, result, op)};
    else
      ids = {createFresh(result, op)};
    assigned[result] = ids;
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------------------------------------------------------===//

/// Where `user` is done with a buffer that is filled in `home`: a loop between the two may come back to it until its end.
unsigned BufferAssignment::usePosition(Operation *user, Region *home) {
  unsigned position = begins[user];
  for (Region *region = user->getParentRegion(); !region->isAncestor(home);) {
    Operation *parent = region->getParentOp();
    if (isa<LoopLikeOpInterface>(parent) && !parent->isAncestor(home->getParentOp()))
      position = ends[parent];
    region = parent->getParentRegion();
  }
  return position;
}

void BufferAssignment::findLifetimes() {
  for (Buffer &buffer : buffers) {
    buffer.first = begins[buffer.firstOp];
    bool carried = isa<LoopLikeOpInterface>(buffer.firstOp);
    buffer.last = carried ? ends[buffer.firstOp] : buffer.first;
  }
  for (auto &[value, ids] : assigned)
    for (Operation *user : value.getUsers())
      for (unsigned id : ids)
        buffers[id].last = std::max(buffers[id].last, usePosition(user, buffers[id].homes.front()));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Buffers that are one
//===----------------------------------------------------------------------------------------------------------------------===//

unsigned BufferAssignment::find(unsigned id) {
  while (parents[id] != id)
    id = parents[id] = parents[parents[id]];
  return id;
}

void BufferAssignment::merge(unsigned a, unsigned b) {
  a = find(a);
  b = find(b);
  if (a == b)
    return;
  if (buffers[b].first < buffers[a].first)
    std::swap(a, b);
  parents[b] = a;
  buffers[a].last = std::max(buffers[a].last, buffers[b].last);
  buffers[a].homes.append(buffers[b].homes);
}

BufferAssignment::Ids BufferAssignment::resolve(Value tensor) {
  Ids ids;
  for (unsigned id : assigned.lookup(tensor))
    if (!llvm::is_contained(ids, find(id)))
      ids.push_back(find(id));
  return ids;
}

std::optional<unsigned> BufferAssignment::lookupId(Value tensor) {
  Ids ids = resolve(tensor);
  return ids.size() == 1 ? std::optional(ids.front()) : std::nullopt;
}

std::optional<unsigned> BufferAssignment::lookupFresh(Value tensor) {
  auto id = lookupId(tensor);
  bool fresh = id && (buffers[*id].kind == BufferKind::Planned || buffers[*id].kind == BufferKind::RunTime);
  return fresh ? id : std::nullopt;
}

/// Whether result `number` may be written over the operand that its kernel names, which dies there as `dies` says.
bool BufferAssignment::canReuse(LaunchOp launch, unsigned number, function_ref<bool(Value)> dies) {
  int64_t argument = launch.lookupKernel().getAlias(number);
  if (argument < 0)
    return false;
  Value operand = launch.getInputs()[argument];
  if (sizes.getBytes(operand) != sizes.getBytes(launch.getResult(number)) || !dies(operand))
    return false;
  Ids ids = resolve(operand);
  auto overlaps = [&](Value other) {
    return llvm::any_of(resolve(other), [&](unsigned id) { return llvm::is_contained(ids, id); });
  };
  for (auto [index, other] : llvm::enumerate(launch.getInputs()))
    if (int64_t(index) != argument && overlaps(other))
      return false;
  return llvm::none_of(launch.getResults(), overlaps);
}

void BufferAssignment::reuseOperands(func::FuncOp schedule) {
  schedule.walk<WalkOrder::PreOrder>([&](LaunchOp launch) {
    for (OpResult result : launch.getResults()) {
      auto dies = [&](Value operand) {
        auto id = lookupFresh(operand);
        return id && buffers[*id].last == begins[launch];
      };
      if (lookupFresh(result) && canReuse(launch, result.getResultNumber(), dies))
        merge(*lookupId(launch.getInputs()[launch.lookupKernel().getAlias(result.getResultNumber())]),
              *lookupId(result));
    }
  });
}

void BufferAssignment::joinControlFlow(func::FuncOp schedule) {
  schedule.walk([&](Operation *op) { // Inner ones first: what they yield may be what the outer one carries.
    if (auto branch = dyn_cast<scf::IfOp>(op))
      joinBranches(branch);
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      joinLoop(loop, loop.getRegionIterArgs(), loop.getInitArgs(), loop.getYieldedValues());
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      joinLoop(loop, loop.getBeforeArguments(), loop.getInits(), loop.getYieldOp().getOperands());
  });
}

/// What both branches compute for one result goes to one buffer.
void BufferAssignment::joinBranches(scf::IfOp branch) {
  auto isFilledIn = [&](unsigned id, Region &region) {
    return llvm::all_of(buffers[id].homes, [&](Region *home) { return region.isAncestor(home); });
  };
  for (OpResult result : branch.getResults()) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    auto a = lookupFresh(branch.thenYield().getOperand(result.getResultNumber()));
    auto b = lookupFresh(branch.elseYield().getOperand(result.getResultNumber()));
    if (a && b && buffers[*a].kind == BufferKind::Planned && buffers[*b].kind == BufferKind::Planned &&
        buffers[*a].bytes == buffers[*b].bytes && isFilledIn(*a, branch.getThenRegion()) &&
        isFilledIn(*b, branch.getElseRegion()))
      merge(*a, *b);
  }
}

void BufferAssignment::joinLoop(Operation *loop, Block::BlockArgListType arguments, ValueRange inits,
                                ValueRange yielded) {
  for (auto [number, argument, init, next] : llvm::enumerate(arguments, inits, yielded)) {
    LoopCarry &carry = carries[loop][number];
    if (carry.kind != LoopCarry::Spare)
      continue;
    joinYielded(loop, carry, number, argument, next);
    auto start = lookupFresh(init);
    if (start && buffers[*start].last == begins[loop] && buffers[*start].bytes == buffers[find(carry.current)].bytes)
      merge(*start, carry.current);
  }
}

/// Lets the next value be written where it has to go: over the current one if that is dead by then, else into the spare buffer.
void BufferAssignment::joinYielded(Operation *loop, LoopCarry &carry, unsigned number, BlockArgument argument,
                                   Value yielded) {
  auto next = lookupFresh(yielded);
  if (!next || buffers[*next].bytes != buffers[carry.current].bytes ||
      !llvm::all_of(buffers[*next].homes, [&](Region *home) { return loop->isAncestor(home->getParentOp()); }))
    return;
  unsigned written = buffers[*next].first, read = lastUse(loop, argument, carry);
  bool inPlace = read < written;
  if (read == written)
    if (auto launch = dyn_cast<LaunchOp>(buffers[*next].firstOp))
      for (OpResult result : launch.getResults())
        inPlace |= lookupId(result) == next && canReuse(launch, result.getResultNumber(), [&](Value operand) {
                     return llvm::is_contained(assigned.lookup(operand), carry.current);
                   });
  if (inPlace) {
    carry.kind = LoopCarry::InPlace;
    merge(carry.current, carry.spare);
    merge(carry.current, *next);
    return;
  }
  Buffer &buffer = buffers[*next];
  buffer.kind = BufferKind::Spare;
  buffer.loop = loop;
  buffer.index = number;
  for (unsigned id : {carry.current, carry.spare})
    buffers[find(id)].last = std::max(buffers[find(id)].last, buffer.last);
}

/// The last position in an iteration of `loop` that needs the value which the iteration got.
unsigned BufferAssignment::lastUse(Operation *loop, BlockArgument argument, const LoopCarry &carry) {
  unsigned last = begins[loop];
  for (auto &[value, ids] : assigned)
    if (llvm::is_contained(ids, carry.current))
      for (Operation *user : value.getUsers())
        if (loop->isProperAncestor(user))
          last = std::max(last, usePosition(user, argument.getParentRegion()));
  return last;
}

void BufferAssignment::assignOutputs(func::FuncOp schedule) {
  Block &body = schedule.getBody().front();
  for (OpOperand &returned : body.getTerminator()->getOpOperands()) {
    auto id = isa<RankedTensorType>(returned.get().getType()) ? lookupFresh(returned.get()) : std::nullopt;
    if (!id || isOnHost(returned.get()))
      continue;
    Operation *start = body.findAncestorOpInBlock(*buffers[*id].firstOp);
    if (!llvm::all_of(sizes.getDims(returned.get()),
                      [&](const SizeExpr &size) { return sizes.isKnownBefore(size, start); }))
      continue;
    buffers[*id].kind = BufferKind::Output;
    buffers[*id].index = returned.getOperandNumber();
  }
}
