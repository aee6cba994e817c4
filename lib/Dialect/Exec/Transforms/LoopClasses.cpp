//===- LoopClasses.cpp - the loops of the linalg operations of a kernel ---------------------------------------------------===//

#include "FusionRules.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace nncc::exec;

static std::optional<unsigned> getDim(AffineExpr expr) {
  auto dim = dyn_cast<AffineDimExpr>(expr);
  return dim ? std::optional<unsigned>(dim.getPosition()) : std::nullopt;
}

/// The index of the one dim of `group` that is not 1, -1 when there is none; nothing when there are several.
static std::optional<int64_t> findLargeDim(ReassociationIndicesRef group, RankedTensorType type) {
  int64_t large = -1;
  for (int64_t dim : group) {
    if (type.getDimSize(dim) == 1)
      continue;
    if (large >= 0)
      return std::nullopt;
    large = dim;
  }
  return large;
}

/// Indices of what a reshape that only adds or drops dims of size 1 was made from; false when it does more.
static bool mapToSource(Operation *reshape, SmallVector<AffineExpr> &indices) {
  auto source = cast<RankedTensorType>(reshape->getOperand(0).getType());
  auto result = cast<RankedTensorType>(reshape->getResult(0).getType());
  SmallVector<AffineExpr> mapped(source.getRank(), getAffineConstantExpr(0, reshape->getContext()));
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape)) {
    for (auto [dim, group] : llvm::enumerate(expand.getReassociationIndices())) {
      std::optional<int64_t> large = findLargeDim(group, result);
      if (!large)
        return false;
      if (*large >= 0)
        mapped[dim] = indices[*large];
    }
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape)) {
    for (auto [dim, group] : llvm::enumerate(collapse.getReassociationIndices())) {
      std::optional<int64_t> large = findLargeDim(group, source);
      if (!large)
        return false;
      if (*large >= 0)
        mapped[*large] = indices[dim];
    }
  } else if (isa<tensor::CastOp>(reshape)) {
    mapped = indices;
  } else {
    return false;
  }
  indices = std::move(mapped);
  return true;
}

/// False when a tensor of the group is reached through a reshape that moves elements to other rows.
bool LoopClasses::lookThroughUnitReshapes(Access &access) const {
  Value root = lookThroughViews(access.tensor);
  if (!nestOf.contains(root.getDefiningOp()))
    return true;
  while (access.tensor != root) {
    Operation *reshape = access.tensor.getDefiningOp();
    if (!mapToSource(reshape, access.indices))
      return false;
    access.tensor = reshape->getOperand(0);
  }
  return true;
}

const char *LoopClasses::createNest(linalg::LinalgOp op) {
  bool readsByItself = false;
  visitUsedValuesDefinedAbove(op->getRegions(), [&](OpOperand *operand) {
    readsByItself |= nestOf.contains(lookThroughViews(operand->get()).getDefiningOp());
  });
  if (readsByItself)
    return "reads it at positions that it computes";
  Nest nest{op, {}, {}};
  SmallVector<AffineExpr> loops;
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges()))
    loops.push_back(size == 1 ? getAffineConstantExpr(0, op.getContext()) : getAffineDimExpr(loop, op.getContext()));
  for (OpOperand &operand : op->getOpOperands()) {
    Access access{operand.get(), {}};
    for (AffineExpr index : op.getMatchingIndexingMap(&operand).getResults())
      access.indices.push_back(index.replaceDims(loops));
    if (op.isDpsInit(&operand)) {
      access.tensor = op.getTiedOpResult(&operand);
      if (!AffineMap::get(loops.size(), 0, access.indices, op.getContext())
               .isProjectedPermutation(/*allowZeroInResults=*/true))
        return "writes its result in another order than by loops";
    } else if (isa<RankedTensorType>(access.tensor.getType()) && !lookThroughUnitReshapes(access)) {
      return "a reshape between them splits or joins dims";
    }
    nest.operands.push_back(std::move(access));
  }
  nestOf[op] = nests.size();
  nests.push_back(std::move(nest));
  return nullptr;
}

