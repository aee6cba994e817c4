//===- NestPlan.cpp - in which order nests run, and which threads run them ----------------------------------------===//

#include "NestPlan.h"
#include "nncc/Kernel/Reduction.h"
#include "nncc/Kernel/VectorBody.h"
#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

class Planner {
public:
  Planner(const KernelGraph &graph, exec::KernelOp kernel);
  NestPlan create();

private:
  void orderShared();
  void formGroups();
  void formTeam();
  bool canSumTogether() const;
  std::optional<int64_t> getRowLength() const;
  void formRowTeam(std::optional<int64_t> length);
  void formColumnTeam(std::optional<int64_t> length);

  int64_t getAccessBits(unsigned loop) const;
  void vectorize();
  bool canVectorize(unsigned loop) const;
  int64_t getKnownFactor(unsigned loop) const;
  int findRowClass() const;
  void keepRow();
  void formTiles();

  void place();
  void placeResult(unsigned nest, unsigned number);
  llvm::SmallBitVector findLaterUses(Value result) const;
  bool isReadInPlace(Value result, const Nest &nest, unsigned number) const;
  bool isComputableAgain(unsigned nest, unsigned lastGroup) const;
  bool isOverwrittenBefore(Value argument, unsigned nest, unsigned group) const;
  void computeAgain(unsigned nest, unsigned group);

  /// The loops of a nest or of an access that are not shared.
  llvm::SmallBitVector getOwn(llvm::SmallBitVector classes) const {
    classes.reset(sharedSet);
    return classes;
  }
  llvm::SmallBitVector getOwn(const Access &access) const { return getOwn(access.getClasses(graph.classes.size())); }
  bool isInMemory(Value result) const {
    return llvm::is_contained(plan.kept, result) || llvm::is_contained(yielded, result);
  }
  /// Whether `access` finds what the nest `producer` computed at the same point.
  bool isSameElement(const Access &access, const Nest &producer, unsigned number) const {
    return producer.reduced.none() && producer.getResultAccess(number).indices == access.indices;
  }

  const KernelGraph &graph;
  exec::KernelOp kernel;
  llvm::SmallBitVector sharedSet;
  /// What becomes each result of the kernel, behind reshapes.
  SmallVector<Value> yielded;
  NestPlan plan;
  /// The group of each nest.
  SmallVector<unsigned> home;
};

} // namespace

