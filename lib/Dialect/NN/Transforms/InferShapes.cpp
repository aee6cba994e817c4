//===- InferShapes.cpp - refine result types ------------------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"

#define DEBUG_TYPE "nn-infer-shapes"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_INFERSHAPES
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

/// Both say something about one tensor: take the more precise size of each dim.
RankedTensorType mergeTypes(RankedTensorType declared, RankedTensorType inferred) {
  SmallVector<Dim> dims;
  for (int64_t i = 0; i < declared.getRank(); ++i) {
    Dim old = Dim::of(declared, i), now = Dim::of(inferred, i);
    dims.push_back(now.isStatic() || old.isUnknown() ? now : old);
  }
  return makeTensorType(dims, declared.getElementType());
}

struct InferShapesPass : impl::InferShapesBase<InferShapesPass> {
  void runOnOperation() override {
    bool failedOnce = false;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) { failedOnce |= failed(refine(op)); });
    if (failedOnce)
      return signalPassFailure();
    updateSignature();
  }

private:
  static LogicalResult refine(Operation *op) {
    auto infer = dyn_cast<InferTypeOpInterface>(op);
    if (!infer || !isa<NNDialect>(op->getDialect()) || op->getNumRegions())
      return success();
    SmallVector<Type> types;
    if (failed(infer.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(), op->getRawDictionaryAttrs(),
                                      op->getPropertiesStorage(), op->getRegions(), types)))
      return failure();
    for (auto [result, type] : llvm::zip_equal(op->getResults(), types)) {
      auto declared = dyn_cast<RankedTensorType>(result.getType());
      auto inferred = dyn_cast<RankedTensorType>(type);
      if (declared && inferred && declared.getRank() == inferred.getRank())
        result.setType(mergeTypes(declared, inferred));
    }
    return success();
  }

  void updateSignature() {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    Operation *terminator = func.getBody().front().getTerminator();
    func.setType(FunctionType::get(func.getContext(), func.getArgumentTypes(), terminator->getOperandTypes()));
  }
};

} // namespace
} // namespace nncc::nn
