//===- Simplify.cpp - arithmetic that has a cheaper form ------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-simplify"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_SIMPLIFY
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

/// The number that all elements of a constant of floats are.
std::optional<APFloat> getNumber(Value value) {
  DenseElementsAttr elements = getConstant(value);
  if (!elements || !isa<FloatType>(elements.getElementType()) || !elements.isSplat())
    return std::nullopt;
  return elements.getSplatValue<APFloat>();
}

Value createNumber(PatternRewriter &rewriter, Location loc, Type element, const APFloat &number) {
  return ConstantOp::create(rewriter, loc, DenseElementsAttr::get(RankedTensorType::get({}, element), number));
}

/// x / 8 is x * 0.125, exactly.
struct QuotientByPowerOfTwo : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    std::optional<APFloat> divisor = getNumber(op.getRhs());
    APFloat inverse(0.0);
    if (!divisor || !divisor->getExactInverse(&inverse) || op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the divisor is no power of two");
    Value factor = createNumber(rewriter, op.getLoc(), typeOf(op).getElementType(), inverse);
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getLhs(), factor);
    return success();
  }
};

/// Whether reciprocals of the elements are finite wherever they are not 0, so that they are as exact as quotients: roots, which are
/// never subnormal, and sums of e ^ (x - max), to which the largest x adds 1.
bool hasReciprocals(Value value) {
  if (value.getDefiningOp<SqrtOp>())
    return true;
  auto sum = value.getDefiningOp<ReduceOp>();
  auto power = sum && sum.getKind() == "sum" ? sum.getInput().getDefiningOp<ExpOp>() : ExpOp();
  auto shifted = power ? power.getInput().getDefiningOp<SubOp>() : SubOp();
  auto largest = shifted ? shifted.getRhs().getDefiningOp<ReduceOp>() : ReduceOp();
  return largest && largest.getKind() == "max" && largest.getInput() == shifted.getLhs() &&
         largest.getAxes() == sum.getAxes();
}

/// A row divided by one number is multiplied with its reciprocal: one division a row (softmax, normalisations).
struct QuotientOfRow : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    RankedTensorType type = typeOf(op), divisor = typeOf(op.getRhs());
    bool isRow = type.getRank() > 0 && divisor.getRank() == type.getRank() && divisor.getShape().back() == 1 &&
                 type.getShape().back() != 1;
    if (!type.getElementType().isF32() || !isRow || !hasReciprocals(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "the divisor is not one number a row, or may be subnormal");
    Value inverse = ReciprocalOp::create(rewriter, op.getLoc(), op.getRhs());
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getLhs(), inverse);
    return success();
  }
};

/// erf(x / sqrt(2)), of a GELU, without a division: the argument differs by half a unit in the last place.
struct ErfOfQuotient : OpRewritePattern<ErfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ErfOp op, PatternRewriter &rewriter) const override {
    auto quotient = op.getInput().getDefiningOp<DivOp>();
    std::optional<APFloat> divisor = quotient ? getNumber(quotient.getRhs()) : std::nullopt;
    if (!divisor || !typeOf(op).getElementType().isF32() || quotient.getLhs().getType() != quotient.getType() ||
        std::abs(divisor->convertToDouble() - 1.4142135623730951) > 1e-3)
      return rewriter.notifyMatchFailure(op, "the argument is no quotient by the root of 2");
    Value factor = createNumber(rewriter, op.getLoc(), typeOf(op).getElementType(),
                                APFloat(float(1 / divisor->convertToDouble())));
    Value product = MulOp::create(rewriter, op.getLoc(), quotient.getLhs(), factor);
    rewriter.replaceOpWithNewOp<ErfOp>(op, product);
    return success();
  }
};

/// Movement that moves nothing.
struct ExpandToSame : OpRewritePattern<ExpandOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ExpandOp op, PatternRewriter &rewriter) const override {
    if (op.getInput().getType() != op.getType() || !typeOf(op).hasStaticShape())
      return rewriter.notifyMatchFailure(op, "the size may change");
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

struct SliceOfAll : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    std::optional<SmallVector<int64_t>> steps = getConstantInts(op.getSteps());
    if (op.getInput().getType() != op.getType() || !typeOf(op).hasStaticShape() || !steps ||
        llvm::any_of(*steps, [](int64_t step) { return step < 1; }))
      return rewriter.notifyMatchFailure(op, "the size may change, or the order");
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

struct ConcatOfOne : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    if (op.getInputs().size() != 1 || op.getInputs().front().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "there are more operands");
    rewriter.replaceOp(op, op.getInputs().front());
    return success();
  }
};

/// Whether `value` has at least as many elements as `other`, whatever the sizes.
bool hasAsMany(Value value, Value other) {
  auto count = [](Value tensor) {
    Dim product(1);
    for (const Dim &dim : getDims(typeOf(tensor)))
      product = product * dim;
    return product;
  };
  Dim most = count(value), least = count(other);
  return !most.isUnknown() && !least.isUnknown() && (most - least).isAtLeast(0);
}

/// pick(cast(x)) is cast(pick(x)). What picks elements reads anywhere, so that an argument that is cast for it alone takes a kernel; what
/// is picked is cast where it is used.
struct CastWhatIsPicked : RewritePattern {
  CastWhatIsPicked(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isa<GatherOp, GatherElementsOp, GatherNDOp, SliceOp>(op))
      return rewriter.notifyMatchFailure(op, "picks no elements");
    auto cast = op->getOperand(0).getDefiningOp<CastOp>();
    if (!cast || !cast->hasOneUse() || !isa<BlockArgument>(cast.getInput()) || !hasAsMany(cast, op->getResult(0)))
      return rewriter.notifyMatchFailure(op, "no argument is cast for it alone, or it picks more than there is");
    Type type = op->getResult(0).getType();
    Operation *picked = rewriter.clone(*op), *after = rewriter.clone(*cast);
    picked->setOperand(0, cast.getInput());
    picked->getResult(0).setType(withElementType(type, typeOf(cast.getInput()).getElementType()));
    after->setOperand(0, picked->getResult(0));
    after->getResult(0).setType(type);
    rewriter.replaceOp(op, after);
    return success();
  }
};

struct SimplifyPass : impl::SimplifyBase<SimplifyPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<QuotientByPowerOfTwo, QuotientOfRow, ErfOfQuotient, ExpandToSame, SliceOfAll, ConcatOfOne,
                 CastWhatIsPicked>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc::nn
