//===- RecognizeNorms.cpp - layer and RMS normalisations from means, roots and quotients ----------------------------------===//

#include "Recognize.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Normalization.h"
#include "nncc/Dialect/NN/IR/Reduction.h"

using namespace mlir;

namespace nncc::nn {
namespace {

/// The first of the trailing axes that `value` is the mean over, dims kept; nothing if it is something else.
std::optional<int64_t> getAxisOfMean(Value value) {
  auto mean = value.getDefiningOp<ReduceOp>();
  if (!mean || mean.getKind() != "mean" || !mean.getKeepdims() || mean.getAxes().empty())
    return std::nullopt;
  SmallVector<int64_t> axes(mean.getAxes());
  llvm::sort(axes);
  int64_t rank = typeOf(mean.getInput()).getRank(), first = axes.front();
  return rank - first == int64_t(axes.size()) ? std::optional(first) : std::nullopt;
}

/// x of x * x or x ^ 2.
Value getSquared(Value value) {
  if (auto product = value.getDefiningOp<MulOp>(); product && product.getLhs() == product.getRhs())
    return product.getLhs();
  auto power = value.getDefiningOp<PowOp>();
  return power && getNumber(power.getRhs()) == 2.0 ? power.getLhs() : Value();
}

/// The value whose root `value` is: sqrt(x) or x ^ 1/2.
Value getUnderRoot(Value value) {
  if (auto root = value.getDefiningOp<SqrtOp>())
    return root.getInput();
  auto power = value.getDefiningOp<PowOp>();
  return power && getNumber(power.getRhs()) == 0.5 ? power.getLhs() : Value();
}

/// The value whose inverse root `value` is: 1 / sqrt(x) or x ^ -1/2.
Value getUnderInverseRoot(Value value) {
  if (auto reciprocal = value.getDefiningOp<ReciprocalOp>())
    return getUnderRoot(reciprocal.getInput());
  if (auto quotient = value.getDefiningOp<DivOp>(); quotient && getNumber(quotient.getLhs()) == 1.0)
    return getUnderRoot(quotient.getRhs());
  auto power = value.getDefiningOp<PowOp>();
  return power && getNumber(power.getRhs()) == -0.5 ? power.getLhs() : Value();
}

/// What is normalised: `x` over the dims from `axis` on.
struct Norm {
  Value x;
  int64_t axis;
  double epsilon;
};

/// `under` is the mean of the squares of `x`, plus a number.
std::optional<Norm> getNorm(Value x, Value under) {
  auto sum = under ? under.getDefiningOp<AddOp>() : AddOp();
  for (unsigned number : {0, 1}) {
    std::optional<double> epsilon = sum ? getNumber(sum->getOperand(number)) : std::nullopt;
    std::optional<int64_t> axis = epsilon ? getAxisOfMean(sum->getOperand(1 - number)) : std::nullopt;
    if (!axis || *epsilon < 0)
      continue;
    auto mean = sum->getOperand(1 - number).getDefiningOp<ReduceOp>();
    if (getSquared(mean.getInput()) == x)
      return Norm{x, *axis, *epsilon};
  }
  return std::nullopt;
}

/// Replaces `op`, a normalised x, by nn.layer_norm where x has its mean taken off, else by nn.rms_norm.
void replaceByNorm(Operation *op, const Norm &norm, PatternRewriter &rewriter) {
  Type type = op->getResult(0).getType();
  auto axis = rewriter.getI64IntegerAttr(norm.axis);
  auto epsilon = rewriter.getF64FloatAttr(norm.epsilon);
  auto centred = norm.x.getDefiningOp<SubOp>();
  if (centred && getAxisOfMean(centred.getRhs()) == norm.axis &&
      centred.getRhs().getDefiningOp<ReduceOp>().getInput() == centred.getLhs() && centred.getLhs().getType() == type)
    rewriter.replaceOpWithNewOp<LayerNormOp>(op, type, centred.getLhs(), Value(), Value(), axis, epsilon);
  else
    rewriter.replaceOpWithNewOp<RMSNormOp>(op, type, norm.x, Value(), Value(), axis, epsilon);
}

/// x / sqrt(..).
struct NormOfQuotient : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    std::optional<Norm> norm = getNorm(op.getLhs(), getUnderRoot(op.getRhs()));
    if (!norm || op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the divisor is no root of a mean of squares");
    replaceByNorm(op, *norm, rewriter);
    return success();
  }
};

/// x * (1 / sqrt(..)), either way round.
struct NormOfProduct : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    for (unsigned inverse : {0, 1}) {
      Value x = op->getOperand(1 - inverse);
      std::optional<Norm> norm = getNorm(x, getUnderInverseRoot(op->getOperand(inverse)));
      if (!norm || x.getType() != op.getType())
        continue;
      replaceByNorm(op, *norm, rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no factor is an inverse root of a mean of squares");
  }
};

/// The normalisation that made one operand of `op` for it alone, and the other operand, which may be its scale or bias.
template <typename NormTy> std::pair<NormTy, Value> splitParameter(Operation *op) {
  for (unsigned parameter : {0, 1}) {
    auto norm = op->getOperand(1 - parameter).getDefiningOp<NormTy>();
    Value other = op->getOperand(parameter);
    if (norm && norm->hasOneUse() && norm.getType() == op->getResult(0).getType() &&
        broadcastsBehind(typeOf(other), typeOf(norm.getInput()), norm.getAxis()))
      return {norm, other};
  }
  return {NormTy(), Value()};
}

/// A factor behind a normalisation is its scale.
template <typename NormTy> struct ScaledNorm : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    auto [norm, scale] = splitParameter<NormTy>(op);
    if (!norm || norm.getScale() || norm.getBias())
      return rewriter.notifyMatchFailure(op, "is no product of a normalisation and a scale");
    rewriter.replaceOpWithNewOp<NormTy>(op, op.getType(), norm.getInput(), scale, Value(), norm.getAxisAttr(),
                                        norm.getEpsilonAttr());
    return success();
  }
};

/// An addend behind a normalisation is its bias.
template <typename NormTy> struct ShiftedNorm : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    auto [norm, bias] = splitParameter<NormTy>(op);
    if (!norm || norm.getBias())
      return rewriter.notifyMatchFailure(op, "is no sum of a normalisation and a bias");
    rewriter.replaceOpWithNewOp<NormTy>(op, op.getType(), norm.getInput(), norm.getScale(), bias, norm.getAxisAttr(),
                                        norm.getEpsilonAttr());
    return success();
  }
};

} // namespace

void populateRecognizeNorms(RewritePatternSet &patterns) {
  patterns.add<NormOfQuotient, NormOfProduct, ScaledNorm<LayerNormOp>, ShiftedNorm<LayerNormOp>, ScaledNorm<RMSNormOp>,
               ShiftedNorm<RMSNormOp>>(patterns.getContext());
}

} // namespace nncc::nn
