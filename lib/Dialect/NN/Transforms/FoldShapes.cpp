//===- FoldShapes.cpp - known shapes become constants ---------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-fold-shapes"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_FOLDSHAPES
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

struct FoldShapesPass : impl::FoldShapesBase<FoldShapesPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<NNDialect>(op->getDialect()) && !op->getNumRegions())
        ops.push_back(op);
    });
    // From the back: the end of a chain becomes the constant, and what it was computed from dies.
    for (Operation *op : llvm::reverse(ops)) {
      if (!isa<ConstantOp>(op))
        for (OpResult result : op->getResults())
          replaceIfKnown(result);
      if (isOpTriviallyDead(op))
        op->erase();
    }
  }

private:
  static void replaceIfKnown(OpResult result) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    std::optional<SmallVector<int64_t>> elements = getConstantInts(result);
    if (!elements || result.use_empty())
      return;
    unsigned width = type.getElementTypeBitWidth();
    SmallVector<APInt> values = llvm::map_to_vector(
        *elements, [&](int64_t element) { return APInt(64, element, /*isSigned=*/true).sextOrTrunc(width); });
    OpBuilder b(result.getOwner());
    auto constant = ConstantOp::create(b, result.getLoc(), DenseElementsAttr::get(type, values));
    result.replaceAllUsesWith(constant.getResult());
  }
};

} // namespace
} // namespace nncc::nn
