//===- Recognize.cpp - ops that exporters take apart are put together again -----------------------------------------------===//

#include "Recognize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-recognize"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_RECOGNIZE
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

static APFloat convert(APFloat number, const llvm::fltSemantics &semantics) {
  bool losesInfo = false;
  number.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return number;
}

std::optional<double> getNumber(Value value) {
  if (DenseElementsAttr elements = getConstant(value)) {
    if (!isa<FloatType>(elements.getElementType()) || !elements.isSplat())
      return std::nullopt;
    return convert(elements.getSplatValue<APFloat>(), APFloat::IEEEdouble()).convertToDouble();
  }
  if (auto full = value.getDefiningOp<FullOp>())
    return getNumber(full.getValue());
  // An infinity, too.
  auto cast = value.getDefiningOp<CastOp>();
  auto element = dyn_cast<FloatType>(typeOf(value).getElementType());
  if (cast && element)
    if (std::optional<double> number = getNumber(cast.getInput()))
      return convert(convert(APFloat(*number), element.getFloatSemantics()), APFloat::IEEEdouble()).convertToDouble();
  std::optional<SmallVector<double>> numbers = getConstantNumbers(value);
  return numbers && !numbers->empty() && llvm::all_equal(*numbers) ? std::optional(numbers->front()) : std::nullopt;
}

bool isNearly(double given, double wanted, Type element) {
  double tolerance = element.isF64() ? 1e-7 : element.isF32() ? 4e-6 : 1e-3;
  return std::abs(given - wanted) <= tolerance * std::max(std::abs(wanted), 1e-2);
}

Value getOtherOperand(Operation *op, Value other) {
  if (op->getOperand(0) == other)
    return op->getOperand(1);
  return op->getOperand(1) == other ? op->getOperand(0) : Value();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Polynomials
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {

std::optional<Polynomial> multiply(const Polynomial &a, const Polynomial &b) {
  Polynomial product{};
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b.size(); ++j) {
      double term = a[i] * b[j];
      if (term != 0 && i + j >= product.size())
        return std::nullopt;
      if (i + j < product.size())
        product[i + j] += term;
    }
  return product;
}

Polynomial addScaled(const Polynomial &a, const Polynomial &b, double factor) {
  Polynomial sum = a;
  for (size_t i = 0; i < sum.size(); ++i)
    sum[i] += factor * b[i];
  return sum;
}

/// Writes `value` as a polynomial of `x`. The cubes of activations are some six ops.
class PolynomialReader {
public:
  explicit PolynomialReader(Value x) : x(x) {}

  std::optional<Polynomial> read(Value value) {
    if (value == x)
      return Polynomial{0, 1};
    if (std::optional<double> number = getNumber(value))
      return Polynomial{*number};
    Operation *op = value.getDefiningOp();
    if (!op || ++opsSeen > 16)
      return std::nullopt;
    if (isa<NegOp>(op))
      return combine(Polynomial{}, read(op->getOperand(0)), -1);
    if (isa<AddOp, SubOp>(op)) {
      std::optional<Polynomial> left = read(op->getOperand(0));
      return left ? combine(*left, read(op->getOperand(1)), isa<AddOp>(op) ? 1 : -1) : left;
    }
    if (isa<DivOp>(op)) {
      std::optional<double> divisor = getNumber(op->getOperand(1));
      return divisor ? combine(Polynomial{}, read(op->getOperand(0)), 1 / *divisor) : std::nullopt;
    }
    if (isa<MulOp>(op)) {
      std::optional<Polynomial> left = read(op->getOperand(0)), right = read(op->getOperand(1));
      return left && right ? multiply(*left, *right) : std::nullopt;
    }
    return isa<PowOp>(op) ? readPower(op) : std::nullopt;
  }

private:
  static std::optional<Polynomial> combine(const Polynomial &a, const std::optional<Polynomial> &b, double factor) {
    return b ? std::optional(addScaled(a, *b, factor)) : std::nullopt;
  }

  std::optional<Polynomial> readPower(Operation *op) {
    std::optional<double> exponent = getNumber(op->getOperand(1));
    std::optional<Polynomial> base = read(op->getOperand(0));
    if (!base || !exponent || (*exponent != 2 && *exponent != 3))
      return std::nullopt;
    std::optional<Polynomial> square = multiply(*base, *base);
    return square && *exponent == 3 ? multiply(*square, *base) : square;
  }

  Value x;
  unsigned opsSeen = 0;
};

void collectFactors(Value value, bool isRoot, unsigned depth, Product &product) {
  if (std::optional<double> number = getNumber(value)) {
    product.number *= *number;
    return;
  }
  Operation *op = value.getDefiningOp();
  bool isInner = op && depth < 6 && (isRoot || value.hasOneUse());
  if (isInner && isa<MulOp>(op)) {
    collectFactors(op->getOperand(0), false, depth + 1, product);
    collectFactors(op->getOperand(1), false, depth + 1, product);
    return;
  }
  std::optional<double> divisor = isInner && isa<DivOp>(op) ? getNumber(op->getOperand(1)) : std::nullopt;
  if (!divisor || *divisor == 0) {
    product.factors.push_back(value);
    return;
  }
  product.number /= *divisor;
  collectFactors(op->getOperand(0), false, depth + 1, product);
}

} // namespace

std::optional<Polynomial> asPolynomial(Value value, Value x) { return PolynomialReader(x).read(value); }

Product Product::of(Value value) {
  Product product;
  collectFactors(value, /*isRoot=*/true, 0, product);
  return product;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {

struct RecognizePass : impl::RecognizeBase<RecognizePass> {
  using RecognizeBase::RecognizeBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateRecognizeActivations(patterns);
    populateRecognizeNorms(patterns);
    populateRecognizeAttention(patterns, roundsScores);
    populateNarrowMasks(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc::nn
