//===- KernelCost.cpp - what a launch of a kernel costs -------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Transforms/KernelCost.h"
#include "SizeExpr.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"
#include "nncc/Support/AttentionMaps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nncc::exec;

namespace {

/// Nothing: unknown.
using Size = std::optional<SizeExpr>;

Size times(const Size &a, const Size &b) { return a && b ? SizeExpr::multiply(*a, *b) : std::nullopt; }
Size plus(const Size &a, const Size &b) { return a && b ? SizeExpr::add(*a, *b) : std::nullopt; }

/// Sizes inside a kernel as expressions whose leaves are the numbers of its slots.
class KernelSizes {
public:
  explicit KernelSizes(KernelOp kernel) {
    for (BlockArgument argument : kernel.getBody().getArguments()) {
      firstSlot[argument] = next++;
      if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
        next += type.getNumDynamicDims();
    }
  }

  Size dim(Value tensor, unsigned index) const {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.isDynamicDim(index))
      return SizeExpr(type.getDimSize(index));
    if (auto found = firstSlot.find(tensor); found != firstSlot.end())
      return SizeExpr::leaf(found->second + 1 + type.getDynamicDimIndex(index));
    Operation *op = tensor.getDefiningOp();
    if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
      return scalar(empty.getDynamicSizes()[type.getDynamicDimIndex(index)]);
    if (auto destination = dyn_cast_or_null<DestinationStyleOpInterface>(op))
      return dim(destination.getTiedOpOperand(cast<OpResult>(tensor))->get(), index);
    if (auto grid = dyn_cast_or_null<GridOp>(op))
      return dim(grid.getInits()[cast<OpResult>(tensor).getResultNumber()], index);
    if (auto matmul = dyn_cast_or_null<MatMulOp>(op))
      return dim(matmul.getInit(), index);
    if (auto conv = dyn_cast_or_null<ConvOp>(op))
      return dim(conv.getInit(), index);
    if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
      return scalar(expand.getOutputShape()[type.getDynamicDimIndex(index)]);
    if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
      Size product = SizeExpr(1);
      for (int64_t source : collapse.getReassociationIndices()[index])
        product = times(product, dim(collapse.getSrc(), source));
      return product;
    }
    return std::nullopt;
  }

  Size elements(Value tensor) const {
    Size product = SizeExpr(1);
    for (unsigned i = 0; i < cast<RankedTensorType>(tensor.getType()).getRank(); ++i)
      product = times(product, dim(tensor, i));
    return product;
  }

  Size bytes(Value tensor) const { return times(elements(tensor), SizeExpr(bytesOf(tensor.getType()))); }

  static int64_t bytesOf(Type tensor) {
    Type element = getElementTypeOrSelf(tensor);
    if (auto complex = dyn_cast<ComplexType>(element))
      return 2 * bytesOf(complex.getElementType());
    return element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  }

  /// The points that the loops of a linalg operation visit.
  Size points(linalg::LinalgOp op) const {
    Size product = SizeExpr(1);
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
      product = times(product, loopSize(op, loop));
    return product;
  }

