//===- KernelGraph.cpp - what the linalg ops of a kernel share ----------------------------------------------------===//

#include "nncc/Kernel/KernelGraph.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Kernel/Buffers.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

//===----------------------------------------------------------------------------------------------------------------===//
// Access, Nest
//===----------------------------------------------------------------------------------------------------------------===//

AffineMap Access::getMap(unsigned numClasses) const {
  return AffineMap::get(numClasses, 0, indices, tensor.getContext());
}

llvm::SmallBitVector Access::getClasses(unsigned numClasses) const {
  llvm::SmallBitVector result(numClasses);
  for (AffineExpr index : indices)
    index.walk([&](AffineExpr expr) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        result.set(dim.getPosition());
    });
  return result;
}

int Access::getContiguousClass() const {
  if (indices.empty())
    return -1;
  auto last = dyn_cast<AffineDimExpr>(indices.back());
  return last ? int(last.getPosition()) : -1;
}

bool Access::isTransposed(unsigned contiguous, unsigned other) const {
  return getContiguousClass() == int(contiguous) &&
         llvm::any_of(indices, [&](AffineExpr index) { return index.isFunctionOfDim(other); });
}

Access Nest::getResultAccess(unsigned number) const {
  Access result = getResults()[number];
  result.tensor = op.getResult(number);
  return result;
}

int Nest::getContiguousClass(tensor::ExtractOp extract) const {
  Value last = extract.getIndices().empty() ? Value() : extract.getIndices().back();
  auto index = last ? last.getDefiningOp<linalg::IndexOp>() : linalg::IndexOp();
  return index ? loops[index.getDim()] : -1;
}

/// Elementary functions take some ten instructions, divisions as long as as many.
static int64_t estimateCost(linalg::GenericOp op) {
  int64_t cost = 1;
  for (Operation &inner : op.getBody()->without_terminator())
    if (isa_and_nonnull<math::MathDialect>(inner.getDialect()))
      cost +=
          isa<math::FmaOp, math::AbsFOp, math::AbsIOp, math::FloorOp, math::CeilOp, math::CopySignOp>(inner) ? 1 : 10;
    else if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, tensor::ExtractOp>(
                 inner))
      cost += 8;
    else if (isa<arith::MaximumFOp, arith::MinimumFOp>(inner))
      cost += 4;
    else if (!isa<arith::ConstantOp, linalg::IndexOp>(inner))
      cost += 1;
  return cost;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------------------------------------------------===//

namespace nncc::kernel {

/// Finds the classes and rewrites all accesses to them.
class GraphBuilder {
public:
  explicit GraphBuilder(ArrayRef<linalg::GenericOp> ops) : ops(ops) {}
  FailureOr<KernelGraph> build();

private:
  using Loop = std::pair<unsigned, unsigned>; // op, loop
  LogicalResult createNest(linalg::GenericOp op);
  FailureOr<Access> createAccess(OpOperand &operand);
  LogicalResult lookThroughReshapes(Access &access);
  void uniteThroughResults();
  void uniteThroughInputs();
  LogicalResult numberClasses();
  void renameIndices();
  void findShared();

  ArrayRef<linalg::GenericOp> ops;
  KernelGraph graph;
  llvm::EquivalenceClasses<Loop> united;
};

} // namespace nncc::kernel

/// Follows reshapes of a tensor that the kernel computes, as long as they only add or drop unit dims.
LogicalResult GraphBuilder::lookThroughReshapes(Access &access) {
  auto isUnit = [](RankedTensorType type, int64_t dim) { return type.getDimSize(dim) == 1; };
  Value root = access.tensor;
  while (isReshape(root.getDefiningOp()))
    root = root.getDefiningOp()->getOperand(0);
  if (!graph.nestOf.contains(root.getDefiningOp()))
    return success();
  AffineExpr zero = getAffineConstantExpr(0, root.getContext());
  while (access.tensor != root) {
    Operation *reshape = access.tensor.getDefiningOp();
    auto type = cast<RankedTensorType>(access.tensor.getType());
    auto source = cast<RankedTensorType>(reshape->getOperand(0).getType());
    SmallVector<AffineExpr> indices(source.getRank(), zero);
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape)) {
      for (auto [dim, group] : llvm::enumerate(expand.getReassociationIndices())) {
        auto large = llvm::make_filter_range(group, [&](int64_t inner) { return !isUnit(type, inner); });
        if (llvm::range_size(large) > 1)
          return failure();
        for (int64_t inner : large)
          indices[dim] = access.indices[inner];
      }
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape)) {
      for (auto [dim, group] : llvm::enumerate(collapse.getReassociationIndices())) {
        auto large = llvm::make_filter_range(group, [&](int64_t inner) { return !isUnit(source, inner); });
        if (llvm::range_size(large) > 1)
          return failure();
        for (int64_t inner : large)
          indices[inner] = access.indices[dim];
      }
    } else {
      indices = access.indices;
    }
    access.indices = std::move(indices);
    access.tensor = reshape->getOperand(0);
  }
  return success();
}

