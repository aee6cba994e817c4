//===- Outline.cpp - moves a group of operations into a kernel
//------------------------------------------------------------===//

#include "Outline.h"
#include "FusionRules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nncc::exec;

bool nncc::exec::isComputation(Operation *op) {
  return isa<linalg::LinalgOp, GridOp, MatMulOp, ConvOp, AttentionOp, RecurrenceOp, SortOp, ScanOp>(op);
}

bool nncc::exec::isDuplicated(OpOperand &operand) {
  Operation *producer = operand.get().getDefiningOp();
  if (!producer)
    return false;
  if (isa<linalg::FillOp>(producer)) {
    auto user = dyn_cast<DestinationStyleOpInterface>(operand.getOwner());
    return user && user.isDpsInit(&operand);
  }
  return isa<tensor::EmptyOp>(producer) ||
         (producer->hasTrait<OpTrait::ConstantLike>() && !isa<TensorType>(operand.get().getType()));
}

namespace {

/// What goes into a kernel: the group and copies of what it is made from, in an order in which each follows its operands; and what
/// comes in as an argument.
class KernelContents {
public:
  explicit KernelContents(ArrayRef<Operation *> group) : group(group.begin(), group.end()) {
    for (Operation *op : group)
      add(op);
  }

  SmallVector<Operation *> order;
  llvm::SetVector<Value> arguments;
  /// The initial values of grids: each result starts as the buffer of an argument that is nothing else.
  SmallVector<OpOperand *> initialValues;
  SmallVector<Value> results;

  bool isInGroup(Operation *user) const {
    for (; user; user = user->getParentOp())
      if (group.contains(user))
        return true;
    return false;
  }

private:
  void add(Operation *op) {
    if (!added.insert(op).second)
      return;
    for (OpOperand &operand : op->getOpOperands())
      addOperand(operand);
    visitUsedValuesDefinedAbove(op->getRegions(), [&](OpOperand *operand) { addOperand(*operand); });
    order.push_back(op);
    if (group.contains(op))
      llvm::copy_if(op->getResults(), std::back_inserter(results),
                    [&](Value result) { return isNeededOutside(result); });
  }

  void addOperand(OpOperand &operand) {
    Operation *producer = operand.get().getDefiningOp();
    Operation *source = lookThroughViews(operand.get()).getDefiningOp();
    if (producer && (isDuplicated(operand) || (source && group.contains(source))))
      add(producer);
    else if (auto grid = dyn_cast<GridOp>(operand.getOwner());
             grid && operand.getOperandNumber() >= grid.getInits().getBeginOperandIndex())
      initialValues.push_back(&operand);
    else
      arguments.insert(operand.get());
  }

  /// A view that only the group uses is inside of the kernel. A grid's result that nothing uses is its working memory: a buffer of the
  /// schedule, as its size may be known only at run time, and all points of the grid share it.
  bool isNeededOutside(Value value) const {
    if (value.use_empty() && isa_and_nonnull<GridOp>(value.getDefiningOp()))
      return true;
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return !isInGroup(user) && !(isView(user) && !isNeededOutside(user->getResult(0)));
    });
  }

  llvm::SmallDenseSet<Operation *> group, added;
};

/// Fills an empty kernel of the right type.
void fillKernel(KernelOp kernel, const KernelContents &contents) {
  Block &body = kernel.getBody().front();
  IRMapping mapping;
  for (auto [outside, argument] : llvm::zip(contents.arguments, body.getArguments()))
    mapping.map(outside, argument);
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  for (Operation *op : contents.order)
    inside.clone(*op, mapping);
  SmallVector<Value> yielded =
      llvm::map_to_vector(contents.results, [&](Value result) { return mapping.lookup(result); });
  YieldOp::create(inside, kernel.getLoc(), yielded);

  SmallVector<int64_t> mustAlias(yielded.size(), -1);
  for (auto [number, operand] : llvm::enumerate(contents.initialValues)) {
    unsigned argument = contents.arguments.size() + number;
    auto grid = cast<GridOp>(operand->getOwner());
    Value result = grid.getResult(operand->getOperandNumber() - grid.getInits().getBeginOperandIndex());
    mapping.lookup(result).getDefiningOp()->setOperand(operand->getOperandNumber(), body.getArgument(argument));
    if (const auto *position = llvm::find(contents.results, result); position != contents.results.end())
      mustAlias[position - contents.results.begin()] = argument;
  }
  if (llvm::any_of(mustAlias, [](int64_t alias) { return alias >= 0; }))
    kernel.setMustAlias(mustAlias);
  kernel.setMayAlias(findMayAlias(kernel));
}

} // namespace

KernelOp nncc::exec::outlineKernel(OpBuilder &builder, ArrayRef<Operation *> group, StringRef name) {
  KernelContents contents(group);
  Location loc = builder.getFusedLoc(llvm::map_to_vector(group, [](Operation *op) { return op->getLoc(); }));
  SmallVector<Value> arguments(contents.arguments.getArrayRef());
  for (OpOperand *initial : contents.initialValues)
    arguments.push_back(initial->get());
  TypeRange results = ValueRange(contents.results).getTypes();
  KernelOp kernel =
      KernelOp::createEmpty(builder, loc, name, builder.getFunctionType(ValueRange(arguments).getTypes(), results));
  fillKernel(kernel, contents);

  OpBuilder schedule(group.back());
  auto launch = LaunchOp::create(schedule, loc, results, FlatSymbolRefAttr::get(kernel.getSymNameAttr()), arguments,
                                 /*outputs=*/ValueRange());
  for (auto [result, replacement] : llvm::zip_equal(contents.results, launch.getResults()))
    result.replaceAllUsesWith(replacement);
  for (Operation *op : llvm::reverse(contents.order)) // With views and copied values that nobody needs any more.
    if (op->use_empty())
      op->erase();
  return kernel;
}
