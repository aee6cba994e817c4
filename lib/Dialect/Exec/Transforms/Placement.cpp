//===- Placement.cpp - which tensors of a schedule the host keeps ---------------------------------------------------------===//

#include "Placement.h"
#include "FusionRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc::exec;

static bool isTensor(Value value) { return isa<RankedTensorType>(value.getType()); }

bool Placement::isSmall(Type type, int64_t elements) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return !tensor || (tensor.hasStaticShape() && tensor.getNumElements() <= elements);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// What lies together
//===----------------------------------------------------------------------------------------------------------------------===//

/// Constants and tensors of scalars are the host's, and get a copy on the device where that wants one.
static bool isMadeOnHost(Operation *op) {
  return op && (isa<tensor::FromElementsOp, HostInputOp>(op) || op->hasTrait<OpTrait::ConstantLike>());
}

bool Placement::isRoot(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  Operation *op = tensor.getDefiningOp();
  return isMadeOnHost(op) || isa<InputOp, WeightOp, tensor::EmptyOp>(op);
}

static bool isInteger(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType().isInteger(); }

/// Whether the host can have a root. Inputs of the model are sizes and conditions only where they are integers.
bool Placement::isHostRoot(Value tensor) {
  if (isMadeOnHost(tensor.getDefiningOp()))
    return true;
  return isSmall(tensor.getType(), kMaxHost) && !tensor.getDefiningOp<InputOp>() &&
         (!isa<BlockArgument>(tensor) || isInteger(tensor));
}

void Placement::join(Value a, Value b) {
  if (isTensor(a) && !isRoot(a) && !isRoot(b))
    classes.unionSets(a.getAsOpaquePointer(), b.getAsOpaquePointer());
}

/// The operands that an operation hands on as tensors of its own or of its regions, each with what it becomes.
static void forEachJoined(Operation *op, function_ref<void(OpOperand &, Value)> visit) {
  auto visitAll = [&](MutableArrayRef<OpOperand> operands, ValueRange values) {
    for (auto [operand, value] : llvm::zip_equal(operands, values))
      visit(operand, value);
  };
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    visitAll(loop.getInitArgsMutable(), loop.getRegionIterArgs());
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    visitAll(loop.getInitsMutable(), loop.getBeforeArguments());
  } else if (auto condition = dyn_cast<scf::ConditionOp>(op)) {
    visitAll(condition.getArgsMutable(), cast<scf::WhileOp>(op->getParentOp()).getAfterArguments());
  } else if (isa<scf::YieldOp>(op)) {
    Operation *parent = op->getParentOp();
    auto loop = dyn_cast<scf::WhileOp>(parent);
    visitAll(op->getOpOperands(), loop ? ValueRange(loop.getBeforeArguments()) : ValueRange(parent->getResults()));
  } else if (isa<arith::SelectOp>(op)) {
    for (OpOperand &operand : op->getOpOperands().drop_front())
      visit(operand, op->getResult(0));
  } else if (isView(op)) {
    visit(op->getOpOperand(0), op->getResult(0));
  }
}

