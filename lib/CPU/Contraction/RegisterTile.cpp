//===- RegisterTile.cpp - the inner loop: a tile of sums in vector registers
//----------------------------------------===//

#include "RegisterTile.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

ElementKind ElementKind::of(Operation *root, const CPUTarget &target) {
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
  kind.lanes = target.vectorBits / kind.sum.getIntOrFloatBitWidth();
  kind.hasFMA = target.hasFMA;
  return kind;
}

Value ElementKind::zero(IndexMath &m) const {
  OpBuilder &b = m.builder();
  return arith::ConstantOp::create(b, m.location(), b.getZeroAttr(getSumType()));
}

Value ElementKind::widen(IndexMath &m, Value value, bool isUnsigned) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  Type type = sum;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(sum);
  if (value.getType() == type)
    return value;
  if (isa<FloatType>(sum))
    return arith::ExtFOp::create(b, loc, type, value);
  return isUnsigned ? arith::ExtUIOp::create(b, loc, type, value).getResult()
                    : arith::ExtSIOp::create(b, loc, type, value).getResult();
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

namespace {

/// Writes the loops of a reduction from the outside in.
class ReductionEmitter {
public:
  ReductionEmitter(IndexMath &m, const ElementKind &kind, const LeftTile &left, const RightTile &right,
                   ArrayRef<ReductionLoop> loops)
      : m(m), kind(kind), left(left), right(right), loops(loops) {}

  SmallVector<Value> emit(unsigned depth, Value leftAt, Value depthAt, ValueRange sums) {
    if (depth == loops.size())
      return emitStep(leftAt, depthAt, sums);
    const ReductionLoop &loop = loops[depth];
    return m.reduce(loop.count, sums, [&](Value i, ValueRange carried) {
      return emit(depth + 1, m.add(leftAt, m.mul(i, loop.leftStep)), m.add(depthAt, m.mul(i, loop.depthStep)), carried);
    });
  }

private:
  SmallVector<Value> emitStep(Value leftAt, Value depthAt, ValueRange sums) {
    Value stepped = m.mul(depthAt, right.depthStride), rightAt = m.add(right.base, stepped);
    for (Value prefetch : right.prefetches)
      memref::PrefetchOp::create(m.builder(), m.location(), right.memref, m.add(prefetch, stepped),
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
    SmallVector<Value> columns;
    for (auto [offset, mask] : llvm::zip_equal(right.offsets, right.masks))
      columns.push_back(kind.loadRight(m, right.memref, m.add(rightAt, offset), mask));
    SmallVector<Value> results;
    for (Value offset : left.offsets) {
      Value row = kind.loadLeft(m, left.memref, m.add(leftAt, offset));
      for (Value column : columns)
        results.push_back(kind.multiplyAdd(m, row, column, sums[results.size()]));
    }
    return results;
  }

  IndexMath &m;
  const ElementKind &kind;
  const LeftTile &left;
  const RightTile &right;
  ArrayRef<ReductionLoop> loops;
};

} // namespace

SmallVector<Value> cpu::emitRegisterTile(IndexMath &m, const ElementKind &kind, const LeftTile &left,
                                         const RightTile &right, ArrayRef<ReductionLoop> loops, ValueRange sums) {
  return ReductionEmitter(m, kind, left, right, loops).emit(0, left.base, m.constant(0), sums);
}