private:
  Size scalar(Value value) const {
    if (auto found = firstSlot.find(value); found != firstSlot.end())
      return SizeExpr::leaf(found->second);
    Operation *op = value.getDefiningOp();
    if (auto constant = getConstantIntValue(value))
      return SizeExpr(*constant);
    if (auto dimOp = dyn_cast_or_null<tensor::DimOp>(op))
      if (std::optional<int64_t> index = dimOp.getConstantIndex())
        return dim(dimOp.getSource(), *index);
    if (auto add = dyn_cast_or_null<arith::AddIOp>(op))
      return plus(scalar(add.getLhs()), scalar(add.getRhs()));
    if (auto multiply = dyn_cast_or_null<arith::MulIOp>(op))
      return times(scalar(multiply.getLhs()), scalar(multiply.getRhs()));
    if (auto subtract = dyn_cast_or_null<arith::SubIOp>(op))
      return plus(scalar(subtract.getLhs()), times(scalar(subtract.getRhs()), SizeExpr(-1)));
    return std::nullopt;
  }

  Size loopSize(linalg::LinalgOp op, unsigned loop) const {
    Size found;
    for (OpOperand &operand : op->getOpOperands())
      if (isa<RankedTensorType>(operand.get().getType()))
        for (auto [position, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
          if (auto dimExpr = dyn_cast<AffineDimExpr>(expr); dimExpr && dimExpr.getPosition() == loop)
            if (Size size = dim(operand.get(), position); size && (!found || size->getConstant()))
              found = size;
    return found;
  }

  llvm::DenseMap<Value, unsigned> firstSlot;
  unsigned next = 1; // slot 0 is the fault word
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------------------------------------------------------===//

/// Whether an operation of a body computes with elements.
bool isArithmetic(Operation *op) {
  if (!isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) || op->getNumResults() != 1 ||
      op->getResult(0).getType().isIndex())
    return false;
  return !isa<arith::ConstantOp, arith::SelectOp, arith::CmpFOp, arith::CmpIOp, CastOpInterface>(op);
}

int64_t operationsOfBodies(Operation *op) {
  int64_t count = 0;
  op->walk([&](Operation *inner) { count += isArithmetic(inner) ? (isa<math::FmaOp>(inner) ? 2 : 1) : 0; });
  return count;
}

/// Each time and row, each gate of a unit is a sum over all units.
Size operationsOfRecurrence(RecurrenceOp op, const KernelSizes &sizes) {
  int64_t perUnit = 2 * op.getNumGates() * int64_t(op.getHidden()) + operationsOfBodies(op);
  Size lines = times(sizes.dim(op.getInput(), 0), sizes.dim(op.getInput(), 1));
  return times(lines, SizeExpr(op.getNumDirections() * int64_t(op.getHidden()) * perUnit));
}

/// Each score is a sum over the depth, of which each column of the result takes one; in between a power, and what the row needs.
Size operationsOfAttention(AttentionOp op, const KernelSizes &sizes) {
  SmallVector<AffineMap> all = op.getMaps();
  SmallVector<RankedTensorType> types = op.getTensorTypes();
  nncc::AttentionMaps maps(all);
  auto size = [&](unsigned dim) {
    auto [tensor, position] = maps.findSize(dim, types);
    return sizes.dim(op->getOperand(tensor), position);
  };
  Size scores = times(size(maps.getRowDim()), size(maps.getKeyDim()));
  for (unsigned dim = 0; dim < maps.getNumBatchDims(); ++dim)
    scores = times(scores, size(dim));
  Size sums = times(plus(size(maps.getDepthDim()), size(maps.getColumnDim())), SizeExpr(2));
  return times(scores, plus(sums, SizeExpr(4 + int64_t(op.getMasks().size()))));
}

/// Multiply-adds for one element of a contraction's result.
Size termsOf(Operation *op, const KernelSizes &sizes) {
  if (auto matmul = dyn_cast<MatMulOp>(op))
    return sizes.dim(matmul.getLhs(), cast<RankedTensorType>(matmul.getLhs().getType()).getRank() - 1);
  int64_t terms = 1;
  for (int64_t size : cast<ConvOp>(op).getFilterShape().drop_front().drop_back()) {
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    terms *= size;
  }
  return SizeExpr(terms);
}

Size operationsOf(Operation *op, const KernelSizes &sizes) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return times(sizes.points(generic), SizeExpr(operationsOfBodies(generic)));
  if (isa<ConvOp, MatMulOp>(op))
    return times(times(sizes.elements(op->getResult(0)), termsOf(op, sizes)), SizeExpr(2));
  if (auto attention = dyn_cast<AttentionOp>(op))
    return operationsOfAttention(attention, sizes);
  if (auto recurrence = dyn_cast<RecurrenceOp>(op))
    return operationsOfRecurrence(recurrence, sizes);
  if (isa<GridOp, SortOp, ScanOp>(op))
    return std::nullopt;
  return SizeExpr(0);
}

/// Whether a grid reads an input at positions that it finds in another one, so that nobody knows how much of it.
bool readsWhereDataSays(GridOp grid, OpOperand &input) {
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = false;
  options.filter = [&](Operation *op) { return grid->isProperAncestor(op); };
  BlockArgument buffer = grid.getBody().getArgument(grid.getSizes().size() + input.getOperandNumber() -
                                                    grid.getInputs().getBeginOperandIndex());
  for (Operation *user : buffer.getUsers())
    for (Value operand : user->getOperands()) {
      llvm::SetVector<Operation *> slice;
      if (operand.getType().isIndex() && succeeded(getBackwardSlice(operand, &slice, options)) &&
          llvm::any_of(slice, [](Operation *op) { return isa<memref::LoadOp>(op); }))
        return true;
    }
  return false;
}

/// An argument that single elements are read from counts as these elements.
Size bytesReadFrom(BlockArgument argument, const KernelSizes &sizes) {
  Size total = SizeExpr(0);
  bool isReadWhole = argument.use_empty();
  for (OpOperand &use : argument.getUses()) {
    Operation *user = use.getOwner();
    if (auto grid = dyn_cast<GridOp>(user); grid && llvm::is_contained(grid.getInputs(), use.get()))
      if (readsWhereDataSays(grid, use))
        return std::nullopt;
    auto extract = dyn_cast<tensor::ExtractOp>(user);
    auto nest = extract ? extract->getParentOfType<linalg::GenericOp>() : linalg::GenericOp();
    isReadWhole |= !nest && !isa<tensor::DimOp>(user);
    if (nest)
      total = plus(total, times(sizes.points(nest), SizeExpr(KernelSizes::bytesOf(argument.getType()))));
  }
  return isReadWhole ? sizes.bytes(argument) : total;
}

std::string formulaOf(const Size &size) {
  if (!size)
    return "";
  SmallVector<std::string> terms;
  for (const auto &[leaves, factor] : size->getTerms()) {
    std::string term = std::to_string(factor);
    for (unsigned leaf : leaves)
      term += "*s" + std::to_string(leaf);
    terms.push_back(term);
  }
  return terms.empty() ? "0" : llvm::join(terms, "+");
}

} // namespace

KernelCost nncc::exec::computeKernelCost(KernelOp kernel) {
  KernelSizes sizes(kernel);
  Size operations = SizeExpr(0), bytes = SizeExpr(0);
  Block &body = kernel.getBody().front();
  for (Operation &op : body)
    operations = plus(operations, operationsOf(&op, sizes));
  for (BlockArgument argument : body.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      bytes = plus(bytes, bytesReadFrom(argument, sizes));
  for (Value result : body.getTerminator()->getOperands())
    bytes = plus(bytes, sizes.bytes(result));
  return {formulaOf(operations), formulaOf(bytes)};
}