Planner::Planner(const KernelGraph &graph, exec::KernelOp kernel)
    : graph(graph), kernel(kernel), sharedSet(graph.getShared()), home(graph.nests.size()) {
  for (Value value : kernel.getBody().front().getTerminator()->getOperands()) {
    while (isReshape(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    yielded.push_back(value);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------------------------------------------------===//

/// As the last result lies in memory; the loop along which most elements are adjacent innermost, so that neighbouring threads have
/// neighbouring elements.
void Planner::orderShared() {
  llvm::SmallBitVector left = sharedSet;
  auto take = [&](unsigned loopClass) {
    if (left.test(loopClass))
      plan.shared.push_back(loopClass);
    left.reset(loopClass);
  };
  int innermost = graph.findVectorClass(
      [&](Value tensor) { return !graph.getProducer(tensor).first || llvm::is_contained(yielded, tensor); });
  bool isInner = innermost >= 0 && left.test(innermost);
  if (isInner)
    left.reset(innermost);
  for (AffineExpr index : graph.nests.back().getResults().front().indices)
    take(cast<AffineDimExpr>(index).getPosition());
  for (unsigned loopClass : llvm::to_vector(left.set_bits()))
    take(loopClass);
  if (isInner) {
    plan.shared.push_back(innermost);
    plan.team.isAlongRow = false;
  }
}

void Planner::formGroups() {
  for (auto [number, nest] : llvm::enumerate(graph.nests)) {
    unsigned first = 0;
    for (const Access &access : nest.operands)
      if (auto [producer, result] = graph.getProducer(access.tensor); producer && access.isRead) {
        bool together = isSameElement(access, *producer, result) && getOwn(producer->classes) == getOwn(nest.classes);
        first = std::max(first, home[producer - graph.nests.data()] + !together);
      }
    auto fits = [&, &nest = nest](const NestGroup &group) {
      return group.loopSet == getOwn(nest.classes) &&
             (nest.reduced.none() || group.reducedSet.none() || group.reducedSet == nest.reduced);
    };
    auto groups = MutableArrayRef(plan.groups).drop_front(std::min<size_t>(first, plan.groups.size()));
    auto *group = llvm::find_if(groups, fits);
    if (group == groups.end()) {
      plan.groups.push_back({{}, {}, {}, getOwn(nest.classes), llvm::SmallBitVector(graph.classes.size())});
      group = &plan.groups.back();
    }
    home[number] = group - plan.groups.data();
    group->entries.push_back({unsigned(number)});
    group->reducedSet |= nest.reduced;
  }
  for (NestGroup &group : plan.groups)
    for (int loop : graph.nests[group.entries.front().nest].loops)
      if (loop >= 0 && group.loopSet.test(loop))
        (group.reducedSet.test(loop) ? group.reduced : group.parallel).push_back(loop);
}

//===----------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether what all threads of a team sum can be joined.
bool Planner::canSumTogether() const {
  for (const NestGroup &group : plan.groups)
    for (NestGroup::Entry entry : group.entries) {
      const Nest &nest = graph.nests[entry.nest];
      for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
        if (group.parallel.empty() && nest.reduced.any() && !getCombiner(nest.op, result))
          return false;
    }
  return true;
}

/// Elements of the longest group at one point; none: not known.
std::optional<int64_t> Planner::getRowLength() const {
  int64_t longest = 1;
  for (const NestGroup &group : plan.groups) {
    int64_t length = 1;
    for (unsigned loop : group.loopSet.set_bits()) {
      int64_t size = graph.classes[loop].size;
      if (ShapedType::isDynamic(size) || length > std::numeric_limits<int32_t>::max())
        return std::nullopt;
      length *= size;
    }
    longest = std::max(longest, length);
  }
  return longest;
}

/// Elements that are adjacent along a row are read by neighbouring threads.
void Planner::formRowTeam(std::optional<int64_t> length) {
  constexpr int64_t shortRow = 8, warp = 32, warpRow = 1024, mostMembers = 1024;
  if (length && *length <= shortRow)
    return;
  if (length && *length <= warpRow) {
    plan.team = {warp, 4, true};
    return;
  }
  int64_t members = length ? std::min<int64_t>(llvm::PowerOf2Ceil(*length / 8), mostMembers) : 256;
  plan.team = {unsigned(members), 1, true};
}

void Planner::formTeam() {
  bool hasRows = llvm::any_of(plan.groups, [](const NestGroup &group) { return group.loopSet.any(); });
  bool isColumn = !plan.team.isAlongRow;
  plan.team.isAlongRow = true;
  if (!hasRows || !canSumTogether())
    return;
  std::optional<int64_t> length = getRowLength();
  if (!isColumn)
    return formRowTeam(length);
  formColumnTeam(length);
}

/// Neighbouring threads are of neighbouring points; some share the rows of each: more where there are too few points to fill a card, and then
/// of fewer points a block, but of as many as a sector of memory has.
void Planner::formColumnTeam(std::optional<int64_t> length) {
  constexpr int64_t longColumn = 64, processors = 72, threads = 1024, leastShare = 16;
  constexpr unsigned sector = 8, mostThreads = 1024;
  if (length && *length < longColumn)
    return;
  plan.team = {8, 32, false};
  int64_t points = 1;
  for (unsigned loop : plan.shared) {
    int64_t size = graph.classes[loop].size;
    if (!length || ShapedType::isDynamic(size) || points > std::numeric_limits<int32_t>::max())
      return;
    points *= size;
  }
  while (plan.team.points > sector && points / plan.team.points < processors)
    plan.team.points /= 2;
  while (2 * plan.team.getThreads() <= mostThreads && *length / (2 * plan.team.members) >= leastShare &&
         points * plan.team.members < processors * threads)
    plan.team.members *= 2;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether steps along the loop read what is adjacent in rows of known length.
static bool readsRow(tensor::ExtractOp extract, const Nest &nest, unsigned loopClass) {
  RankedTensorType type = extract.getTensor().getType();
  if (nest.getContiguousClass(extract) != int(loopClass) || type.isDynamicDim(type.getRank() - 1))
    return false;
  SmallVector<Value> varying = findVarying(nest.op, llvm::find(nest.loops, int(loopClass)) - nest.loops.begin());
  return llvm::none_of(extract.getIndices().drop_back(),
                       [&](Value index) { return llvm::is_contained(varying, index); });
}

/// Whether all that depends on the loop is adjacent along it.
bool Planner::canVectorize(unsigned loop) const {
  for (const Nest &nest : graph.nests) {
    if (!isVectorizable(nest.op))
      return false;
    // Gathers gain nothing, and remainders are loops of scalars.
    WalkResult scalars = nest.op.getBody()->walk([&](Operation *op) {
      auto extract = dyn_cast<tensor::ExtractOp>(op);
      return isa<arith::RemFOp>(op) || (extract && !readsRow(extract, nest, loop)) ? WalkResult::interrupt()
                                                                                   : WalkResult::advance();
    });
    if (scalars.wasInterrupted())
      return false;
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
      if (nest.reduced.test(loop) && !getCombiner(nest.op, result))
        return false;
    for (const Access &access : nest.operands) {
      auto uses = llvm::count_if(access.indices, [&](AffineExpr index) { return index.isFunctionOfDim(loop); });
      if (uses > 1 || (uses == 1 && access.getContiguousClass() != int(loop)))
        return false;
    }
  }
  return true;
}

/// The only loop of all groups that have any, none of which has a nest over less; or -1.
int Planner::findRowClass() const {
  int found = -1;
  for (const NestGroup &group : plan.groups) {
    if (group.loopSet.none())
      continue;
    if (group.loopSet.count() > 1 || (found >= 0 && found != group.loopSet.find_first()))
      return -1;
    found = group.loopSet.find_first();
  }
  return found;
}

/// What the size of a loop, and of the rows that bodies read along it, is a multiple of, whatever the dims that are not known.
int64_t Planner::getKnownFactor(unsigned loop) const {
  int64_t factor = 1;
  for (auto [op, number] : graph.classes[loop].origins) {
    linalg::GenericOp origin = op;
    int64_t size = origin.getStaticLoopRanges()[number];
    factor *= ShapedType::isDynamic(size) ? 1 : size;
  }
  for (const Nest &nest : graph.nests)
    for (auto extract : nest.op.getBody()->getOps<tensor::ExtractOp>())
      factor = std::gcd(factor, extract.getTensor().getType().getShape().back());
  return factor;
}

/// Of the widest elements that are adjacent along the loop; what passes from nest to nest in registers is no access.
int64_t Planner::getAccessBits(unsigned loop) const {
  int64_t bits = 8;
  auto count = [&](const Access &access) {
    bool isInRegisters = graph.getProducer(access.tensor).first && !isInMemory(access.tensor);
    if (!isInRegisters && access.getContiguousClass() == int(loop))
      bits = std::max<int64_t>(bits, getElementTypeOrSelf(access.tensor).getIntOrFloatBitWidth());
  };
  for (const Nest &nest : graph.nests) {
    llvm::for_each(llvm::make_filter_range(nest.operands, [](const Access &access) { return access.isRead; }), count);
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
      count(nest.getResultAccess(result));
    for (auto extract : nest.op.getBody()->getOps<tensor::ExtractOp>())
      bits = std::max<int64_t>(bits, extract.getType().getIntOrFloatBitWidth());
  }
  return bits;
}

/// 128 bits an access at most.
void Planner::vectorize() {
  constexpr int64_t accessBits = 128, mostLanes = 8;
  bool hasRows = llvm::any_of(plan.groups, [](const NestGroup &group) { return group.loopSet.any(); });
  int loop = hasRows               ? (plan.team.members > 1 && plan.team.isAlongRow ? findRowClass() : -1)
             : plan.shared.empty() ? -1
                                   : int(plan.shared.back());
  if (loop < 0 || !canVectorize(loop))
    return;
  for (int64_t lanes = std::min(accessBits / getAccessBits(loop), mostLanes); lanes > 1; lanes /= 2)
    if (getKnownFactor(loop) % lanes == 0) {
      plan.vectorClass = loop;
      plan.lanes = lanes;
      return;
    }
}

/// A row that fits in the registers of its team is read once: all threads go along it in a few steps, which are written out.
void Planner::keepRow() {
  constexpr int64_t mostElements = 32, mostSteps = 8, mostStepsAlone = 16, mostMembers = 1024, warp = 32;
  int row = findRowClass();
  if (row < 0 || !plan.team.isAlongRow || ShapedType::isDynamic(graph.classes[row].size) ||
      graph.classes[row].size == 0)
    return;
  if (plan.team.members == 1) {
    if (graph.classes[row].size <= mostStepsAlone)
      plan.steps = graph.classes[row].size;
    return;
  }
  int64_t vectors = llvm::divideCeil(graph.classes[row].size, plan.lanes);
  int64_t steps = std::min(mostSteps, mostElements / plan.lanes);
  if (vectors > warp * steps) {
    int64_t members = llvm::PowerOf2Ceil(llvm::divideCeil(vectors, std::min<int64_t>(steps, 4)));
    plan.team = {unsigned(std::min(members, mostMembers)), 1, true};
  }
  int64_t needed = llvm::divideCeil(vectors, int64_t(plan.team.members));
  if (needed <= steps)
    plan.steps = needed;
}

/// Tiles of what is read across, where there is enough of it to fill them.
void Planner::formTiles() {
  constexpr int64_t leastSize = 16, mostTransposed = 4;
  if (plan.groups.size() != 1 || plan.groups.front().loopSet.any() || plan.shared.empty())
    return;
  int inner = plan.shared.back(), outer = graph.findTransposedClass(inner);
  if (outer < 0)
    return;
  for (int loop : {inner, outer})
    if (int64_t size = graph.classes[loop].size; !ShapedType::isDynamic(size) && size < leastSize)
      return;
  int64_t count = 0;
  for (const Nest &nest : graph.nests) {
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
      if (nest.getResultAccess(result).getContiguousClass() != inner)
        return;
    for (const Access &access : nest.operands)
      count += access.isRead && access.isTransposed(outer, inner);
  }
  if (count > mostTransposed)
    return;
  plan.tileClass = outer;
  plan.vectorClass = -1;
  plan.lanes = 1;
  plan.steps = 0;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Results between groups
//===----------------------------------------------------------------------------------------------------------------===//

/// The groups that read `result` and do not compute it.
llvm::SmallBitVector Planner::findLaterUses(Value result) const {
  llvm::SmallBitVector uses(plan.groups.size());
  for (auto [number, group] : llvm::enumerate(plan.groups)) {
    bool isComputed = llvm::any_of(
        group.entries, [&](NestGroup::Entry entry) { return graph.nests[entry.nest].op == result.getDefiningOp(); });
    for (NestGroup::Entry entry : group.entries)
      for (const Access &access : graph.nests[entry.nest].operands)
        if (access.isRead && access.tensor == result && !isComputed)
          uses.set(number);
  }
  return uses;
}

bool Planner::isReadInPlace(Value result, const Nest &nest, unsigned number) const {
  return llvm::all_of(graph.nests, [&](const Nest &user) {
    return llvm::all_of(user.operands, [&](const Access &read) {
      return !read.isRead || read.tensor != result || isSameElement(read, nest, number);
    });
  });
}

/// Whether a result that may share the argument's buffer has been written when `nest`, computed again in `group`, reads it.
bool Planner::isOverwrittenBefore(Value argument, unsigned nest, unsigned group) const {
  auto position = dyn_cast<BlockArgument>(argument);
  exec::KernelOp op = kernel;
  for (auto [result, value] : llvm::enumerate(yielded)) {
    auto [writer, number] = graph.getProducer(value);
    if (!position || op.getAlias(result) != int64_t(position.getArgNumber()) || !writer)
      continue;
    unsigned writerNumber = writer - graph.nests.data();
    if (group > home[writerNumber] || (group == home[writerNumber] && writerNumber <= nest))
      return true;
  }
  return false;
}

/// Whether the nest can be computed once more in later groups, up to `lastGroup`: arithmetic costs less than memory.
bool Planner::isComputableAgain(unsigned number, unsigned lastGroup) const {
  const Nest &nest = graph.nests[number];
  if (nest.reduced.any())
    return false;
  return llvm::all_of(nest.operands, [&](const Access &access) {
    if (!access.isRead)
      return true;
    Value source = access.tensor;
    while (isReshape(source.getDefiningOp()))
      source = source.getDefiningOp()->getOperand(0);
    if (isOverwrittenBefore(source, number, lastGroup))
      return false;
    auto [producer, result] = graph.getProducer(access.tensor);
    if (!producer || getOwn(access).none() || isInMemory(access.tensor))
      return true;
    return isSameElement(access, *producer, result) && isComputableAgain(producer - graph.nests.data(), lastGroup);
  });
}

/// Puts the nest before its users in `group`, and before it what it needs.
void Planner::computeAgain(unsigned number, unsigned group) {
  auto &entries = plan.groups[group].entries;
  if (llvm::any_of(entries, [&](NestGroup::Entry entry) { return entry.nest == number; }))
    return;
  auto *later = llvm::find_if(entries, [&](NestGroup::Entry entry) { return entry.nest > number; });
  entries.insert(later, {number, /*isAgain=*/true});
  for (const Access &access : graph.nests[number].operands)
    if (auto [producer, result] = graph.getProducer(access.tensor);
        producer && access.isRead && getOwn(access).any() && !isInMemory(access.tensor))
      computeAgain(producer - graph.nests.data(), group);
}

void Planner::placeResult(unsigned number, unsigned result) {
  const Nest &nest = graph.nests[number];
  Access access = nest.getResultAccess(result);
  llvm::SmallBitVector uses = findLaterUses(access.tensor);
  if (uses.none() || getOwn(access).none())
    return;
  bool inPlace = isReadInPlace(access.tensor, nest, result);
  if (inPlace && plan.steps > 0) // in registers
    return;
  if (!isInMemory(access.tensor) && inPlace && isComputableAgain(number, uses.find_last())) {
    for (unsigned group : uses.set_bits())
      computeAgain(number, group);
    return;
  }
  if (!isInMemory(access.tensor))
    plan.kept.push_back(access.tensor);
  plan.needsBarriers = true;
}

/// Producers first: whether a nest can be computed again depends on where its operands are.
void Planner::place() {
  for (auto [number, nest] : llvm::enumerate(graph.nests))
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
      placeResult(number, result);
  for (unsigned result = 0; result < kernel.getResultTypes().size(); ++result)
    plan.needsBarriers |= kernel.getAlias(result) >= 0;
}

NestPlan Planner::create() {
  orderShared();
  formGroups();
  formTeam();
  vectorize();
  keepRow();
  formTiles();
  place();
  return std::move(plan);
}

NestPlan NestPlan::create(const KernelGraph &graph, exec::KernelOp kernel) { return Planner(graph, kernel).create(); }