/// Joins unit dims to others: an index for each group of dims remains.
static void dropUnitDims(Access &access) {
  ReassociationIndices leading;
  SmallVector<AffineExpr> indices;
  for (auto [dim, size] : llvm::enumerate(cast<RankedTensorType>(access.tensor.getType()).getShape())) {
    if (size == 1) {
      (access.groups.empty() ? leading : access.groups.back()).push_back(dim);
      continue;
    }
    leading.push_back(dim);
    access.groups.push_back(std::exchange(leading, {}));
    indices.push_back(access.indices[dim]);
  }
  access.indices = std::move(indices);
}

/// With the loops of the op as dims, yet.
FailureOr<Access> GraphBuilder::createAccess(OpOperand &operand) {
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  SmallVector<AffineExpr> indices(op.getMatchingIndexingMap(&operand).getResults());
  Access access{operand.get(), indices, {}, op.payloadUsesValueFromOperand(&operand)};
  if (!isa<RankedTensorType>(operand.get().getType()))
    return access;
  SmallVector<AffineExpr> loops;
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges()))
    loops.push_back(size == 1 ? getAffineConstantExpr(0, op.getContext()) : getAffineDimExpr(loop, op.getContext()));
  for (AffineExpr &index : access.indices)
    index = index.replaceDims(loops);
  if (!op.isDpsInit(&operand) && failed(lookThroughReshapes(access)))
    return failure();
  dropUnitDims(access);
  return access;
}