void Placement::joinAll(func::FuncOp schedule) {
  schedule.walk([&](Operation *op) {
    forEachJoined(op, [&](OpOperand &operand, Value value) { join(operand.get(), value); });
    if (auto loop = dyn_cast<scf::ForOp>(op))
      for (auto [argument, result] : llvm::zip_equal(loop.getRegionIterArgs(), loop.getResults()))
        join(argument, result);
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      for (auto [argument, result] : llvm::zip_equal(loop.getAfterArguments(), loop.getResults()))
        join(argument, result);
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// What the host wants, and can have
//===----------------------------------------------------------------------------------------------------------------------===//

void *Placement::getLeader(Value tensor) const {
  void *key = tensor.getAsOpaquePointer();
  auto leader = classes.findLeader(key);
  return leader == classes.member_end() ? key : *leader;
}

SmallVector<void *> Placement::getClass(Value tensor) const {
  void *key = tensor.getAsOpaquePointer();
  auto leader = classes.findLeader(key);
  return leader == classes.member_end() ? SmallVector<void *>{key} : SmallVector<void *>(leader, classes.member_end());
}

bool Placement::isHostClass(Value tensor) const { return hostClasses.contains(getLeader(tensor)); }

bool Placement::isHostLaunch(LaunchOp launch) const {
  return launch.getNumResults() && llvm::all_of(launch.getResults(), [&](Value result) { return isHostClass(result); });
}

bool Placement::isSmallKernel(LaunchOp launch) {
  auto isSmallTensor = [](Type type) { return isSmall(type, kMaxHost); };
  KernelOp kernel = launch.lookupKernel();
  auto walked = kernel.walk([](Operation *op) {
    return isa<ConvOp, MatMulOp, AttentionOp, RecurrenceOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return !walked.wasInterrupted() && llvm::all_of(launch.getInputs().getTypes(), isSmallTensor) &&
         llvm::all_of(launch.getResultTypes(), isSmallTensor);
}

/// Adds the tensor's class, and what its kernels read.
void Placement::demand(Value tensor) {
  if (isRoot(tensor) || isHostClass(tensor))
    return;
  hostClasses.insert(getLeader(tensor));
  for (void *member : getClass(tensor))
    if (auto launch = Value::getFromOpaquePointer(member).getDefiningOp<LaunchOp>()) {
      for (Value result : launch.getResults())
        demand(result);
      for (Value input : launch.getInputs())
        if (isTensor(input))
          demand(input);
    }
}

/// Whether what the operation makes in host classes can be made on the host.
bool Placement::canHold(Operation *op) const {
  auto launch = dyn_cast<LaunchOp>(op);
  if (!launch) {
    bool holds = true;
    forEachJoined(op, [&](OpOperand &operand, Value value) {
      if (isTensor(value) && isHostClass(value))
        holds &= isRoot(operand.get()) ? isHostRoot(operand.get()) : isHostClass(operand.get());
    });
    return holds;
  }
  llvm::SmallPtrSet<Value, 4> downloads;
  for (Value input : launch.getInputs()) {
    if (!isTensor(input) || (isRoot(input) ? isHostRoot(input) : isHostClass(input)))
      continue;
    if (isRoot(input) || !isInteger(input) || !isSmall(input.getType(), kMaxSizes))
      return false;
    downloads.insert(input);
  }
  if (!isSmallKernel(launch) || !isHostLaunch(launch))
    return false;
  return downloads.empty() || (downloads.size() == 1 && !isReadByDevice(launch));
}

/// Whether a kernel of the device, or the caller, reads a result of the launch or what other kernels of the host make of it.
bool Placement::isReadByDevice(LaunchOp launch) const {
  llvm::SetVector<Operation *> launches;
  launches.insert(launch);
  for (unsigned number = 0; number < launches.size(); ++number)
    for (Value result : launches[number]->getResults())
      for (void *member : getClass(result))
        for (Operation *user : Value::getFromOpaquePointer(member).getUsers()) {
          auto reader = dyn_cast<LaunchOp>(user);
          if (isa<func::ReturnOp>(user) || (reader && !isHostLaunch(reader)))
            return true;
          if (reader)
            launches.insert(reader);
        }
  return false;
}

bool Placement::dropImpossible(func::FuncOp schedule) {
  bool changed = false;
  auto drop = [&](Value value) {
    if (!isTensor(value) || isRoot(value) || !isHostClass(value))
      return;
    hostClasses.erase(getLeader(value));
    changed = true;
  };
  schedule.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (isTensor(result) && !isSmall(result.getType(), kMaxHost))
        drop(result);
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      if (!canHold(op))
        llvm::for_each(launch.getResults(), drop);
    } else if (!canHold(op)) {
      forEachJoined(op, [&](OpOperand &, Value value) { drop(value); });
    }
  });
  return changed;
}

Placement::Placement(func::FuncOp schedule) {
  joinAll(schedule);
  schedule.walk([&](tensor::ExtractOp extract) { demand(extract.getTensor()); });
  while (dropImpossible(schedule)) {
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------------------------------------------------------===//

bool Placement::isOnHost(Value tensor) const {
  return isRoot(tensor) ? isMadeOnHost(tensor.getDefiningOp()) : isHostClass(tensor);
}

bool Placement::canBeOnHost(Value tensor) const { return isRoot(tensor) ? isHostRoot(tensor) : isHostClass(tensor); }

std::optional<bool> Placement::getSide(OpOperand &operand) const {
  Operation *op = operand.getOwner();
  if (auto launch = dyn_cast<LaunchOp>(op))
    return isHostLaunch(launch);
  std::optional<bool> side;
  forEachJoined(op, [&](OpOperand &joined, Value value) {
    if (&joined == &operand && isTensor(value))
      side = isHostClass(value);
  });
  return side;
}
