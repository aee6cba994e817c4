//===- ChannelsLast.cpp - one data layout for the whole graph -------------------------------------------------------------===//

#include "MoveTransposes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/IR/Convolution.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-channels-last"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_CHANNELSLAST
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

/// O x C/G x K1.. -> G x K1.. x C/G x O/G.
Value packFilter(PatternRewriter &rewriter, Location loc, Value filter, int64_t groups) {
  RankedTensorType type = typeOf(filter);
  int64_t rank = type.getRank();
  SmallVector<int64_t> grouped = {groups, type.getDimSize(0) / groups};
  llvm::append_range(grouped, type.getShape().drop_front());
  auto shapeType = RankedTensorType::get({rank + 1}, rewriter.getI64Type());
  auto shape = ConstantOp::create(rewriter, loc, DenseElementsAttr::get(shapeType, ArrayRef(grouped)));
  auto split = ReshapeOp::create(rewriter, loc, filter, shape, /*allowzero=*/true);
  SmallVector<int64_t> permutation = {0};
  for (int64_t i = 3; i <= rank; ++i)
    permutation.push_back(i);
  permutation.append({2, 1});
  return TransposeOp::create(rewriter, loc, split, permutation);
}

struct ConvChannelsLast : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override {
    if (op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "channels are last already");
    if (!typeOf(op.getFilter()).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "the filter's size is not known");
    Location loc = op.getLoc();
    int64_t rank = typeOf(op.getInput()).getRank();
    Value input = TransposeOp::create(rewriter, loc, op.getInput(), toChannelsLast(rank));
    Value filter = packFilter(rewriter, loc, op.getFilter(), op.getGroups());
    auto conv = ConvOp::create(rewriter, loc, input, filter, op.getBias(), op.getOutside(), op.getStridesAttr(),
                               op.getDilationsAttr(), op.getPadsAttr(), op.getGroupsAttr(), rewriter.getUnitAttr());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), conv,
                                             rewriter.getDenseI64ArrayAttr(toChannelsFirst(rank)));
    return success();
  }
};

struct ChannelsLastPass : impl::ChannelsLastBase<ChannelsLastPass> {
  using ChannelsLastBase::ChannelsLastBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvChannelsLast>(&getContext());
    if (propagate) {
      populateMoveTransposes(patterns);
      populateFlattenedMatrices(patterns);
    }
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc::nn
