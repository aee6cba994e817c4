//===- Constants.cpp - values that are known while compiling --------------------------------------------------------------===//

#include "Constants.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nncc::nn {

bool isConstant(Value value) {
  constexpr size_t kMaxOps = 32; // a batch normalisation's offset takes 12
  llvm::SetVector<Operation *> ops;
  if (!ops.insert(value.getDefiningOp()))
    return false;
  for (size_t next = 0; next < ops.size(); ++next) {
    Operation *op = ops[next];
    if (!op || op->getNumRegions() || !isa<NNDialect>(op->getDialect()) || ops.size() > kMaxOps)
      return false;
    if (op->getNumOperands() == 0 && !isa<ConstantOp, WeightOp, FoldedOp>(op))
      return false;
    for (Value operand : op->getOperands())
      ops.insert(operand.getDefiningOp());
  }
  return true;
}

Value reshapeTo(PatternRewriter &rewriter, Location loc, Value value, ArrayRef<Dim> sizes) {
  SmallVector<int64_t> shape;
  for (const Dim &size : sizes)
    shape.push_back(size.isStatic() ? size.getStatic() : -1);
  if (llvm::count(shape, -1) > 1 || (llvm::is_contained(shape, -1) && llvm::is_contained(shape, 0)))
    return {};
  auto type = RankedTensorType::get({int64_t(shape.size())}, rewriter.getI64Type());
  auto constant = ConstantOp::create(rewriter, loc, DenseElementsAttr::get(type, ArrayRef(shape)));
  return ReshapeOp::create(rewriter, loc, value, constant, /*allowzero=*/true);
}

} // namespace nncc::nn
