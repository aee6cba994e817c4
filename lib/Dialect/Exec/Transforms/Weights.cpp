//===- Weights.cpp - results of @weights that passes add ------------------------------------------------------------------===//

#include "Weights.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;

SmallVector<exec::ConvOp> exec::collectConvolutions(ModuleOp module, func::FuncOp weights) {
  SmallVector<ConvOp> convolutions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function != weights)
      function.walk([&](ConvOp op) { convolutions.push_back(op); });
  return convolutions;
}

exec::WeightOp exec::findWeight(Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  if (!type.hasStaticShape() || type.getNumElements() == 0)
    return nullptr;
  while (Operation *producer = operand.getDefiningOp()) {
    if (auto weight = dyn_cast<WeightOp>(producer))
      return weight;
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(producer))
      return nullptr;
    operand = producer->getOperand(0);
  }
  return nullptr;
}

int64_t exec::addWeight(func::FuncOp weights, Value value) {
  auto end = cast<func::ReturnOp>(weights.getBody().front().getTerminator());
  int64_t number = end.getNumOperands();
  end->insertOperands(number, value);
  SmallVector<Type> results(weights.getResultTypes());
  results.push_back(value.getType());
  weights.setFunctionType(FunctionType::get(weights.getContext(), weights.getArgumentTypes(), results));
  return number;
}

Value exec::withShape(OpBuilder &b, Location loc, Value source, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(source.getType()), target = RankedTensorType::get(shape, type.getElementType());
  if (type == target)
    return source;
  auto flat = RankedTensorType::get(type.getNumElements(), type.getElementType());
  auto all = [](int64_t rank) {
    return SmallVector<ReassociationIndices>{llvm::to_vector(llvm::seq<int64_t>(0, rank))};
  };
  if (type.getRank() != 1)
    source = tensor::CollapseShapeOp::create(b, loc, flat, source, all(type.getRank()));
  return tensor::ExpandShapeOp::create(b, loc, target, source, all(shape.size()));
}