const LoopClasses::Access *LoopClasses::findResult(Value value) const {
  auto result = dyn_cast<OpResult>(value);
  auto it = result ? nestOf.find(result.getOwner()) : nestOf.end();
  if (it == nestOf.end())
    return nullptr;
  const Nest &nest = nests[it->second];
  return &nest.operands[nest.op.getNumDpsInputs() + result.getResultNumber()];
}

/// Unites the loops that run over the same dim of the same tensor, and names all accesses by the classes.
const char *LoopClasses::numberClasses() {
  llvm::EquivalenceClasses<Loop> united;
  for (auto [number, nest] : llvm::enumerate(nests))
    for (unsigned loop = 0; loop < nest.op.getNumLoops(); ++loop)
      united.insert({number, loop});
  llvm::DenseMap<std::pair<Value, unsigned>, Loop> firstRead; // of tensors from outside
  for (auto [number, nest] : llvm::enumerate(nests))
    for (const Access &access : ArrayRef(nest.operands).take_front(nest.op.getNumDpsInputs())) {
      const Access *written = findResult(access.tensor);
      for (auto [dim, index] : llvm::enumerate(access.indices)) {
        std::optional<unsigned> loop = getDim(index);
        if (!loop)
          continue;
        if (!written) {
          auto [it, isFirst] = firstRead.try_emplace({access.tensor, unsigned(dim)}, Loop(number, *loop));
          if (!isFirst && it->second.first != number)
            united.unionSets(it->second, {number, *loop});
        } else if (std::optional<unsigned> other = getDim(written->indices[dim])) {
          united.unionSets({nestOf.lookup(access.tensor.getDefiningOp()), *other}, {number, *loop});
        }
      }
    }
  llvm::DenseMap<Loop, int> numbers;
  for (auto [number, nest] : llvm::enumerate(nests)) {
    SmallVector<AffineExpr> names;
    for (auto [loop, size] : llvm::enumerate(nest.op.getStaticLoopRanges())) {
      int loopClass = -1;
      if (size != 1) {
        auto [it, isNew] = numbers.try_emplace(united.getLeaderValue({number, loop}), sizes.size());
        loopClass = it->second;
        if (isNew)
          sizes.push_back(size);
        else if (ShapedType::isDynamic(sizes[loopClass]))
          sizes[loopClass] = size;
        if (llvm::is_contained(nest.classes, loopClass))
          return "two of its loops would have to be one";
      }
      nest.classes.push_back(loopClass);
      names.push_back(loopClass < 0 ? getAffineConstantExpr(0, nest.op.getContext())
                                    : getAffineDimExpr(loopClass, nest.op.getContext()));
    }
    for (Access &access : nest.operands)
      for (AffineExpr &index : access.indices)
        index = index.replaceDims(names);
  }
  return nullptr;
}

/// Shared is what all have, none reduces, and what is read of it where it was written.
void LoopClasses::findShared() {
  shared.assign(sizes.size(), true);
  reduced.assign(sizes.size(), false);
  for (const Nest &nest : nests) {
    for (unsigned loopClass = 0; loopClass < sizes.size(); ++loopClass)
      if (!llvm::is_contained(nest.classes, int(loopClass)))
        shared[loopClass] = false;
    for (auto [loopClass, iterator] : llvm::zip_equal(nest.classes, nest.op.getIteratorTypesArray()))
      if (loopClass >= 0 && iterator == utils::IteratorType::reduction) {
        reduced[loopClass] = true;
        shared[loopClass] = false;
      }
    for (const Access &access : ArrayRef(nest.operands).take_front(nest.op.getNumDpsInputs()))
      if (const Access *written = findResult(access.tensor))
        for (auto [writtenIndex, readIndex] : llvm::zip_equal(written->indices, access.indices))
          if (std::optional<unsigned> loopClass = getDim(writtenIndex); loopClass && writtenIndex != readIndex)
            shared[*loopClass] = false;
  }
}

const char *LoopClasses::build(ArrayRef<Operation *> group) {
  for (Operation *op : group)
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      if (const char *obstacle = createNest(linalgOp))
        return obstacle;
  if (const char *obstacle = numberClasses())
    return obstacle;
  findShared();
  return nullptr;
}
