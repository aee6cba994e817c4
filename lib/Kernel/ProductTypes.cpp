//===- ProductTypes.cpp - what is multiplied, and in what the products are summed ---------------------------------===//

#include "nncc/Kernel/ProductTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

ProductTypes ProductTypes::of(Operation *root) {
  ProductTypes types;
  auto element = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); };
  types.left = element(root->getOperand(0));
  types.right = element(root->getOperand(1));
  types.sum = element(root->getResult(0));
  if (types.sum.isF16() || types.sum.isBF16())
    types.sum = Float32Type::get(root->getContext());
  if (auto matmul = dyn_cast<exec::MatMulOp>(root)) {
    types.leftUnsigned = matmul.getLhsUnsigned();
    types.rightUnsigned = matmul.getRhsUnsigned();
  } else if (auto conv = dyn_cast<exec::ConvOp>(root)) {
    types.leftUnsigned = conv.getInputUnsigned();
    types.rightUnsigned = conv.getFilterUnsigned();
  }
  return types;
}

Value ProductTypes::widen(IndexMath &m, Value value, bool isUnsigned) const {
  return widenTo(m, value, sum, isUnsigned);
}

Value kernel::widenTo(IndexMath &m, Value value, Type element, bool isUnsigned) {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  if (value.getType() == type)
    return value;
  if (isa<FloatType>(element))
    return arith::ExtFOp::create(b, loc, type, value);
  return isUnsigned ? arith::ExtUIOp::create(b, loc, type, value).getResult()
                    : arith::ExtSIOp::create(b, loc, type, value).getResult();
}
