//===- KernelWriter.cpp - the phases of a kernel ------------------------------------------------------------------===//

#include "KernelWriter.h"
#include "Attention.h"
#include "Contraction.h"
#include "Lines.h"
#include "NestPhase.h"
#include "PointPhases.h"
#include "Recurrence.h"
#include "SplitSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Kernel/IndexMath.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

bool nncc::gpu::isComputation(Operation *op) {
  return isa<linalg::LinalgOp, exec::GridOp, exec::MatMulOp, exec::ConvOp, exec::AttentionOp, exec::RecurrenceOp,
             exec::SortOp, exec::ScanOp>(op);
}

//===----------------------------------------------------------------------------------------------------------------===//
// Workspace
//===----------------------------------------------------------------------------------------------------------------===//

void Workspace::keep(Value tensor) { parts.push_back({tensor, {}}); }

unsigned Workspace::reserve(std::function<Value(OpBuilder &, Buffers &)> size) {
  parts.push_back({Value(), std::move(size)});
  return parts.size() - 1;
}

Value Workspace::getBytes(OpBuilder &b, Buffers &values, const Part &part) const {
  constexpr int64_t alignment = 256;
  Location loc = b.getInsertionBlock()->getParentOp()->getLoc();
  IndexMath m(b, loc);
  Value bytes;
  if (part.tensor) {
    auto type = cast<RankedTensorType>(part.tensor.getType());
    bytes = m.constant(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
    for (OpFoldResult size : values.getSizes(part.tensor))
      bytes = m.mul(bytes, values.toIndex(size));
  } else {
    bytes = part.size(b, values);
  }
  return m.mul(m.ceilDiv(bytes, alignment), alignment);
}

Value Workspace::getBytes(OpBuilder &b, Buffers &values) const {
  IndexMath m(b, b.getInsertionBlock()->getParentOp()->getLoc());
  Value sum = m.constant(0);
  for (const Part &part : parts)
    sum = m.add(sum, getBytes(b, values, part));
  return sum;
}

void Workspace::map(OpBuilder &b, Buffers &values, Value memory) const {
  Location loc = memory.getLoc();
  IndexMath m(b, loc);
  Value offset = m.constant(0);
  for (const Part &part : parts) {
    if (part.tensor) {
      auto type = cast<RankedTensorType>(part.tensor.getType());
      SmallVector<Value> dynamicSizes;
      for (auto [size, known] : llvm::zip_equal(values.getSizes(part.tensor), type.getShape()))
        if (ShapedType::isDynamic(known))
          dynamicSizes.push_back(values.toIndex(size));
      auto memref = MemRefType::get(type.getShape(), type.getElementType());
      values.values.map(part.tensor, memref::ViewOp::create(b, loc, memref, memory, offset, dynamicSizes).getResult());
    }
    offset = m.add(offset, getBytes(b, values, part));
  }
}

Value Workspace::getReserved(OpBuilder &b, Buffers &values, Value memory, unsigned number) const {
  IndexMath m(b, memory.getLoc());
  Value offset = m.constant(0);
  for (const Part &part : ArrayRef(parts).take_front(number))
    offset = m.add(offset, getBytes(b, values, part));
  auto type = cast<MemRefType>(memory.getType());
  return memref::ViewOp::create(b, memory.getLoc(), type, memory, offset, getBytes(b, values, parts[number]));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether all that `op` uses is mapped: what depends on an element that is not in memory here is left out.
static bool isReachable(Operation &op, const IRMapping &values) {
  if (isa<tensor::ExtractOp>(op))
    return llvm::all_of(op.getOperands(), [&](Value value) { return values.contains(value); });
  return llvm::all_of(op.getOperands(),
                      [&](Value value) { return isa<TensorType>(value.getType()) || values.contains(value); });
}

void KernelPlan::mapValues(OpBuilder &b, Buffers &values, Value memory) const {
  values.assignResults();
  exec::KernelOp op = kernel;
  auto visit = [&] {
    for (Operation &inner : op.getBody().front())
      if (!isComputation(&inner) &&
          llvm::none_of(inner.getResults(), [&](Value result) { return values.values.contains(result); }) &&
          isReachable(inner, values.values))
        values.visitSimpleOp(&inner);
  };
  visit();
  if (workspace.isEmpty())
    return;
  // Sizes first, which tell where the tensors are, then what is made of these.
  workspace.map(b, values, memory);
  visit();
}

//===----------------------------------------------------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether a result of the user starts with what the operand holds.
static bool isInit(OpOperand &operand) {
  if (auto grid = dyn_cast<exec::GridOp>(operand.getOwner()))
    return operand.getOperandNumber() >= grid.getInits().getBeginOperandIndex();
  if (isa<exec::MatMulOp>(operand.getOwner()))
    return operand.getOperandNumber() == 2;
  if (auto conv = dyn_cast<exec::ConvOp>(operand.getOwner()))
    return &operand == &conv.getInitMutable();
  auto destinationStyle = dyn_cast<DestinationStyleOpInterface>(operand.getOwner());
  return destinationStyle && destinationStyle.isDpsInit(&operand);
}

/// A fill that others start from is a scalar to them.
static bool isInitialFill(Operation &op) { return isa<linalg::FillOp>(op) && llvm::all_of(op.getUses(), isInit); }

/// Fills that are values of their own become ops like all others.
static void generalizeFills(exec::KernelOp kernel) {
  IRRewriter rewriter(kernel.getContext());
  for (Operation &op : llvm::make_early_inc_range(kernel.getBody().front()))
    if (auto fill = dyn_cast<linalg::FillOp>(op); fill && !isInitialFill(op)) {
      rewriter.setInsertionPoint(fill);
      (void)linalg::generalizeNamedOp(rewriter, fill); // A fill always has a body.
    }
}

namespace {

class Planner {
public:
  explicit Planner(KernelPlan &plan) : plan(plan), kernel(plan.kernel) {}
  LogicalResult run();

private:
  LogicalResult checkOps();
  LogicalResult planContraction(const ContractionSite &site);
  bool hasSimpleOpsFirst();
  bool planNests();
  LogicalResult planEach();
  LogicalResult add(Operation *op);
  void addStart(Value result, Value init);
  void keepResults(Operation *op);
  void addCopies();

  /// What becomes each result of the kernel, behind reshapes.
  Value getYielded(unsigned number);
  bool isYielded(Value value);

  KernelPlan &plan;
  exec::KernelOp kernel;
};

} // namespace

Value Planner::getYielded(unsigned number) {
  Value value = kernel.getBody().front().getTerminator()->getOperand(number);
  while (isReshape(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

bool Planner::isYielded(Value value) {
  for (unsigned number = 0; number < kernel.getResultTypes().size(); ++number)
    if (getYielded(number) == value)
      return true;
  return false;
}

/// Results that the kernel does not yield live in the workspace.
void Planner::keepResults(Operation *op) {
  // What nobody uses an op need not write, but a grid does.
  for (Value result : op->getResults())
    if (!isYielded(result) && (isa<exec::GridOp>(op) || !result.use_empty()))
      plan.workspace.keep(result);
}

/// What a result of a grid holds before: nothing where it is the buffer of the argument that it starts with.
void Planner::addStart(Value result, Value init) {
  if (auto fill = init.getDefiningOp<linalg::FillOp>(); fill && isInitialFill(*fill))
    plan.add<FillPhase>(result, fill.getInputs()[0]);
  if (init.getDefiningOp<tensor::EmptyOp>() || init.getDefiningOp<linalg::FillOp>())
    return;
  auto argument = dyn_cast<BlockArgument>(init);
  for (auto [number, alias] : llvm::enumerate(kernel.getMustAlias().value_or(ArrayRef<int64_t>())))
    if (argument && alias == int64_t(argument.getArgNumber()) && getYielded(number) == result)
      return;
  plan.add<CopyPhase>(result, init);
}

LogicalResult Planner::add(Operation *op) {
  keepResults(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    if (plan.target.optLevel > 0 && isWideSum(generic))
      addSplitSum(plan, generic);
    else if (plan.target.optLevel == 0 || !addNests(plan, generic))
      plan.add<GenericPhase>(generic);
    return success();
  }
  if (auto grid = dyn_cast<exec::GridOp>(op)) {
    for (auto [result, init] : llvm::zip_equal(grid.getResults(), grid.getInits()))
      addStart(result, init);
    plan.add<GridPhase>(grid);
    return success();
  }
  if (isa<exec::MatMulOp, exec::ConvOp>(op))
    return addContraction(plan, ContractionSite{op, {}, {}});
  if (auto attention = dyn_cast<exec::AttentionOp>(op)) {
    addAttention(plan, attention);
    return success();
  }
  if (auto recurrence = dyn_cast<exec::RecurrenceOp>(op))
    return addRecurrence(plan, recurrence);
  if (auto sort = dyn_cast<exec::SortOp>(op))
    return addSort(plan, sort), success();
  if (auto scan = dyn_cast<exec::ScanOp>(op))
    return addScan(plan, scan), success();
  return op->emitError("cannot be part of a kernel for a GPU");
}

/// Copies what is a result of the kernel and has no memory there: arguments, and values that are two results.
void Planner::addCopies() {
  llvm::SmallDenseSet<Value> seen;
  for (unsigned number = 0; number < kernel.getResultTypes().size(); ++number) {
    Value source = getYielded(number);
    if (source.getDefiningOp<tensor::EmptyOp>())
      continue;
    if (isa<BlockArgument>(source) || !seen.insert(source).second)
      plan.add<YieldPhase>(kernel, number);
  }
}

LogicalResult Planner::planContraction(const ContractionSite &site) {
  // In one phase there is room in registers for what is between.
  if (llvm::any_of(kernel.getBody().front(), [&](Operation &op) { return isInitialFill(op); }))
    return planEach();
  return addContraction(plan, site);
}

/// Whether what is no computation needs none: then all of it is there from the start.
bool Planner::hasSimpleOpsFirst() {
  for (Operation &op : kernel.getBody().front()) {
    if (isComputation(&op) || isReshape(&op) || isa<tensor::EmptyOp, tensor::DimOp, exec::YieldOp>(op))
      continue;
    for (Value operand : op.getOperands())
      if (isa<ShapedType>(operand.getType()) && !isa<BlockArgument>(operand))
        return false;
  }
  return true;
}

/// All linalg ops as one phase.
bool Planner::planNests() {
  SmallVector<linalg::GenericOp> ops;
  for (Operation &op : kernel.getBody().front())
    if (isComputation(&op) && !isInitialFill(op)) {
      ops.push_back(dyn_cast<linalg::GenericOp>(op));
      if (!ops.back() || isWideSum(ops.back()))
        return false;
    }
  return plan.target.optLevel > 0 && !ops.empty() && hasSimpleOpsFirst() && addNests(plan, ops);
}

LogicalResult Planner::planEach() {
  for (Operation &op : kernel.getBody().front())
    if (isComputation(&op) && !isInitialFill(op) && failed(add(&op)))
      return failure();
  return success();
}

/// Whether nothing is left that no phase computes.
LogicalResult Planner::checkOps() {
  for (Operation &op : kernel.getBody().front()) {
    bool isSimple = isReshape(&op) || isa<tensor::EmptyOp, exec::YieldOp>(op) ||
                    (op.getNumRegions() == 0 && llvm::none_of(op.getResultTypes(), llvm::IsaPred<TensorType>));
    if (!isComputation(&op) && !isSimple)
      return op.emitError("cannot be part of a kernel for a GPU");
  }
  return success();
}

LogicalResult Planner::run() {
  if (failed(checkOps()))
    return failure();
  ContractionSite site = findContraction(kernel);
  generalizeFills(kernel);
  if (site.root ? failed(planContraction(site)) : !planNests() && failed(planEach()))
    return failure();
  addCopies();
  return success();
}

LogicalResult nncc::gpu::planKernel(KernelPlan &plan) { return Planner(plan).run(); }
