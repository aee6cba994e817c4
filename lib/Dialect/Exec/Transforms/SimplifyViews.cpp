//===- SimplifyViews.cpp - reshapes that say which dims they split and join -----------------------------------------------===//

#include "SimplifyViews.h"
#include "FusionRules.h"
#include "SizeExpr.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;
using namespace nncc::exec;

namespace {

/// Dims of the source and of the target with the same product.
struct DimGroup {
  ReassociationIndices source, target;
};

class ViewSimplifier {
public:
  explicit ViewSimplifier(func::FuncOp schedule) : sizes(schedule), builder(schedule.getContext()) {}
  void simplify(Operation *last);

private:
  std::optional<SmallVector<DimGroup>> matchDims(Value source, Value target);
  Value build(Value source, Value target, ArrayRef<DimGroup> groups);
  Value castTo(Value value, ArrayRef<int64_t> shape);
  SmallVector<OpFoldResult> getSizes(Value tensor);

  SizeAnalysis sizes;
  OpBuilder builder;
  Location loc = builder.getUnknownLoc();
};

} // namespace

/// The product; nothing when it overflows.
static std::optional<SizeExpr> multiply(ArrayRef<SizeExpr> factors) {
  std::optional<SizeExpr> product = SizeExpr(1);
  for (const SizeExpr &factor : factors)
    if (product)
      product = SizeExpr::multiply(*product, factor);
  return product;
}

/// How many of the last dims of `from` have the product of how many of the last of `to`; as few as possible.
static std::optional<std::pair<size_t, size_t>> matchLast(ArrayRef<SizeExpr> from, ArrayRef<SizeExpr> to) {
  for (size_t both = 2; both <= from.size() + to.size(); ++both)
    for (size_t left = 1; left < both; ++left)
      if (size_t right = both - left; left <= from.size() && right <= to.size()) {
        std::optional<SizeExpr> a = multiply(from.take_back(left)), b = multiply(to.take_back(right));
        if (a && b && *a == *b)
          return std::pair(left, right);
      }
  return std::nullopt;
}

/// From the last dim to the first: dims of size 1 are mostly put in front, and the last dim is best left alone.
std::optional<SmallVector<DimGroup>> ViewSimplifier::matchDims(Value source, Value target) {
  SmallVector<SizeExpr> from = sizes.getDims(source), to = sizes.getDims(target);
  if (llvm::is_contained(from, SizeExpr(0)) || llvm::is_contained(to, SizeExpr(0)))
    return std::nullopt; // All products are 0: nothing can be told apart.
  SmallVector<DimGroup> groups;
  size_t i = from.size(), j = to.size(); // dims before these are left
  auto take = [&](size_t left, size_t right) {
    DimGroup &group = groups.back();
    for (; left > 0; --left)
      group.source.insert(group.source.begin(), --i);
    for (; right > 0; --right)
      group.target.insert(group.target.begin(), --j);
  };
  while (i > 0 && j > 0) {
    auto match = matchLast(ArrayRef(from).take_front(i), ArrayRef(to).take_front(j));
    if (!match)
      return std::nullopt;
    groups.emplace_back();
    take(match->first, match->second);
  }
  // What is left over is of size 1.
  auto isOne = [](const SizeExpr &size) { return size == SizeExpr(1); };
  if (groups.empty() || !llvm::all_of(ArrayRef(from).take_front(i), isOne) ||
      !llvm::all_of(ArrayRef(to).take_front(j), isOne))
    return std::nullopt;
  take(i, j);
  std::reverse(groups.begin(), groups.end());
  return groups;
}

Value ViewSimplifier::castTo(Value value, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  auto wanted = RankedTensorType::get(shape, type.getElementType());
  return type == wanted ? value : tensor::CastOp::create(builder, loc, wanted, value).getResult();
}

SmallVector<OpFoldResult> ViewSimplifier::getSizes(Value tensor) {
  SmallVector<OpFoldResult> result;
  for (const SizeExpr &size : sizes.getDims(tensor)) {
    if (std::optional<int64_t> number = size.getConstant())
      result.push_back(builder.getIndexAttr(*number));
    else
      result.push_back(materialize(builder, loc, sizes, size, [&](const SizeAnalysis::Leaf &leaf) -> Value {
        if (isa<RankedTensorType>(leaf.value.getType()))
          return tensor::DimOp::create(builder, loc, leaf.value, leaf.dim);
        return leaf.value;
      }));
  }
  return result;
}

/// Joins dims, then splits them.
Value ViewSimplifier::build(Value source, Value target, ArrayRef<DimGroup> groups) {
  auto type = cast<RankedTensorType>(target.getType());
  SmallVector<ReassociationIndices> joined, split;
  SmallVector<int64_t> middle;
  for (const DimGroup &group : groups) {
    joined.push_back(group.source);
    split.push_back(group.target);
    int64_t size = 1;
    for (int64_t dim : group.target)
      size = ShapedType::isDynamic(size) || type.isDynamicDim(dim) ? ShapedType::kDynamic : size * type.getDimSize(dim);
    middle.push_back(size);
  }
  auto isTrivial = [](const ReassociationIndices &dims) { return dims.size() == 1; };
  Value value = source;
  if (!llvm::all_of(joined, isTrivial))
    value = tensor::CollapseShapeOp::create(builder, loc, value, joined);
  value = castTo(value, middle);
  if (!llvm::all_of(split, isTrivial))
    value = tensor::ExpandShapeOp::create(builder, loc, type, value, split, getSizes(target));
  return value;
}

/// Whether the reshape names the same groups.
static bool isWrittenSo(Operation *reshape, ArrayRef<DimGroup> groups) {
  auto matches = [&](ArrayRef<ReassociationIndices> written, ReassociationIndices DimGroup::*dims) {
    return llvm::equal(written, groups, [&](const ReassociationIndices &a, const DimGroup &b) { return a == b.*dims; });
  };
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape))
    return matches(expand.getReassociationIndices(), &DimGroup::target);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape))
    return matches(collapse.getReassociationIndices(), &DimGroup::source);
  return false;
}

void ViewSimplifier::simplify(Operation *last) {
  Value source = lookThroughViews(last->getOperand(0)), target = last->getResult(0);
  bool isAlone = source == last->getOperand(0);
  if (isAlone && isa<tensor::CastOp>(last))
    return;
  std::optional<SmallVector<DimGroup>> groups = matchDims(source, target);
  if (!groups || (isAlone && isWrittenSo(last, *groups)))
    return;
  builder.setInsertionPoint(last);
  loc = last->getLoc();
  target.replaceAllUsesWith(build(source, target, *groups));
}

void nncc::exec::simplifyViews(func::FuncOp schedule) {
  SmallVector<Operation *> last; // of each chain
  schedule.walk([&](Operation *op) {
    if (isView(op) && !llvm::all_of(op->getUsers(), isView))
      last.push_back(op);
  });
  ViewSimplifier simplifier(schedule);
  for (Operation *op : last)
    simplifier.simplify(op);
}
