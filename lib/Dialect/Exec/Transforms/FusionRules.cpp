//===- FusionRules.cpp - which operations may be one kernel ---------------------------------------------------------------===//

#include "FusionRules.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"

using namespace mlir;
using namespace nncc::exec;

/// More operations than this need more registers than there are, and compile slowly.
static constexpr size_t mostOperations = 48;
/// Fewer tiles than this leave threads idle, ...
static constexpr double fewestTiles = 16;
/// ... which only matters if there are more elements than this (some 50 us of work).
static constexpr double manyElements = 128 << 10;
/// What a dynamic size is taken for.
static constexpr double typicalSize = 64;

bool nncc::exec::isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp, tensor::ReshapeOp>(op);
}

Value nncc::exec::lookThroughViews(Value value) {
  while (value.getDefiningOp() && isView(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------------------------------------------------------===//

/// The lanes of a vector are the innermost dim: an operand from outside has it innermost, or not at all.
static bool isLoadable(AffineMap map) {
  if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return false;
  std::optional<unsigned> lanes = map.getResultPosition(getAffineDimExpr(map.getNumDims() - 1, map.getContext()));
  return !lanes || *lanes + 1 == map.getNumResults();
}

static bool readsTensorsByItself(Operation *op) {
  bool reads = false;
  visitUsedValuesDefinedAbove(op->getRegions(),
                              [&](OpOperand *operand) { reads |= isa<TensorType>(operand->get().getType()); });
  return reads;
}

static const char *findEpilogueObstacle(Operation *root, ArrayRef<Operation *> group, linalg::GenericOp op) {
  auto shape = cast<RankedTensorType>(root->getResult(0).getType()).getShape();
  if (op.getNumReductionLoops() != 0)
    return "a reduction needs whole rows of the contraction's result";
  if (op.getNumLoops() != shape.size())
    return "has another rank than the contraction's result";
  if (op.hasIndexSemantics() || readsTensorsByItself(op))
    return "depends on positions, which a tile in registers does not know";
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (op.isDpsInit(&operand) || llvm::is_contained(group, operand.get().getDefiningOp())) {
      if (!map.isIdentity() || cast<RankedTensorType>(operand.get().getType()).getShape() != shape)
        return "does not go over the contraction's result element by element";
      if (op.isDpsInit(&operand) && op.payloadUsesValueFromOperand(&operand))
        return "adds to a given tensor";
    } else if (llvm::is_contained(group, lookThroughViews(operand.get()).getDefiningOp())) {
      return "a reshape between them splits or joins dims";
    } else if (!isLoadable(map)) {
      return "reads an operand across the lanes of a vector";
    }
  }
  return nullptr;
}

static const char *findContractionObstacle(Operation *root, ArrayRef<Operation *> group) {
  for (Value operand : root->getOperands())
    if (llvm::is_contained(group, lookThroughViews(operand).getDefiningOp()))
      return "computes an operand of the contraction";
  for (Operation *op : group) {
    if (op == root)
      continue;
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic)
      return isa<linalg::FillOp>(op) ? "a fill has a kernel of its own" : "two contractions are two kernels";
    if (const char *obstacle = findEpilogueObstacle(root, group, generic))
      return obstacle;
  }
  return nullptr;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Shared loops
//===----------------------------------------------------------------------------------------------------------------------===//

/// Control flow in a body keeps it, and all that shares its loops, from being vectorised.
static bool isStraight(Operation *op) {
  return llvm::all_of(op->getRegions(), [](Region &region) {
    return llvm::all_of(region.getOps(), [](Operation &inner) { return inner.getNumRegions() == 0; });
  });
}

/// Whether an operation of `classes` reads `result`, itself or through views.
static bool isReadInside(Value result, const LoopClasses &classes) {
  return llvm::any_of(result.getUsers(), [&](Operation *user) {
    if (isView(user))
      return isReadInside(user->getResult(0), classes);
    return llvm::any_of(classes.getNests(), [&](const LoopClasses::Nest &other) { return other.op == user; });
  });
}

/// What each operation needs of the others must be in registers, or cheap to keep for one row.
static const char *findRowObstacle(const LoopClasses &classes) {
  for (const LoopClasses::Nest &nest : classes.getNests()) {
    bool reduces = false, hasOwnParallel = false;
    for (auto [loopClass, iterator] : llvm::zip_equal(nest.classes, nest.op.getIteratorTypesArray())) {
      if (loopClass < 0)
        continue;
      bool isParallel = iterator == utils::IteratorType::parallel;
      reduces |= !isParallel;
      hasOwnParallel |= isParallel && !classes.isShared(loopClass);
      if (isParallel && !classes.isShared(loopClass) && !classes.isReduced(loopClass))
        return "one of them has a loop that the other lacks";
    }
    if (reduces && hasOwnParallel &&
        llvm::any_of(nest.op->getResults(), [&](Value result) { return isReadInside(result, classes); }))
      return "a reduction gives more than one element for a row";
  }
  return nullptr;
}

/// Fusion must not take away the parallel loops of big operations.
static const char *findParallelismObstacle(const LoopClasses &classes) {
  double tiles = 1, most = 0, parallelAlone = 0;
  auto sizeOf = [&](int loopClass) {
    int64_t size = loopClass < 0 ? 1 : classes.getSize(loopClass);
    return ShapedType::isDynamic(size) ? typicalSize : double(size);
  };
  for (unsigned loopClass = 0; loopClass < classes.getNumClasses(); ++loopClass)
    tiles *= classes.isShared(loopClass) ? sizeOf(loopClass) : 1;
  for (const LoopClasses::Nest &nest : classes.getNests()) {
    double elements = 1, parallel = 1;
    for (auto [loopClass, iterator] : llvm::zip_equal(nest.classes, nest.op.getIteratorTypesArray())) {
      elements *= sizeOf(loopClass);
      parallel *= iterator == utils::IteratorType::parallel ? sizeOf(loopClass) : 1;
    }
    most = std::max(most, elements);
    parallelAlone = std::max(parallelAlone, parallel);
  }
  bool loses = tiles < fewestTiles && parallelAlone >= fewestTiles && most > manyElements;
  return loses ? "too few rows would be left for the threads" : nullptr;
}

/// Whether all go over tensors of one static shape element by element, and reach each other's results without a view: the common case, told
/// without looking at single loops. What is fused is connected, so the loops are the same.
static bool areElementwise(ArrayRef<Operation *> group) {
  auto shape = cast<RankedTensorType>(group.front()->getResult(0).getType()).getShape();
  if (ShapedType::isDynamicShape(shape))
    return false;
  for (Operation *op : group) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || generic.getNumParallelLoops() != generic.getNumLoops() || readsTensorsByItself(op))
      return false;
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      Operation *producer = operand.get().getDefiningOp();
      if (!type || type.getShape() != shape || !generic.getMatchingIndexingMap(&operand).isIdentity() ||
          (producer && isView(producer)))
        return false;
    }
  }
  return true;
}

const char *nncc::exec::findObstacle(ArrayRef<Operation *> group) {
  if (group.size() == 1)
    return nullptr;
  if (group.size() > mostOperations)
    return "the kernel has enough operations";
  Operation *root = nullptr;
  for (Operation *op : group) {
    if (isa<GridOp>(op))
      return "an exec.grid is a kernel of its own";
    if (isa<AttentionOp>(op))
      return "an attention is a kernel of its own";
    if (isa<RecurrenceOp>(op))
      return "a recurrence is a kernel of its own";
    if (isa<SortOp, ScanOp>(op))
      return "a sort or scan is a kernel of its own";
    if (isa<ConvOp, MatMulOp>(op))
      root = op;
  }
  if (root)
    return findContractionObstacle(root, group);
  bool straight = isStraight(group.front());
  for (Operation *op : group)
    if (!isa<linalg::LinalgOp>(op))
      return "is no operation of linalg";
    else if (isStraight(op) != straight)
      return "only one of them can be vectorised";
  if (straight && areElementwise(group))
    return nullptr;
  LoopClasses classes;
  if (const char *obstacle = classes.build(group))
    return obstacle;
  if (const char *obstacle = findRowObstacle(classes))
    return obstacle;
  return findParallelismObstacle(classes);
}
