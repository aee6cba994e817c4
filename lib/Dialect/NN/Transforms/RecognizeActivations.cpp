//===- RecognizeActivations.cpp - GELU, SiLU and HardSwish from products and sums -----------------------------------------===//

#include "Recognize.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {
namespace {

/// A product of a number, an x and something that is computed from x alone.
struct SelfProduct {
  double number;
  Value x, function;
};

/// Both ways to see `op` as such a product: either factor may be x.
SmallVector<SelfProduct, 2> getSelfProducts(Operation *op) {
  Value result = op->getResult(0);
  Product product = Product::of(result);
  SmallVector<SelfProduct, 2> found;
  if (product.factors.size() == 2 && isa<FloatType>(typeOf(result).getElementType()))
    for (unsigned x : {0, 1})
      if (product.factors[x].getType() == result.getType())
        found.push_back({product.number, product.factors[x], product.factors[1 - x]});
  return found;
}

bool areNearly(const Polynomial &given, const Polynomial &wanted, Type element) {
  return llvm::all_of_zip(given, wanted, [&](double x, double y) { return isNearly(x, y, element); });
}

/// The kind of GELU that x / 2 * `function` is; empty: none.
StringRef getGeluKind(Value function, Value x) {
  Type element = typeOf(x).getElementType();
  auto sum = function.getDefiningOp<AddOp>();
  if (!sum)
    return "";
  for (unsigned one : {0, 1}) {
    Operation *inner = sum->getOperand(1 - one).getDefiningOp();
    if (getNumber(sum->getOperand(one)) != 1.0 || !isa_and_nonnull<ErfOp, TanhOp>(inner))
      continue;
    std::optional<Polynomial> argument = asPolynomial(inner->getOperand(0), x);
    if (!argument)
      continue;
    constexpr double ofErf = 0.70710678118654752, ofTanh = 0.79788456080286536;
    if (isa<ErfOp>(inner) && areNearly(*argument, {0, ofErf}, element))
      return "erf";
    if (isa<TanhOp>(inner) && areNearly(*argument, {0, ofTanh, 0, ofTanh * 0.044715}, element))
      return "tanh";
  }
  return "";
}

/// 1 / (1 + e^-x).
bool isSigmoid(Value value, Value x) {
  if (auto sigmoid = value.getDefiningOp<SigmoidOp>())
    return sigmoid.getInput() == x;
  return false;
}

/// Whether `number` times `function` is min(max(x / 6 + 1/2, 0), 1), whatever number the bounds carry.
bool isHardSigmoid(Value function, Value x, double number) {
  Operation *outer = function.getDefiningOp();
  if (!isa_and_nonnull<MinOp, MaxOp>(outer))
    return false;
  for (unsigned bound : {0, 1}) {
    std::optional<double> outerBound = getNumber(outer->getOperand(bound));
    Operation *inner = outer->getOperand(1 - bound).getDefiningOp();
    if (!outerBound || !isa_and_nonnull<MinOp, MaxOp>(inner) || isa<MinOp>(inner) == isa<MinOp>(outer))
      continue;
    for (unsigned other : {0, 1}) {
      std::optional<double> innerBound = getNumber(inner->getOperand(other));
      std::optional<Polynomial> line = asPolynomial(inner->getOperand(1 - other), x);
      if (!innerBound || !line)
        continue;
      double low = isa<MaxOp>(inner) ? *innerBound : *outerBound, high = isa<MaxOp>(inner) ? *outerBound : *innerBound;
      Type element = typeOf(x).getElementType();
      Polynomial scaled{(*line)[0] * number, (*line)[1] * number, (*line)[2], (*line)[3]};
      if (number > 0 && low == 0 && isNearly(high * number, 1, element) && areNearly(scaled, {0.5, 1.0 / 6}, element))
        return true;
    }
  }
  return false;
}

/// An activation that ends with a product, or with a quotient by a number.
template <typename OpTy> struct ActivationOfProduct : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    for (const SelfProduct &product : getSelfProducts(op)) {
      Type element = typeOf(op).getElementType();
      StringRef gelu = getGeluKind(product.function, product.x);
      if (!gelu.empty() && isNearly(product.number, 0.5, element)) {
        rewriter.replaceOpWithNewOp<GeluOp>(op, op.getType(), gelu, product.x);
        return success();
      }
      if (product.number == 1 && isSigmoid(product.function, product.x)) {
        rewriter.replaceOpWithNewOp<SiluOp>(op, op.getType(), product.x);
        return success();
      }
      if (isHardSigmoid(product.function, product.x, product.number)) {
        rewriter.replaceOpWithNewOp<HardSwishOp>(op, op.getType(), product.x);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(op, "is no product of x and an activation's function of x");
  }
};

/// x / (1 + e^-x).
struct SiluOfQuotient : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    auto sum = op.getRhs().getDefiningOp<AddOp>();
    for (unsigned one : {0, 1}) {
      auto power = sum ? sum->getOperand(1 - one).getDefiningOp<ExpOp>() : ExpOp();
      auto negative = power ? power.getInput().getDefiningOp<NegOp>() : NegOp();
      if (!negative || negative.getInput() != op.getLhs() || getNumber(sum->getOperand(one)) != 1.0 ||
          op.getLhs().getType() != op.getType())
        continue;
      rewriter.replaceOpWithNewOp<SiluOp>(op, op.getType(), op.getLhs());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "is not x / (1 + e^-x)");
  }
};

} // namespace

void populateRecognizeActivations(RewritePatternSet &patterns) {
  patterns.add<ActivationOfProduct<MulOp>, ActivationOfProduct<DivOp>, SiluOfQuotient>(patterns.getContext());
}

} // namespace nncc::nn