LogicalResult GraphBuilder::createNest(linalg::GenericOp op) {
  // What a body reads by itself must come from outside.
  WalkResult reads = op.getBody()->walk([&](tensor::ExtractOp extract) {
    Value source = extract.getTensor();
    while (isReshape(source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    return graph.nestOf.contains(source.getDefiningOp()) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (reads.wasInterrupted())
    return failure();
  Nest nest;
  nest.op = op;
  nest.cost = estimateCost(op);
  for (OpOperand &operand : op->getOpOperands()) {
    FailureOr<Access> access = createAccess(operand);
    if (failed(access))
      return failure();
    nest.operands.push_back(std::move(*access));
  }
  for (const Access &result : nest.getResults())
    if (!AffineMap::get(op.getNumLoops(), 0, result.indices, op.getContext()).isProjectedPermutation())
      return failure();
  graph.nestOf[op] = graph.nests.size();
  for (auto [loop, size] : llvm::enumerate(op.getStaticLoopRanges()))
    if (size != 1)
      united.insert(Loop(graph.nests.size(), loop));
  graph.nests.push_back(std::move(nest));
  return success();
}

static std::optional<unsigned> getDim(AffineExpr expr) {
  auto dim = dyn_cast<AffineDimExpr>(expr);
  return dim ? std::optional<unsigned>(dim.getPosition()) : std::nullopt;
}

void GraphBuilder::uniteThroughResults() {
  for (auto [user, nest] : llvm::enumerate(graph.nests))
    for (const Access &access : nest.operands) {
      auto [producer, number] = graph.getProducer(access.tensor);
      if (!producer)
        continue;
      Access result = producer->getResultAccess(number);
      for (auto [written, read] : llvm::zip_equal(result.indices, access.indices))
        if (getDim(written) && getDim(read))
          united.unionSets(Loop(producer - graph.nests.data(), *getDim(written)), Loop(user, *getDim(read)));
    }
}

/// Ops that read the same tensor the same way run together too, unless two loops of one op would become one.
void GraphBuilder::uniteThroughInputs() {
  auto meet = [&](Loop first, Loop second) {
    if (united.isEquivalent(first, second))
      return;
    llvm::SmallDenseSet<unsigned> users;
    for (auto it = united.findLeader(first); it != united.member_end(); ++it)
      users.insert(it->first);
    for (auto it = united.findLeader(second); it != united.member_end(); ++it)
      if (users.contains(it->first))
        return;
    united.unionSets(first, second);
  };
  llvm::DenseMap<std::pair<Value, unsigned>, Loop> firstUse;
  for (auto [user, nest] : llvm::enumerate(graph.nests))
    for (const Access &access : nest.operands)
      for (auto [group, index] : llvm::zip_equal(access.groups, access.indices))
        if (std::optional<unsigned> loop = getDim(index);
            loop && access.isRead && !graph.getProducer(access.tensor).first) {
          auto [it, isFirst] = firstUse.try_emplace({access.tensor, unsigned(group.front())}, Loop(user, *loop));
          if (!isFirst)
            meet(it->second, Loop(user, *loop));
        }
}

LogicalResult GraphBuilder::numberClasses() {
  llvm::DenseMap<Loop, int> numbers; // by leader
  for (auto [user, nest] : llvm::enumerate(graph.nests)) {
    llvm::SmallDenseSet<int> own;
    for (auto [loop, size] : llvm::enumerate(nest.op.getStaticLoopRanges())) {
      if (size == 1) {
        nest.loops.push_back(-1);
        continue;
      }
      auto [it, isNew] = numbers.try_emplace(united.getLeaderValue(Loop(user, loop)), graph.classes.size());
      if (isNew)
        graph.classes.emplace_back();
      LoopClass &loopClass = graph.classes[it->second];
      if (loopClass.origins.empty())
        loopClass.origins.push_back({nest.op, unsigned(loop)});
      if (ShapedType::isStatic(size) && loopClass.size != size) {
        loopClass.size = size;
        loopClass.origins.front() = {nest.op, unsigned(loop)};
      }
      nest.loops.push_back(it->second);
      if (!own.insert(it->second).second)
        return failure();
    }
  }
  return success();
}

void GraphBuilder::renameIndices() {
  unsigned numClasses = graph.classes.size();
  for (Nest &nest : graph.nests) {
    nest.classes.resize(numClasses);
    nest.reduced.resize(numClasses);
    SmallVector<AffineExpr> names;
    for (auto [loop, iterator] : llvm::zip_equal(nest.loops, nest.op.getIteratorTypesArray())) {
      names.push_back(loop < 0 ? getAffineConstantExpr(0, nest.op.getContext())
                               : getAffineDimExpr(loop, nest.op.getContext()));
      if (loop >= 0)
        nest.classes.set(loop);
      if (loop >= 0 && iterator == utils::IteratorType::reduction)
        nest.reduced.set(loop);
    }
    for (Access &access : nest.operands)
      for (AffineExpr &index : access.indices)
        index = index.replaceDims(names);
  }
}

/// A class is shared when all ops have it, in parallel, and what one op computes the others read where it was computed.
void GraphBuilder::findShared() {
  llvm::SmallBitVector shared(graph.classes.size(), true);
  for (const Nest &nest : graph.nests) {
    shared &= nest.classes;
    shared.reset(nest.reduced);
    for (const Access &access : nest.operands) {
      auto [producer, number] = graph.getProducer(access.tensor);
      if (!producer)
        continue;
      for (auto [written, read] : llvm::zip_equal(producer->getResultAccess(number).indices, access.indices))
        if (std::optional<unsigned> loop = getDim(written); loop && written != read)
          shared.reset(*loop);
    }
  }
  for (auto [number, loopClass] : llvm::enumerate(graph.classes))
    loopClass.isShared = shared.test(number);
}

FailureOr<KernelGraph> GraphBuilder::build() {
  for (linalg::GenericOp op : ops)
    if (failed(createNest(op)))
      return failure();
  uniteThroughResults();
  uniteThroughInputs();
  if (failed(numberClasses()))
    return failure();
  renameIndices();
  findShared();
  return std::move(graph);
}

FailureOr<KernelGraph> KernelGraph::build(ArrayRef<linalg::GenericOp> ops) { return GraphBuilder(ops).build(); }

//===----------------------------------------------------------------------------------------------------------------===//
// Collapsing
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether two classes index adjacent groups of dims, or none.
static bool isAdjacent(const Access &access, AffineExpr outer, AffineExpr inner, unsigned numClasses) {
  llvm::SmallBitVector used = access.getClasses(numClasses);
  bool usesOuter = used.test(*getDim(outer)), usesInner = used.test(*getDim(inner));
  if (!usesOuter && !usesInner)
    return true;
  auto *position = llvm::find(access.indices, outer);
  if (position == access.indices.end() || position + 1 == access.indices.end() || position[1] != inner)
    return false;
  return llvm::count_if(access.indices, [&](AffineExpr index) {
           return index.isFunctionOfDim(*getDim(outer)) || index.isFunctionOfDim(*getDim(inner));
         }) == 2;
}

bool KernelGraph::canCollapse(unsigned outer, unsigned inner) const {
  if (outer == inner || classes[outer].isGone || classes[inner].isGone ||
      classes[outer].isShared != classes[inner].isShared)
    return false;
  MLIRContext *context = nests.front().op.getContext();
  AffineExpr outerDim = getAffineDimExpr(outer, context), innerDim = getAffineDimExpr(inner, context);
  return llvm::all_of(nests, [&](const Nest &nest) {
    if (nest.classes.test(outer) != nest.classes.test(inner) || nest.reduced.test(outer) != nest.reduced.test(inner))
      return false;
    bool asksIndex = false;
    nest.op.getBody()->walk([&](linalg::IndexOp index) {
      int loop = nest.loops[index.getDim()];
      asksIndex |= loop == int(outer) || loop == int(inner);
    });
    return !asksIndex && llvm::all_of(nest.operands, [&](const Access &access) {
      return isAdjacent(access, outerDim, innerDim, classes.size());
    });
  });
}

void KernelGraph::collapse(unsigned outer, unsigned inner) {
  AffineExpr innerDim = getAffineDimExpr(inner, nests.front().op.getContext());
  for (Nest &nest : nests) {
    nest.classes.reset(inner);
    nest.reduced.reset(inner);
    llvm::replace(nest.loops, int(inner), -1);
    for (Access &access : nest.operands)
      if (auto *position = llvm::find(access.indices, innerDim); position != access.indices.end()) {
        auto *group = access.groups.begin() + (position - access.indices.begin());
        llvm::append_range(group[-1], *group);
        access.groups.erase(group);
        access.indices.erase(position);
      }
  }
  LoopClass &into = classes[outer], &from = classes[inner];
  bool isStatic = ShapedType::isStatic(into.size) && ShapedType::isStatic(from.size);
  into.size = isStatic ? into.size * from.size : ShapedType::kDynamic;
  llvm::append_range(into.origins, from.origins);
  from.isGone = true;
  from.isShared = false;
}

void KernelGraph::collapse() {
  for (unsigned outer = 0; outer < classes.size(); ++outer)
    for (unsigned inner = 0; inner < classes.size(); ++inner)
      if (canCollapse(outer, inner)) {
        collapse(outer, inner);
        inner = -1; // What comes next may be adjacent now.
      }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------------------------------------------------===//

std::pair<const Nest *, unsigned> KernelGraph::getProducer(Value tensor) const {
  auto result = dyn_cast<OpResult>(tensor);
  auto it = result ? nestOf.find(result.getOwner()) : nestOf.end();
  if (it == nestOf.end())
    return {nullptr, 0};
  return {&nests[it->second], result.getResultNumber()};
}

llvm::SmallBitVector KernelGraph::getShared() const {
  llvm::SmallBitVector shared(classes.size());
  for (auto [number, loopClass] : llvm::enumerate(classes))
    if (loopClass.isShared)
      shared.set(number);
  return shared;
}

/// For each class the elements that are adjacent along it; what is written counts twice.
int KernelGraph::findVectorClass(llvm::function_ref<bool(Value)> isInMemory) const {
  constexpr double unknownSize = 256;
  SmallVector<double> weights(classes.size());
  auto vote = [&](int contiguous, double weight, const llvm::SmallBitVector &used) {
    if (contiguous < 0)
      return;
    for (unsigned loop : used.set_bits())
      weight *= ShapedType::isDynamic(classes[loop].size) ? unknownSize : classes[loop].size;
    weights[contiguous] += weight;
  };
  for (const Nest &nest : nests) {
    for (auto [number, access] : llvm::enumerate(nest.operands)) {
      OpOperand &operand = nest.op->getOpOperand(number);
      bool isResult = nest.op.isDpsInit(&operand);
      bool isMoved =
          isResult ? isInMemory(nest.op.getTiedOpResult(&operand)) : access.isRead && isInMemory(access.tensor);
      if (isMoved)
        vote(access.getContiguousClass(), isResult ? 2 : 1, access.getClasses(classes.size()));
    }
    for (auto extract : nest.op.getBody()->getOps<tensor::ExtractOp>())
      vote(nest.getContiguousClass(extract), 1, nest.classes);
  }
  auto *best = llvm::max_element(weights);
  return best == weights.end() || *best == 0 ? -1 : best - weights.begin();
}

int KernelGraph::findTransposedClass(int vectorClass) const {
  for (const Nest &nest : nests)
    for (const Access &access : nest.operands) {
      int contiguous = access.getContiguousClass();
      if (contiguous >= 0 && contiguous != vectorClass && classes[contiguous].isShared && access.isRead &&
          !getProducer(access.tensor).first && access.isTransposed(contiguous, vectorClass))
        return contiguous;
    }
  return -1;
}
