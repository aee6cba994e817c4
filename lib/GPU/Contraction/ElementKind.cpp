//===- ElementKind.cpp - what is multiplied, and in what the products are summed ------------------------------------===//

#include "ElementKind.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

Value ElementKind::multiplyAdd(IndexMath &m, Value left, Value right, Value sum) const {
  OpBuilder &b = m.builder();
  if (isa<FloatType>(this->sum)) // Not vector.fma: that allows LLVM to round in between.
    return math::FmaOp::create(b, m.location(), left, right, sum);
  return arith::AddIOp::create(b, m.location(), sum, arith::MulIOp::create(b, m.location(), left, right));
}

Value ElementKind::multiplyAddBytes(IndexMath &m, Value left, Value right, Value sum) const {
  OpBuilder &b = m.builder();
  auto asBytes = [&](Value word) {
    return LLVM::BitcastOp::create(b, m.location(), VectorType::get(4, b.getI8Type()), word).getResult();
  };
  auto type = [](bool isUnsigned) {
    return isUnsigned ? NVVM::DotAccumulateType::UNSIGNED : NVVM::DotAccumulateType::SIGNED;
  };
  return NVVM::DotAccumulate4WayOp::create(b, m.location(), b.getI32Type(), asBytes(left), type(leftUnsigned),
                                           asBytes(right), type(rightUnsigned), sum);
}

Value ElementKind::add(IndexMath &m, Value x, Value y) const {
  OpBuilder &b = m.builder();
  return isa<FloatType>(sum) ? arith::AddFOp::create(b, m.location(), x, y).getResult()
                             : arith::AddIOp::create(b, m.location(), x, y).getResult();
}
