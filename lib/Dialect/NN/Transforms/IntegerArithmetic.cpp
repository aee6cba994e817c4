//===- IntegerArithmetic.cpp - what is quantised is computed in integers --------------------------------------------------===//

#include "Quantized.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/ZeroPoints.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-integer-arithmetic"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_INTEGERARITHMETIC
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

bool isOneNumber(Value value) { return !value || typeOf(value).getNumElements() == 1; }

DequantizeOp getDequantizedBytes(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  bool matches = op && typeOf(op.getInput()).getElementTypeBitWidth() == 8 && typeOf(op).getElementType().isF32() &&
                 isOneNumber(op.getScale()) && isOneNumber(op.getZeroPoint());
  return matches ? op : DequantizeOp();
}

SmallVector<float> getScales(Value scale) {
  DenseElementsAttr elements = getConstant(scale);
  if (!elements || !elements.getElementType().isF32())
    return {};
  return llvm::to_vector(elements.getValues<float>());
}

bool areSameScales(Value x, Value y) {
  if (x == y)
    return true;
  SmallVector<float> left = getScales(x), right = getScales(y);
  if (left.empty() || right.empty() || (left.size() != right.size() && left.size() != 1 && right.size() != 1))
    return false;
  for (size_t i = 0, n = std::max(left.size(), right.size()); i < n; ++i) {
    float a = left[left.size() == 1 ? 0 : i], b = right[right.size() == 1 ? 0 : i];
    if (!(std::abs(a - b) <= 0x1p-22f * std::abs(a)))
      return false;
  }
  return true;
}

bool areSameZeroPoints(Value x, Value y) {
  if (x == y || (isZero(x) && isZero(y)))
    return true;
  DenseElementsAttr left = x ? getConstant(x) : DenseElementsAttr(), right = y ? getConstant(y) : DenseElementsAttr();
  return left && right && left.getElementType() == right.getElementType() &&
         llvm::equal(left.getValues<APInt>(), right.getValues<APInt>());
}

namespace {

struct IntegerArithmeticPass : impl::IntegerArithmeticBase<IntegerArithmeticPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateIntegerProducts(patterns);
    populateMoveQuantization(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc::nn
