//===- ElementKind.cpp - what is multiplied, and in what the products are summed ------------------------------------===//

#include "ElementKind.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Small integers are multiplied several at a time when the right operand can be laid out for it.
static StepKind chooseSteps(Operation *root) {
  if (auto conv = dyn_cast<exec::ConvOp>(root); conv && !conv.getPacked())
    return StepKind::Single;
  int64_t elements = exec::getElementsPerStep(root);
  return elements == 4 ? StepKind::Quads : elements == 2 ? StepKind::Pairs : StepKind::Single;
}

ElementKind ElementKind::of(Operation *root, const CPUTarget &target) {
  ElementKind kind{ProductTypes::of(root)};
  kind.lanes = target.vectorBits / kind.sum.getIntOrFloatBitWidth();
  kind.hasFMA = target.hasFMA;
  kind.steps = chooseSteps(root);
  kind.hasVNNI = kind.steps == StepKind::Quads && target.hasVNNI && kind.lanes == 16;
  return kind;
}

Value ElementKind::zero(IndexMath &m) const {
  OpBuilder &b = m.builder();
  return arith::ConstantOp::create(b, m.location(), b.getZeroAttr(getSumType()));
}

Type ElementKind::getCopiedLeft() const {
  if (steps == StepKind::Single)
    return sum;
  bool isQuadOfPairs = steps == StepKind::Quads && !hasVNNI;
  return isQuadOfPairs ? IntegerType::get(left.getContext(), 16) : left;
}

Value ElementKind::toCopiedLeft(IndexMath &m, Value value) const {
  return widenTo(m, value, getCopiedLeft(), leftUnsigned);
}

Value ElementKind::loadLeft(IndexMath &m, Value memref, Value index) const {
  OpBuilder &b = m.builder();
  Value element = widen(m, memref::LoadOp::create(b, m.location(), memref, index), leftUnsigned);
  return lanes == 1 ? element : vector::BroadcastOp::create(b, m.location(), getSumType(), element).getResult();
}

Value ElementKind::loadRight(IndexMath &m, Value memref, Value index, Value mask) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  if (lanes == 1)
    return widen(m, memref::LoadOp::create(b, loc, memref, index), rightUnsigned);
  auto type = VectorType::get(lanes, cast<MemRefType>(memref.getType()).getElementType());
  Value elements;
  if (mask) {
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    elements = vector::MaskedLoadOp::create(b, loc, type, memref, index, mask, none);
  } else {
    elements = vector::LoadOp::create(b, loc, type, memref, index);
  }
  return widen(m, elements, rightUnsigned);
}

Value ElementKind::multiplyAdd(IndexMath &m, Value left, Value right, Value sum) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  if (!isa<FloatType>(this->sum))
    return arith::AddIOp::create(b, loc, sum, arith::MulIOp::create(b, loc, left, right));
  if (!hasFMA)
    return arith::AddFOp::create(b, loc, sum, arith::MulFOp::create(b, loc, left, right));
  // Not vector.fma: that allows LLVM to round in between.
  return math::FmaOp::create(b, loc, left, right, sum);
}
