//===- FusionGroups.cpp - groups the computations of a block into kernels -------------------------------------------------===//

#include "FusionGroups.h"
#include "FusionRules.h"
#include "Outline.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"
#include "nncc/Support/MLIRDiagnostics.h"

using namespace mlir;
using namespace nncc::exec;

/// The computations that form groups. An initial value that is filled goes with what starts from it.
static bool isGrouped(Operation *op) { return isComputation(op) && !llvm::all_of(op->getUses(), isDuplicated); }

FusionGroups::FusionGroups(Block &block) {
  for (Operation &op : block.without_terminator())
    if (!isView(&op)) {
      numbers[&op] = ops.size();
      groupOf.push_back(ops.size());
      groups.push_back({unsigned(ops.size())});
      ops.push_back(&op);
    }
  lastSearch.resize(ops.size());
  users.resize(ops.size());
  for (unsigned number = 0; number < ops.size(); ++number)
    addUses(number);
}

/// What depends on `number`, where views do not count.
void FusionGroups::addUses(unsigned number) {
  SmallVector<Operation *> worklist = {ops[number]};
  Block *block = ops[number]->getBlock();
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val()->getUsers()) {
      user = block->findAncestorOpInBlock(*user);
      if (isView(user))
        worklist.push_back(user);
      else if (auto it = numbers.find(user); it != numbers.end())
        users[number].push_back(it->second);
    }
}

/// The computations whose results are operands of a computation: contractions first, then from the last to the first.
SmallVector<unsigned> FusionGroups::findProducers(unsigned consumer) const {
  SmallVector<unsigned> producers;
  auto add = [&](Value operand) {
    auto it = numbers.find(lookThroughViews(operand).getDefiningOp());
    if (it != numbers.end() && isGrouped(ops[it->second]) && !llvm::is_contained(producers, it->second))
      producers.push_back(it->second);
  };
  llvm::for_each(ops[consumer]->getOperands(), add);
  visitUsedValuesDefinedAbove(ops[consumer]->getRegions(), [&](OpOperand *operand) { add(operand->get()); });
  llvm::sort(producers, [&](unsigned a, unsigned b) {
    auto key = [&](unsigned op) {
      bool isContraction =
          llvm::any_of(groups[groupOf[op]], [&](unsigned member) { return isa<ConvOp, MatMulOp>(ops[member]); });
      return std::pair(isContraction, op);
    };
    return key(a) > key(b);
  });
  return producers;
}

/// Whether there is a way from the joined group out and back into it.
bool FusionGroups::wouldWaitForItself(ArrayRef<unsigned> members, unsigned a, unsigned b) {
  ++search;
  SmallVector<unsigned> worklist;
  auto visitUsers = [&](ArrayRef<unsigned> from, bool isStart) {
    for (unsigned op : from)
      for (unsigned user : users[op]) {
        unsigned group = groupOf[user];
        if (group == a || group == b) {
          if (!isStart)
            return true;
        } else if (groups[group].front() < members.back() &&
                   lastSearch[group] != search) { // Later groups lead to later ones only.
          lastSearch[group] = search;
          worklist.push_back(group);
        }
      }
    return false;
  };
  visitUsers(members, /*isStart=*/true);
  while (!worklist.empty())
    if (visitUsers(groups[worklist.pop_back_val()], /*isStart=*/false))
      return true;
  return false;
}

const char *FusionGroups::tryMerge(unsigned a, unsigned b) {
  SmallVector<unsigned> members;
  std::merge(groups[a].begin(), groups[a].end(), groups[b].begin(), groups[b].end(), std::back_inserter(members));
  SmallVector<Operation *> operations = llvm::map_to_vector(members, [&](unsigned op) { return ops[op]; });
  if (const char *obstacle = findObstacle(operations))
    return obstacle;
  if (wouldWaitForItself(members, a, b))
    return "another kernel would have to run in between";
  for (unsigned op : members)
    groupOf[op] = a;
  groups[b].clear();
  groups[a] = std::move(members);
  return nullptr;
}

void FusionGroups::fuse() {
  for (unsigned consumer = 0; consumer < ops.size(); ++consumer) {
    if (!isGrouped(ops[consumer]))
      continue;
    for (unsigned producer : findProducers(consumer))
      if (groupOf[producer] != groupOf[consumer])
        edges.push_back({producer, consumer, tryMerge(groupOf[producer], groupOf[consumer])});
  }
}

SmallVector<SmallVector<Operation *>> FusionGroups::getGroups() const {
  SmallVector<SmallVector<Operation *>> result;
  for (unsigned number = 0; number < ops.size(); ++number) {
    ArrayRef<unsigned> members = groups[groupOf[number]];
    if (members.back() == number && isGrouped(ops[number]))
      result.push_back(llvm::map_to_vector(members, [&](unsigned op) { return ops[op]; }));
  }
  return result;
}

/// Why a grid cannot be cut into tiles for threads; null: it can.
static const char *findReasonForOneTile(GridOp grid) {
  if (grid.getSizes().empty())
    return "what it does in one place depends on what it did in others";
  bool startsEmpty = llvm::all_of(grid.getInits(), [](Value init) { return init.getDefiningOp<tensor::EmptyOp>(); });
  return startsEmpty ? nullptr : "its result starts with the elements of another tensor";
}

void FusionGroups::explain() const {
  if (ops.empty() || !ops[0]->getContext()->getRemarkEngine())
    return;
  for (Operation *op : ops)
    if (auto grid = dyn_cast<GridOp>(op))
      if (const char *reason = findReasonForOneTile(grid))
        remark::missed(op->getLoc(), remark::RemarkOpts::name("OneTile").category("threads"))
            << std::string("grid runs on one thread of a CPU: ") + reason;
  for (const Edge &edge : edges) {
    Operation *consumer = ops[edge.consumer], *producer = ops[edge.producer];
    bool isFused = groupOf[edge.producer] == groupOf[edge.consumer];
    auto options = remark::RemarkOpts::name(isFused ? "Fused" : "NotFused").category("fusion");
    std::string text = describeGroup(consumer) + (isFused ? " is fused with " : " is not fused with ") +
                       describeGroup(producer) + (isFused ? "" : std::string(": ") + edge.obstacle);
    remark::detail::InFlightRemark remark =
        isFused ? remark::passed(consumer->getLoc(), options) : remark::missed(consumer->getLoc(), options);
    remark << text << remark::detail::Remark::Arg("Producer", nodeName(producer->getLoc()));
  }
}
