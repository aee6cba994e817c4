//===- FormKernels.cpp - every computation moves into a kernel
//------------------------------------------------------------===//

#include "AlignShapes.h"
#include "FusionGroups.h"
#include "Outline.h"
#include "ScheduleSizes.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "nncc/Dialect/Exec/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"

#define DEBUG_TYPE "exec-form-kernels"

using namespace mlir;

namespace nncc::exec {

#define GEN_PASS_DEF_FORMKERNELS
#include "nncc/Dialect/Exec/Transforms/Passes.h.inc"

namespace {

using Group = SmallVector<Operation *>;

class FormKernelsPass : public impl::FormKernelsBase<FormKernelsPass> {
public:
  using FormKernelsBase::FormKernelsBase;

  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      formKernels(function);
  }

private:
  void formKernels(func::FuncOp function);
  SmallVector<Group> groupByFusion(Block &block);

  unsigned numKernels = 0;
};

/// The blocks of the schedule: those of the function and of its control flow.
void collectBlocks(Operation *op, SmallVectorImpl<Block *> &blocks) {
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      blocks.push_back(&block);
      for (Operation &nested : block)
        if (!isComputation(&nested))
          collectBlocks(&nested, blocks);
    }
}

/// One kernel for each computation, but none for the initial values that computations start from: these have copies.
SmallVector<Group> groupNothing(Block &block) {
  SmallVector<Group> groups;
  for (Operation &op : block)
    if (isComputation(&op) && !llvm::all_of(op.getUses(), isDuplicated))
      groups.push_back({&op});
  return groups;
}

/// Erases what has no use any more, last first.
void eraseUnused(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op) || (isComputation(&op) && op.use_empty()))
      op.erase();
}

} // namespace

void FormKernelsPass::formKernels(func::FuncOp function) {
  if (fuse && failed(alignShapes(function)))
    return signalPassFailure();
  resolveSizes(function);
  expandAffine(function);
  IRRewriter rewriter(&getContext());
  DominanceInfo dominance(function);
  eliminateCommonSubExpressions(rewriter, dominance, function);
  SmallVector<Block *> blocks;
  collectBlocks(function, blocks);
  OpBuilder builder(function);
  for (Block *block : llvm::reverse(blocks))
    eraseUnused(*block);
  for (Block *block : blocks) {
    for (const Group &group : fuse ? groupByFusion(*block) : groupNothing(*block))
      outlineKernel(builder, group, llvm::formatv("k{0}_{1}", numKernels++, describeGroup(group)).str());
    sortTopologically(block); // What is launched is launched where the last of its operations was.
  }
  for (Block *block : llvm::reverse(blocks))
    eraseUnused(*block);
}

SmallVector<Group> FormKernelsPass::groupByFusion(Block &block) {
  FusionGroups groups(block);
  groups.fuse();
  groups.explain();
  return groups.getGroups();
}

} // namespace nncc::exec
