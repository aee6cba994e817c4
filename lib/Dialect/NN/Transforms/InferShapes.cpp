//===- InferShapes.cpp - refine result types ------------------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "nncc/Dialect/NN/IR/Control.h"
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
    for (Block &block : getOperation().getBody())
      refine(block);
    if (failedOnce)
      return signalPassFailure();
    updateSignature();
  }

private:
  /// In program order; an nn.if whose condition turns out to be known gives way to its branch, which is refined then.
  void refine(Block &block) {
    for (Block::iterator next = block.begin(); next != block.end();) {
      Operation *op = &*next++;
      auto branch = dyn_cast<IfOp>(op);
      auto condition = branch ? getConstantInts(branch.getCondition()) : std::nullopt;
      if (condition && condition->size() == 1) {
        if (Operation *first = branch.replaceByBranch(condition->front() != 0))
          next = Block::iterator(first);
        continue;
      }
      for (Region &region : op->getRegions())
        for (Block &inner : region)
          refine(inner);
      failedOnce |= failed(op->getNumRegions() ? refineControl(op) : refine(op));
    }
  }

  /// Regions say what becomes of the results.
  static LogicalResult refineControl(Operation *op) {
    auto complain = [&] { return op->emitOpError(); };
    FailureOr<SmallVector<RankedTensorType>> types = SmallVector<RankedTensorType>();
    if (auto branch = dyn_cast<IfOp>(op))
      types = branch.joinTypes(complain);
    else if (auto loop = dyn_cast<LoopOp>(op))
      types = loop.joinTypes(complain);
    if (failed(types))
      return failure();
    for (auto [result, type] : llvm::zip(op->getResults(), *types))
      result.setType(mergeTypes(cast<RankedTensorType>(result.getType()), type));
    return success();
  }

  static LogicalResult refine(Operation *op) {
    auto infer = dyn_cast<InferTypeOpInterface>(op);
    if (!infer || !isa<NNDialect>(op->getDialect()))
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

  bool failedOnce = false;
};

} // namespace
} // namespace nncc::nn
