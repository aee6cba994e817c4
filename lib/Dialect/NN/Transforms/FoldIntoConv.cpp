//===- FoldIntoConv.cpp - constant factors, addends and pads become part of a convolution ---------------------------------===//

#include "Constants.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/IR/Convolution.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Pooling.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-fold-into-conv"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_FOLDINTOCONV
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

/// The convolution of floats, with constant parameters, that made `value` for one user alone.
ConvOp getFoldable(Value value) {
  auto conv = value.getDefiningOp<ConvOp>();
  bool matches = conv && conv->hasOneUse() && !conv.getChannelsLast() &&
                 isa<FloatType>(typeOf(conv).getElementType()) && typeOf(conv.getFilter()).hasStaticShape() &&
                 isConstant(conv.getFilter()) && (!conv.getBias() || isConstant(conv.getBias()));
  return matches ? conv : ConvOp();
}

/// A constant that differs at most along the channels of `conv`, as a tensor of `shape`, of which `dim` are the channels; null if it is
/// none.
Value getAlongChannels(PatternRewriter &rewriter, ConvOp conv, Value value, int64_t rank, int64_t dim) {
  RankedTensorType type = typeOf(value);
  int64_t channels = typeOf(conv.getFilter()).getDimSize(0), resultRank = typeOf(conv).getRank();
  if (!isConstant(value) || !type.hasStaticShape() || type.getRank() > resultRank)
    return {};
  for (int64_t i = 0; i < type.getRank(); ++i) {
    bool isChannels = i + resultRank - type.getRank() == 1;
    if (type.getDimSize(i) != 1 && !(isChannels && type.getDimSize(i) == channels))
      return {};
  }
  SmallVector<Dim> sizes(rank, Dim(1));
  sizes[dim] = Dim(type.getNumElements());
  return reshapeTo(rewriter, conv.getLoc(), value, sizes);
}

/// The convolution that made one of the two operands, and the other operand.
std::pair<ConvOp, Value> splitOperands(Operation *op) {
  if (ConvOp conv = getFoldable(op->getOperand(0)))
    return {conv, op->getOperand(1)};
  return {getFoldable(op->getOperand(1)), op->getOperand(0)};
}

/// conv(x, w) * s is conv(x, w * s): a batch normalisation's first half.
struct ScaledConv : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    auto [conv, factor] = splitOperands(op);
    if (!conv || op.getType() != conv.getType())
      return rewriter.notifyMatchFailure(op, "no operand is a convolution with constant parameters");
    Value ofFilter = getAlongChannels(rewriter, conv, factor, typeOf(conv.getFilter()).getRank(), 0);
    Value ofBias = getAlongChannels(rewriter, conv, factor, 1, 0);
    if (!ofFilter || !ofBias)
      return rewriter.notifyMatchFailure(op, "the factor is no constant along the channels");
    Value filter = MulOp::create(rewriter, op.getLoc(), conv.getFilter(), ofFilter), bias = conv.getBias();
    if (bias)
      bias = MulOp::create(rewriter, op.getLoc(), bias, ofBias);
    rewriter.replaceOpWithNewOp<ConvOp>(op, op.getType(), conv.getInput(), filter, bias, conv.getOutside(),
                                        conv.getStridesAttr(), conv.getDilationsAttr(), conv.getPadsAttr(),
                                        conv.getGroupsAttr(), UnitAttr());
    return success();
  }
};

/// conv(x, w) + b is the convolution with a bias.
struct BiasedConv : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    auto [conv, addend] = splitOperands(op);
    if (!conv || op.getType() != conv.getType())
      return rewriter.notifyMatchFailure(op, "no operand is a convolution with constant parameters");
    Value bias = getAlongChannels(rewriter, conv, addend, 1, 0);
    if (!bias)
      return rewriter.notifyMatchFailure(op, "the addend is no constant along the channels");
    int64_t channels = typeOf(conv.getFilter()).getDimSize(0);
    if (conv.getBias()) {
      bias = AddOp::create(rewriter, op.getLoc(), conv.getBias(), bias);
    } else if (typeOf(bias).getDimSize(0) != channels) {
      auto shape = DenseElementsAttr::get(RankedTensorType::get({1}, rewriter.getI64Type()), channels);
      bias = ExpandOp::create(rewriter, op.getLoc(), bias, ConstantOp::create(rewriter, op.getLoc(), shape));
    }
    rewriter.replaceOpWithNewOp<ConvOp>(op, op.getType(), conv.getInput(), conv.getFilter(), bias, conv.getOutside(),
                                        conv.getStridesAttr(), conv.getDilationsAttr(), conv.getPadsAttr(),
                                        conv.getGroupsAttr(), UnitAttr());
    return success();
  }
};

/// The pads of spatial dims, begins first, of a pad with zeros of these alone.
std::optional<SmallVector<int64_t>> getSpatialZeros(PadOp pad) {
  std::optional<SmallVector<int64_t>> pads = pad ? getConstantInts(pad.getPads()) : std::nullopt;
  if (!pads || pad.getMode() != "constant" || llvm::any_of(*pads, [](int64_t size) { return size < 0; }))
    return std::nullopt;
  if (pad.getValue()) {
    DenseElementsAttr value = getConstant(pad.getValue());
    bool isZero = value && isa<FloatType>(value.getElementType()) && value.getSplatValue<APFloat>().isZero();
    if (!isZero)
      return std::nullopt;
  }
  size_t rank = pads->size() / 2;
  if ((*pads)[0] || (*pads)[1] || (*pads)[rank] || (*pads)[rank + 1])
    return std::nullopt;
  SmallVector<int64_t> spatial(ArrayRef(*pads).slice(2, rank - 2));
  llvm::append_range(spatial, ArrayRef(*pads).slice(rank + 2, rank - 2));
  return spatial;
}

SmallVector<int64_t> addPads(ArrayRef<int64_t> x, ArrayRef<int64_t> y) {
  return llvm::map_to_vector(llvm::zip_equal(x, y), [](auto pair) { return std::get<0>(pair) + std::get<1>(pair); });
}

/// A convolution of padded zeros pads itself.
struct PaddedConv : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<PadOp>();
    std::optional<SmallVector<int64_t>> zeros = getSpatialZeros(pad);
    if (!zeros || op.getChannelsLast() || op.getOutside() ||
        llvm::any_of(op.getPads(), [](int64_t size) { return size < 0; }))
      return rewriter.notifyMatchFailure(op, "the input is not padded with zeros");
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(addPads(op.getPads(), *zeros));
      op.getInputMutable().assign(pad.getInput());
    });
    return success();
  }
};

/// A mean over padded zeros counts the pads, unless it had others.
struct PaddedPool : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<PadOp>();
    std::optional<SmallVector<int64_t>> zeros = getSpatialZeros(pad);
    bool hasPads = llvm::any_of(op.getPads(), [](int64_t size) { return size != 0; });
    if (!zeros || op.getKind() == "max" || op.getChannelsLast() || hasPads || op.getCeilMode())
      return rewriter.notifyMatchFailure(op, "no mean or sum of an input padded with zeros");
    rewriter.modifyOpInPlace(op, [&] {
      op.setPads(*zeros);
      op.setCountIncludePad(true);
      op.getInputMutable().assign(pad.getInput());
    });
    return success();
  }
};

struct FoldIntoConvPass : impl::FoldIntoConvBase<FoldIntoConvPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ScaledConv, BiasedConv, PaddedConv, PaddedPool>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc::nn
