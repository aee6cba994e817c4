//===- ElementKind.cpp - what is multiplied, and in what the products are summed ------------------------------------===//

#include "ElementKind.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

ElementKind ElementKind::of(Operation *root) {
  ElementKind kind;
  auto element = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); };
  kind.left = element(root->getOperand(0));
  kind.right = element(root->getOperand(1));
  kind.sum = element(root->getResult(0));
  if (kind.sum.isF16() || kind.sum.isBF16())
    kind.sum = Float32Type::get(root->getContext());
  if (auto matmul = dyn_cast<exec::MatMulOp>(root)) {
    kind.leftUnsigned = matmul.getLhsUnsigned();
    kind.rightUnsigned = matmul.getRhsUnsigned();
  } else if (auto conv = dyn_cast<exec::ConvOp>(root)) {
    kind.leftUnsigned = conv.getInputUnsigned();
    kind.rightUnsigned = conv.getFilterUnsigned();
  }
  return kind;
}

Value ElementKind::widen(IndexMath &m, Value value, bool isUnsigned) const {
  OpBuilder &b = m.builder();
  Type type = sum;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(sum);
  if (value.getType() == type)
    return value;
  if (isa<FloatType>(sum))
    return arith::ExtFOp::create(b, m.location(), type, value);
  return isUnsigned ? arith::ExtUIOp::create(b, m.location(), type, value).getResult()
                    : arith::ExtSIOp::create(b, m.location(), type, value).getResult();
}

Value ElementKind::multiplyAdd(IndexMath &m, Value left, Value right, Value sum) const {
  OpBuilder &b = m.builder();
  if (isa<FloatType>(this->sum)) // Not vector.fma: that allows LLVM to round in between.
    return math::FmaOp::create(b, m.location(), left, right, sum);
  return arith::AddIOp::create(b, m.location(), sum, arith::MulIOp::create(b, m.location(), left, right));
}

Value ElementKind::add(IndexMath &m, Value x, Value y) const {
  OpBuilder &b = m.builder();
  return isa<FloatType>(sum) ? arith::AddFOp::create(b, m.location(), x, y).getResult()
                             : arith::AddIOp::create(b, m.location(), x, y).getResult();
}
