//===- NestPlan.cpp - in which order nests run, and where their results are between -------------------------------===//

#include "NestPlan.h"
#include "nncc/Kernel/Buffers.h"
#include "nncc/Kernel/Reduction.h"
#include "nncc/Kernel/VectorBody.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// Up to this cost an element is computed again rather than stored and loaded.
constexpr int64_t cheapCost = 6;
/// Scratch for one point of the shared loops that stays in L1 beside the data.
constexpr int64_t smallScratchBytes = 32 << 10, largestScratchBytes = 64 << 20;

class Planner {
public:
  Planner(const KernelGraph &graph, exec::KernelOp kernel, const CPUTarget &target);
  std::optional<NestPlan> create();

private:
  void orderShared();
  int findLongShared() const;
  void formGroups();
  bool fits(const NestGroup &group, const Nest &nest) const;
  void orderLoops(NestGroup &group);
  void vectorize();
  int chooseVectorClass(const NestGroup &group) const;
  int64_t getNaturalLanes() const;
  int64_t chooseUnroll(const NestGroup &group) const;
  void chooseTransposed();

  bool place();
  bool placeResult(unsigned nest, unsigned number);
  llvm::SmallBitVector findLaterUses(Value result) const;
  bool isComputableAgain(unsigned nest, int64_t budget, unsigned lastGroup) const;
  bool isOverwrittenBefore(Value argument, unsigned nest, unsigned group) const;
  void computeAgain(unsigned nest, unsigned group);
  bool findHost(const Nest &nest, unsigned number, const llvm::SmallBitVector &uses);
  std::optional<int64_t> getScratchBytes(const Access &result) const;

  /// The loops of a nest or of an access that are not shared.
  llvm::SmallBitVector getOwn(llvm::SmallBitVector classes) const {
    classes.reset(graph.getShared());
    return classes;
  }
  bool isInMemory(Value result) const { return plan.storage.contains(result) || llvm::is_contained(yielded, result); }
  /// Whether `access` finds what the nest `producer` computed in the same iteration.
  bool isSameElement(const Access &access, const Nest &producer, unsigned number) const {
    return producer.reduced.none() && producer.getResultAccess(number).indices == access.indices;
  }

  const KernelGraph &graph;
  exec::KernelOp kernel;
  const CPUTarget &target;
  /// What becomes each result of the kernel, behind reshapes.
  SmallVector<Value> yielded;
  NestPlan plan;
  /// The group of each nest.
  SmallVector<unsigned> home;
};

} // namespace

