//===- HoistConstants.cpp - what depends on constants alone moves to @weights ---------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "nn-hoist-constants"

using namespace mlir;

namespace nncc::nn {

#define GEN_PASS_DEF_HOISTCONSTANTS
#include "nncc/Dialect/NN/Transforms/Passes.h.inc"

namespace {

/// Tensors up to this size stay in the IR: shapes, axes, scalars, which later passes read.
constexpr int64_t kInlineBytes = 64;

/// Bytes of a static tensor of numbers; nothing for others, and on overflow.
std::optional<int64_t> bytesOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return std::nullopt;
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bytes, size, bytes))
      return std::nullopt;
  return bytes;
}

struct HoistConstantsPass : impl::HoistConstantsBase<HoistConstantsPass> {
  using HoistConstantsBase::HoistConstantsBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    llvm::SetVector<Operation *> constant = collectConstant(main);
    SmallVector<Value> frontier = collectFrontier(constant);
    if (frontier.empty())
      return;
    moveToWeights(main, constant, frontier);
  }

private:
  llvm::SetVector<Operation *> collectConstant(func::FuncOp main) {
    llvm::SetVector<Operation *> constant;
    main.walk([&](Operation *op) {
      if (isa<WeightOp, ConstantOp>(op) || (isFoldable(op) && llvm::all_of(op->getOperands(), [&](Value operand) {
                                              return operand.getDefiningOp() &&
                                                     constant.contains(operand.getDefiningOp());
                                            })))
        constant.insert(op);
    });
    return constant;
  }

  bool isFoldable(Operation *op) {
    if (!isa<NNDialect>(op->getDialect()) || op->getNumResults() == 0 || op->getNumRegions() || !isPure(op) ||
        isa<FoldedOp>(op))
      return false;
    int64_t operandBytes = 0, resultBytes = 0;
    for (Value operand : op->getOperands())
      operandBytes += bytesOf(operand).value_or(0);
    for (Value result : op->getResults()) {
      std::optional<int64_t> bytes = bytesOf(result);
      if (!bytes)
        return false;
      resultBytes += *bytes;
    }
    return resultBytes <= std::max<int64_t>(operandBytes, maxBytes);
  }

  /// Constant values that the rest of the program uses. Small constants are copied rather than hoisted.
  static SmallVector<Value> collectFrontier(const llvm::SetVector<Operation *> &constant) {
    SmallVector<Value> frontier;
    for (Operation *op : constant)
      for (Value result : op->getResults())
        if (!staysInline(result) &&
            llvm::any_of(result.getUsers(), [&](Operation *user) { return !constant.contains(user); }))
          frontier.push_back(result);
    return frontier;
  }

  static bool staysInline(Value value) {
    DenseElementsAttr elements = getConstant(value);
    return elements && (elements.isSplat() || bytesOf(value).value_or(0) <= kInlineBytes);
  }

  void moveToWeights(func::FuncOp main, const llvm::SetVector<Operation *> &constant, ArrayRef<Value> frontier) {
    OpBuilder b(main);
    SmallVector<Type> types = llvm::map_to_vector(frontier, [](Value value) { return value.getType(); });
    auto weights = func::FuncOp::create(b, getOperation().getLoc(), "weights", b.getFunctionType({}, types));
    weights.setPrivate();
    b.setInsertionPointToStart(weights.addEntryBlock());
    IRMapping mapping;
    for (Operation *op : constant)
      b.clone(*op, mapping);
    func::ReturnOp::create(b, weights.getLoc(),
                           llvm::map_to_vector(frontier, [&](Value value) { return mapping.lookup(value); }));
    for (size_t index = 0; index < frontier.size(); ++index) {
      Value value = frontier[index];
      b.setInsertionPointAfterValue(value);
      auto folded = FoldedOp::create(b, value.getLoc(), value.getType(), index);
      value.replaceUsesWithIf(folded.getResult(), [&](OpOperand &use) { return !constant.contains(use.getOwner()); });
    }
    for (Operation *op : llvm::reverse(constant))
      if (op->use_empty())
        op->erase();
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(weights.getBody().front())))
      if (op.use_empty() && isa<NNDialect>(op.getDialect()))
        op.erase();
  }
};

} // namespace
} // namespace nncc::nn
