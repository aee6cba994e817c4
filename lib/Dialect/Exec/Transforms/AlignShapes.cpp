//===- AlignShapes.cpp - elementwise operations take the shape of what they follow ----------------------------------------===//

#include "AlignShapes.h"
#include "SimplifyViews.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc::exec;

namespace {

class ShapeAligner {
public:
  explicit ShapeAligner(MLIRContext *context) : rewriter(context) {}

  void align(func::FuncOp schedule) {
    SmallVector<linalg::GenericOp> generics;
    schedule.walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics) {
      nameUnitLoops(op);
      if (llvm::any_of(op.getInputs(), [&](Value input) { return isAligned(input); }))
        aligned.insert(op);
      else
        collapse(op);
    }
  }

private:
  bool isAligned(Value value) const {
    Operation *producer = value.getDefiningOp();
    return producer && (isa<MatMulOp>(producer) || aligned.contains(producer));
  }
  void nameUnitLoops(linalg::GenericOp op);
  void dropUnitDims(linalg::GenericOp op);
  void joinExpansions(OpOperand &operand);
  void collapse(linalg::GenericOp op);
  std::optional<SmallVector<ReassociationIndices>> findSequences(linalg::GenericOp op, OpOperand &operand);

  IRRewriter rewriter;
  llvm::SmallDenseSet<Operation *> aligned; // with a contraction's result
};

} // namespace

/// A dim of size 1 that a loop of size 1 runs over may be indexed by 0 or by the loop. By the loop, a map is an identity where it can be.
void ShapeAligner::nameUnitLoops(linalg::GenericOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (AffineMap &map : maps) {
    SmallVector<AffineExpr> indices(map.getResults());
    if (indices.size() != sizes.size())
      continue;
    for (auto [loop, index] : llvm::enumerate(indices))
      if (index == getAffineConstantExpr(0, op.getContext()) && sizes[loop] == 1 && !map.isFunctionOfDim(loop))
        index = getAffineDimExpr(loop, op.getContext());
    map = AffineMap::get(sizes.size(), 0, indices, op.getContext());
  }
  op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
}

/// Operands without the dims that are always indexed by 0.
void ShapeAligner::dropUnitDims(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (OpOperand *operand : op.getDpsInputOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand->get().getType());
    AffineMap &map = maps[operand->getOperandNumber()];
    if (!type || !map.isProjectedPermutation(/*allowZeroInResults=*/true) || map.isProjectedPermutation())
      continue;
    SmallVector<ReassociationIndices> groups;
    SmallVector<AffineExpr> indices;
    ReassociationIndices leading;
    for (auto [dim, index] : llvm::enumerate(map.getResults())) {
      if (isa<AffineConstantExpr>(index)) {
        (groups.empty() ? leading : groups.back()).push_back(dim);
        continue;
      }
      leading.push_back(dim);
      groups.push_back(std::exchange(leading, {}));
      indices.push_back(index);
    }
    map = AffineMap::get(map.getNumDims(), 0, indices, op.getContext());
    rewriter.setInsertionPoint(op);
    operand->set(tensor::CollapseShapeOp::create(rewriter, op.getLoc(), operand->get(), groups));
  }
  op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
}

/// Dims that are split, and then followed by dims of size 1 (a reduced dim that is kept), are split in one step.
void ShapeAligner::joinExpansions(OpOperand &operand) {
  auto expand = operand.get().getDefiningOp<tensor::ExpandShapeOp>();
  while (expand) {
    auto before = expand.getSrc().getDefiningOp<tensor::ExpandShapeOp>();
    if (!before)
      return;
    std::optional<SmallVector<ReassociationIndices>> groups = composeReassociationIndices(
        before.getReassociationIndices(), expand.getReassociationIndices(), rewriter.getContext());
    if (!groups)
      return;
    rewriter.setInsertionPoint(expand);
    expand = tensor::ExpandShapeOp::create(rewriter, expand.getLoc(), expand.getResultType(), before.getSrc(), *groups,
                                           expand.getMixedOutputShape());
    operand.set(expand);
  }
}

/// The loops that become one each when `operand` is used as it was before its reshape.
std::optional<SmallVector<ReassociationIndices>> ShapeAligner::findSequences(linalg::GenericOp op, OpOperand &operand) {
  auto expand = operand.get().getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || op.isDpsInit(&operand))
    return std::nullopt;
  if (!isAligned(expand.getSrc()))
    return std::nullopt;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!map.isProjectedPermutation())
    return std::nullopt;
  SmallVector<ReassociationIndices> sequences;
  for (const ReassociationIndices &group : expand.getReassociationIndices())
    if (group.size() > 1)
      sequences.push_back(
          ReassociationIndices(llvm::map_range(group, [&](int64_t dim) { return map.getDimPosition(dim); })));
  auto isCollapsible = [&](OpOperand &other) {
    AffineMap map = op.getMatchingIndexingMap(&other);
    if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return false;
    SmallVector<AffineExpr> indices; // as dropUnitDims will have it
    llvm::copy_if(map.getResults(), std::back_inserter(indices), llvm::IsaPred<AffineDimExpr>);
    return linalg::areDimSequencesPreserved({AffineMap::get(map.getNumDims(), 0, indices, op.getContext())}, sequences);
  };
  if (!llvm::all_of(op->getOpOperands(), isCollapsible))
    return std::nullopt;
  return sequences;
}

void ShapeAligner::collapse(linalg::GenericOp op) {
  if (op.hasIndexSemantics())
    return;
  for (OpOperand &operand : op->getOpOperands()) {
    joinExpansions(operand);
    std::optional<SmallVector<ReassociationIndices>> sequences = findSequences(op, operand);
    if (!sequences)
      continue;
    dropUnitDims(op);
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::CollapseResult> collapsed = linalg::collapseOpIterationDims(op, *sequences, rewriter);
    if (failed(collapsed))
      continue;
    aligned.insert(collapsed->collapsedOp);
    rewriter.replaceOp(op, collapsed->results);
    return;
  }
}

/// Reshapes that cancel; constants that are one number, which become part of the bodies that use them.
static LogicalResult cleanUp(func::FuncOp schedule) {
  RewritePatternSet patterns(schedule.getContext());
  linalg::populateElementwiseOpsFusionPatterns(patterns, [](OpOperand *) { return false; });
  tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, schedule.getContext());
  tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, schedule.getContext());
  linalg::FillOp::getCanonicalizationPatterns(patterns, schedule.getContext());
  tensor::populateFoldTensorEmptyPatterns(patterns);
  return applyPatternsGreedily(schedule, std::move(patterns));
}

LogicalResult nncc::exec::alignShapes(func::FuncOp schedule) {
  if (failed(cleanUp(schedule)))
    return failure();
  simplifyViews(schedule);
  ShapeAligner(schedule.getContext()).align(schedule);
  return cleanUp(schedule);
}