Planner::Planner(const KernelGraph &graph, exec::KernelOp kernel, const CPUTarget &target)
    : graph(graph), kernel(kernel), target(target), home(graph.nests.size()) {
  for (Value value : kernel.getBody().front().getTerminator()->getOperands()) {
    while (isReshape(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    yielded.push_back(value);
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------------------------------------------------===//

/// Rows of a few elements (a softmax over two classes) would leave most lanes empty: there lanes are rows, and loads gather.
static bool isShort(int64_t size) { return ShapedType::isStatic(size) && size <= 4; }

/// The innermost shared loop in the last result, if it fills vectors; else -1.
int Planner::findLongShared() const {
  constexpr int64_t leastRows = 32;
  int found = -1;
  for (AffineExpr index : graph.nests.back().getResults().front().indices)
    if (unsigned loop = cast<AffineDimExpr>(index).getPosition(); graph.classes[loop].isShared)
      found = loop;
  bool isLong =
      found >= 0 && (ShapedType::isDynamic(graph.classes[found].size) || graph.classes[found].size >= leastRows);
  return isLong ? found : -1;
}

/// As the last result lies in memory; the vectorised loop innermost.
void Planner::orderShared() {
  llvm::SmallBitVector left = graph.getShared();
  auto take = [&](unsigned loopClass) {
    if (left.test(loopClass))
      plan.shared.push_back(loopClass);
    left.reset(loopClass);
  };
  int vector = graph.findVectorClass(
      [&](Value tensor) { return !graph.getProducer(tensor).first || llvm::is_contained(yielded, tensor); });
  if (vector >= 0 && !graph.classes[vector].isShared && isShort(graph.classes[vector].size))
    vector = findLongShared();
  if (vector >= 0 && graph.classes[vector].isShared) {
    plan.vectorClass = vector;
    left.reset(vector);
  }
  for (AffineExpr index : graph.nests.back().getResults().front().indices)
    take(cast<AffineDimExpr>(index).getPosition());
  for (unsigned loopClass : llvm::to_vector(left.set_bits()))
    take(loopClass);
  if (plan.vectorClass >= 0)
    plan.shared.push_back(plan.vectorClass);
}

/// Loops of sums are inside of the others, so that each sum is in a register: the sets of summed loops must contain each other.
bool Planner::fits(const NestGroup &group, const Nest &nest) const {
  if (group.loopSet != getOwn(nest.classes))
    return false;
  return llvm::all_of(group.entries, [&](NestGroup::Entry entry) {
    const llvm::SmallBitVector &other = graph.nests[entry.nest].reduced;
    llvm::SmallBitVector both = other;
    both &= nest.reduced;
    return both == other || both == nest.reduced;
  });
}

void Planner::formGroups() {
  for (auto [number, nest] : llvm::enumerate(graph.nests)) {
    unsigned first = 0;
    for (const Access &access : nest.operands)
      if (auto [producer, result] = graph.getProducer(access.tensor); producer && access.isRead) {
        bool together = isSameElement(access, *producer, result) && getOwn(producer->classes) == getOwn(nest.classes);
        first = std::max(first, home[producer - graph.nests.data()] + !together);
      }
    auto groups = MutableArrayRef(plan.groups).drop_front(std::min<size_t>(first, plan.groups.size()));
    auto *group = llvm::find_if(groups, [&](const NestGroup &group) { return fits(group, nest); });
    if (group == groups.end()) {
      plan.groups.push_back({{}, {}, getOwn(nest.classes)});
      group = &plan.groups.back();
    }
    home[number] = group - plan.groups.data();
    group->entries.push_back({unsigned(number)});
  }
}

/// Loops that fewer nests sum over are outside; else as the loops of the first op.
void Planner::orderLoops(NestGroup &group) {
  ArrayRef<int> asWritten = graph.nests[group.entries.front().nest].loops;
  for (int loop : asWritten)
    if (loop >= 0 && group.loopSet.test(loop))
      group.loops.push_back(loop);
  auto getRank = [&](int loop) {
    auto numSums = llvm::count_if(group.entries,
                                  [&](NestGroup::Entry entry) { return graph.nests[entry.nest].reduced.test(loop); });
    return std::tuple(numSums, loop == group.vectorClass, llvm::find(asWritten, loop));
  };
  llvm::sort(group.loops, [&](unsigned x, unsigned y) { return getRank(x) < getRank(y); });
}

//===----------------------------------------------------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------------------------------------------------===//

/// The loop of the group along which most of its operands are adjacent and which all of its bodies can be vectorised along.
int Planner::chooseVectorClass(const NestGroup &group) const {
  SmallVector<unsigned> votes(graph.classes.size());
  llvm::SmallBitVector allowed = group.loopSet;
  for (NestGroup::Entry entry : group.entries) {
    const Nest &nest = graph.nests[entry.nest];
    if (!isVectorizable(nest.op))
      return -1;
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
      if (nest.reduced.any() && !getCombiner(nest.op, result))
        allowed.reset(nest.reduced);
    for (const Access &access : nest.operands)
      if (int loop = access.getContiguousClass(); loop >= 0)
        votes[loop] += 1 + access.indices.size();
    for (auto extract : nest.op.getBody()->getOps<tensor::ExtractOp>())
      if (int loop = nest.getContiguousClass(extract); loop >= 0)
        votes[loop] += 1 + extract.getIndices().size();
  }
  int best = -1;
  for (unsigned loop : allowed.set_bits())
    if (votes[loop] > 0 && (best < 0 || votes[loop] > votes[best]))
      best = loop;
  return best;
}

/// Additions take four cycles, so that a cheap body can keep four sums busy.
int64_t Planner::chooseUnroll(const NestGroup &group) const {
  int64_t cost = 0;
  bool sums = false;
  for (NestGroup::Entry entry : group.entries) {
    cost += graph.nests[entry.nest].cost;
    sums |= graph.nests[entry.nest].reduced.any();
  }
  return !sums || cost > 14 ? 1 : cost > 7 ? 2 : 4;
}

/// In elementwise kernels whose bodies may be written once a row of a square; the square fits into the registers.
void Planner::chooseTransposed() {
  constexpr int64_t largestCost = 64, mostRows = 16;
  int64_t cost = 0, bits = 8;
  for (const Nest &nest : graph.nests) {
    cost += nest.cost;
    if (getOwn(nest.classes).any())
      return;
    for (const Access &access : nest.operands)
      bits = std::max<int64_t>(bits, getElementTypeOrSelf(access.tensor).getIntOrFloatBitWidth());
  }
  int64_t rows = std::min<int64_t>({target.vectorBits / bits, mostRows, plan.lanes});
  int transposed = graph.findTransposedClass(plan.vectorClass);
  if (transposed < 0 || cost > largestCost || rows < 2)
    return;
  if (int64_t size = graph.classes[transposed].size; ShapedType::isStatic(size) && size < rows)
    return;
  plan.transposedClass = transposed;
  plan.lanes = rows;
}

/// Lanes that suit all nests along the loops that are vectorised.
int64_t Planner::getNaturalLanes() const {
  int64_t lanes = 64;
  for (const NestGroup &group : plan.groups)
    for (NestGroup::Entry entry : group.entries) {
      const Nest &nest = graph.nests[entry.nest];
      int loopClass = plan.vectorClass >= 0 ? plan.vectorClass : group.vectorClass;
      const int *loop = llvm::find(nest.loops, loopClass);
      if (loopClass >= 0 && loop != nest.loops.end())
        lanes = std::min(lanes, kernel::getNaturalLanes(nest.op, loop - nest.loops.begin()));
    }
  return lanes;
}

void Planner::vectorize() {
  bool allVectorizable = llvm::all_of(graph.nests, [](const Nest &nest) { return isVectorizable(nest.op); });
  if (plan.vectorClass >= 0 && allVectorizable) {
    for (const NestGroup &group : plan.groups)
      plan.unroll = std::max(plan.unroll, chooseUnroll(group));
    plan.lanes = getNaturalLanes();
    chooseTransposed();
  } else if (plan.vectorClass >= 0) {
    plan.vectorClass = -1;
  } else {
    for (NestGroup &group : plan.groups) {
      group.vectorClass = chooseVectorClass(group);
      group.unroll = group.vectorClass < 0 ? 1 : chooseUnroll(group);
    }
    plan.lanes = getNaturalLanes();
  }
  if (plan.vectorClass < 0 && llvm::all_of(plan.groups, [](const NestGroup &group) { return group.vectorClass < 0; }))
    plan.lanes = 1;
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

/// Whether a result that may share the argument's buffer has been written when `nest`, computed again in `group`, reads the argument.
bool Planner::isOverwrittenBefore(Value argument, unsigned nest, unsigned group) const {
  auto position = dyn_cast<BlockArgument>(argument);
  exec::KernelOp op = kernel;
  for (auto [result, alias] : llvm::enumerate(op.getMayAlias().value_or(ArrayRef<int64_t>()))) {
    auto [writer, number] = graph.getProducer(yielded[result]);
    if (!position || alias != int64_t(position.getArgNumber()) || !writer)
      continue;
    unsigned writerNumber = writer - graph.nests.data();
    if (group > home[writerNumber] || (group == home[writerNumber] && writerNumber <= nest))
      return true;
  }
  return false;
}

/// Whether what the nest computes can be computed once more in later groups, up to `lastGroup`.
bool Planner::isComputableAgain(unsigned number, int64_t budget, unsigned lastGroup) const {
  const Nest &nest = graph.nests[number];
  budget -= nest.cost;
  if (budget < 0 || nest.reduced.any())
    return false;
  // Elements that are not adjacent along the loops are loaded one by one.
  constexpr int64_t costOfGather = 8;
  for (const Access &access : nest.operands)
    if (int loop = access.getContiguousClass();
        access.isRead && loop >= 0 && loop != plan.groups[home[number]].vectorClass && loop != plan.vectorClass)
      budget -= costOfGather;
  if (budget < 0)
    return false;
  return llvm::all_of(nest.operands, [&](const Access &access) {
    if (access.isRead && isOverwrittenBefore(access.tensor, number, lastGroup))
      return false;
    auto [producer, result] = graph.getProducer(access.tensor);
    if (!producer || !access.isRead || getOwn(access.getClasses(graph.classes.size())).none() ||
        isInMemory(access.tensor))
      return true;
    return isSameElement(access, *producer, result) &&
           isComputableAgain(producer - graph.nests.data(), budget, lastGroup);
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
        producer && access.isRead && getOwn(access.getClasses(graph.classes.size())).any() &&
        !isInMemory(access.tensor))
      computeAgain(producer - graph.nests.data(), group);
}

/// Bytes of the elements at one point of the shared loops; none: not static.
std::optional<int64_t> Planner::getScratchBytes(const Access &result) const {
  int64_t bytes = llvm::divideCeil(cast<ShapedType>(result.tensor.getType()).getElementTypeBitWidth(), 8);
  if (plan.vectorClass >= 0)
    bytes *= plan.unroll * plan.lanes;
  llvm::SmallBitVector own = getOwn(result.getClasses(graph.classes.size()));
  for (unsigned loop : own.set_bits()) {
    if (ShapedType::isDynamic(graph.classes[loop].size))
      return std::nullopt;
    bytes *= graph.classes[loop].size;
  }
  return bytes;
}

/// A result of the kernel of the same layout, which is written behind the last use, where nothing overwritten is read.
bool Planner::findHost(const Nest &nest, unsigned number, const llvm::SmallBitVector &uses) {
  Access guest = nest.getResultAccess(number);
  unsigned self = &nest - graph.nests.data();
  for (auto [position, host] : llvm::enumerate(yielded)) {
    auto [writer, result] = graph.getProducer(host);
    if (!writer || writer->getResultAccess(result).indices != guest.indices ||
        getElementTypeOrSelf(host) != getElementTypeOrSelf(guest.tensor) || writer->reduced.any())
      continue;
    unsigned writerNumber = writer - graph.nests.data();
    bool isTaken = llvm::any_of(plan.storage, [&](auto &entry) { return entry.second.host == host; });
    // Readers of the guest come no later than the writer; nobody reads the host, or the argument that it may be.
    int64_t alias = kernel.getMayAlias() ? (*kernel.getMayAlias())[position] : -1;
    bool isSafe = home[writerNumber] >= unsigned(uses.find_last());
    for (auto [reader, other] : llvm::enumerate(graph.nests))
      for (const Access &access : other.operands) {
        if (!access.isRead)
          continue;
        if (access.tensor == guest.tensor)
          isSafe &= reader <= writerNumber && access.indices == guest.indices;
        if (alias >= 0 && access.tensor == kernel.getBody().getArgument(alias))
          isSafe &= reader <= self && home[reader] <= home[self];
        isSafe &= access.tensor != host;
      }
    if (!isSafe || isTaken)
      continue;
    plan.storage[guest.tensor] = {host};
    return true;
  }
  return false;
}

bool Planner::placeResult(unsigned number, unsigned result) {
  const Nest &nest = graph.nests[number];
  Access access = nest.getResultAccess(result);
  llvm::SmallBitVector uses = findLaterUses(access.tensor);
  if (uses.none() || getOwn(access.getClasses(graph.classes.size())).none())
    return true;
  bool isReadInPlace = llvm::all_of(graph.nests, [&](const Nest &user) {
    return llvm::all_of(user.operands, [&](const Access &read) {
      return !read.isRead || read.tensor != access.tensor || isSameElement(read, nest, result);
    });
  });
  auto again = [&](int64_t budget) {
    if (!isReadInPlace || !isComputableAgain(number, budget, uses.find_last()))
      return false;
    for (unsigned group : uses.set_bits())
      computeAgain(number, group);
    return true;
  };
  if (again(cheapCost) || isInMemory(access.tensor))
    return true;
  std::optional<int64_t> bytes = getScratchBytes(access);
  if ((!bytes || *bytes > smallScratchBytes) && findHost(nest, result, uses))
    return true;
  if (bytes && *bytes <= largestScratchBytes) {
    plan.storage[access.tensor] = {};
    return true;
  }
  return again(std::numeric_limits<int64_t>::max());
}

/// Producers first: whether a nest can be computed again depends on where its operands are.
bool Planner::place() {
  for (auto [number, nest] : llvm::enumerate(graph.nests))
    for (unsigned result = 0; result < nest.op.getNumResults(); ++result)
      if (!placeResult(number, result))
        return false;
  return true;
}

std::optional<NestPlan> Planner::create() {
  orderShared();
  formGroups();
  vectorize();
  for (NestGroup &group : plan.groups)
    orderLoops(group);
  if (!place())
    return std::nullopt;
  return std::move(plan);
}

std::optional<NestPlan> NestPlan::create(const KernelGraph &graph, exec::KernelOp kernel, const CPUTarget &target) {
  return Planner(graph, kernel, target).create();
}
