//===- ExpandMath.cpp - operations of the math dialect as plain arithmetic ------------------------------------------------===//

#include "Math/Expansions.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "nncc/CPU/Passes.h"

using namespace mlir;
using namespace nncc::cpu;

#define DEBUG_TYPE "nncc-expand-math"

namespace nncc::cpu {
#define GEN_PASS_DEF_EXPANDMATH
#include "nncc/CPU/Passes.h.inc"
} // namespace nncc::cpu

namespace {

using lanes::Float;

/// Scalars and vectors of f32.
bool isF32Lanes(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return !(vector && vector.isScalable()) && getElementTypeOrSelf(type).isF32();
}

template <typename Op, Float (*expansion)(Float)> struct ExpandUnary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    rewriter.replaceOp(op, expansion({&site, op.getOperand()}).value);
    return success();
  }
};

struct ExpandFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    if (!isF32Lanes(op.getType()))
      return rewriter.notifyMatchFailure(op, "not lanes of f32");
    lanes::Site site{rewriter, op.getLoc()};
    auto lane = [&](Value value) { return Float{&site, value}; };
    rewriter.replaceOp(op, lanes::fmaByF64(lane(op.getA()), lane(op.getB()), lane(op.getC())).value);
    return success();
  }
};

struct ExpandMath : nncc::cpu::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<ExpandUnary<math::ExpOp, lanes::exp>, ExpandUnary<math::LogOp, lanes::log>,
            ExpandUnary<math::TanhOp, lanes::tanh>, ExpandUnary<math::ErfOp, lanes::erf>>(context);
    functions = std::move(set);
    RewritePatternSet sse2Set(context);
    sse2Set.add<ExpandFma>(context);
    sse2Operations = std::move(sse2Set);
    return success();
  }

  void runOnOperation() override {
    walkAndApplyPatterns(getOperation(), functions);
    if (sse2)
      walkAndApplyPatterns(getOperation(), sse2Operations);
  }

private:
  FrozenRewritePatternSet functions, sse2Operations;
};

} // namespace
