//===- Outline.cpp - moves a group of operations into a kernel
//------------------------------------------------------------===//

#include "Outline.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nncc::exec;

bool nncc::exec::isComputation(Operation *op) { return isa<linalg::LinalgOp, GridOp, MatMulOp, ConvOp>(op); }

bool nncc::exec::isDuplicated(OpOperand &operand) {
  Operation *producer = operand.get().getDefiningOp();
  if (!producer)
    return false;
  if (isa<linalg::FillOp>(producer)) {
    auto user = dyn_cast<DestinationStyleOpInterface>(operand.getOwner());
    return user && user.isDpsInit(&operand);
  }
  return isa<tensor::EmptyOp>(producer) ||
         (producer->hasTrait<OpTrait::ConstantLike>() && !isa<ShapedType>(operand.get().getType()));
}

namespace {

/// What goes into a kernel: the group and copies of what it is made from, in an order in which each follows its
/// operands; and what comes in as an argument.
class KernelContents {
public:
  explicit KernelContents(ArrayRef<Operation *> group) : group(group.begin(), group.end()) {
    for (Operation *op : group)
      add(op);
  }

  SmallVector<Operation *> order;
  llvm::SetVector<Value> arguments;
  SmallVector<Value> results;

private:
  void add(Operation *op) {
    if (!added.insert(op).second)
      return;
    for (OpOperand &operand : op->getOpOperands())
      addOperand(operand);
    visitUsedValuesDefinedAbove(op->getRegions(), [&](OpOperand *operand) { addOperand(*operand); });
    order.push_back(op);
    if (!group.contains(op))
      return;
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !isInGroup(user); }))
        results.push_back(result);
  }

  void addOperand(OpOperand &operand) {
    Operation *producer = operand.get().getDefiningOp();
    if (producer && (group.contains(producer) || isDuplicated(operand)))
      add(producer);
    else
      arguments.insert(operand.get());
  }

  bool isInGroup(Operation *user) const {
    for (; user; user = user->getParentOp())
      if (group.contains(user))
        return true;
    return false;
  }

  llvm::SmallDenseSet<Operation *> group, added;
};

} // namespace

KernelOp nncc::exec::outlineKernel(OpBuilder &builder, ArrayRef<Operation *> group, StringRef name) {
  KernelContents contents(group);
  SmallVector<Location> locations;
  for (Operation *op : group)
    locations.push_back(op->getLoc());
  Location loc = builder.getFusedLoc(locations);

  auto type = builder.getFunctionType(ValueRange(contents.arguments.getArrayRef()).getTypes(),
                                      ValueRange(contents.results).getTypes());
  KernelOp kernel = KernelOp::createEmpty(builder, loc, name, type);
  Block &body = kernel.getBody().front();
  IRMapping mapping;
  for (auto [outside, argument] : llvm::zip_equal(contents.arguments, body.getArguments()))
    mapping.map(outside, argument);
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  for (Operation *op : contents.order)
    inside.clone(*op, mapping);
  SmallVector<Value> yielded;
  for (Value result : contents.results)
    yielded.push_back(mapping.lookup(result));
  YieldOp::create(inside, loc, yielded);
  kernel.setMayAlias(findMayAlias(kernel));

  OpBuilder schedule(group.back());
  auto launch = LaunchOp::create(schedule, loc, ValueRange(contents.results).getTypes(),
                                 FlatSymbolRefAttr::get(kernel.getSymNameAttr()), contents.arguments.getArrayRef(),
                                 /*outputs=*/ValueRange());
  for (auto [result, replacement] : llvm::zip_equal(contents.results, launch.getResults()))
    result.replaceAllUsesWith(replacement);
  for (Operation *op : llvm::reverse(group))
    op->erase();
  return kernel;
}
