//===- IndexMath.cpp - index arithmetic that folds constants ------------------------------------------------------===//

#include "nncc/Kernel/IndexMath.h"

using namespace mlir;
using namespace nncc::kernel;

Value IndexMath::constant(int64_t value) { return constant(value, b.getIndexType()); }

Value IndexMath::constant(int64_t value, Type type) {
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
}

Value IndexMath::add(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return constant(*left + *right, x.getType());
  // The constant goes to the right, and meets a constant that is already there: x86 addresses have room for one.
  if (left)
    return add(y, x);
  if (right == 0)
    return x;
  if (auto inner = x.getDefiningOp<arith::AddIOp>(); inner && right && asConstant(inner.getRhs()))
    return add(inner.getLhs(), *asConstant(inner.getRhs()) + *right);
  return arith::AddIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value IndexMath::sub(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return constant(*left - *right, x.getType());
  if (right == 0)
    return x;
  return arith::SubIOp::create(b, loc, x, y);
}

Value IndexMath::mul(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return constant(*left * *right, x.getType());
  if (left)
    return mul(y, x);
  if (right == 1)
    return x;
  if (right == 0)
    return y;
  return arith::MulIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value IndexMath::div(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right && *right != 0)
    return constant(*left / *right, x.getType());
  if (right == 1)
    return x;
  return arith::DivUIOp::create(b, loc, x, y);
}

Value IndexMath::rem(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right && *right != 0)
    return constant(*left % *right, x.getType());
  if (right == 1)
    return constant(0, x.getType());
  return arith::RemUIOp::create(b, loc, x, y);
}

Value IndexMath::min(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return constant(std::min(*left, *right), x.getType());
  return x == y ? x : arith::MinSIOp::create(b, loc, x, y).getResult();
}

Value IndexMath::max(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return constant(std::max(*left, *right), x.getType());
  if (right == 0) // nothing here is negative
    return x;
  if (left == 0)
    return y;
  return x == y ? x : arith::MaxSIOp::create(b, loc, x, y).getResult();
}

Value IndexMath::less(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return arith::ConstantIntOp::create(b, loc, *left < *right, 1);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value IndexMath::equal(Value x, Value y) {
  std::optional<int64_t> left = asConstant(x), right = asConstant(y);
  if (left && right)
    return arith::ConstantIntOp::create(b, loc, *left == *right, 1);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}

Value IndexMath::dim(Value memref, int64_t index) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(index))
    return constant(type.getDimSize(index));
  return memref::DimOp::create(b, loc, memref, index);
}

Value IndexMath::flatten(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  if (type.getRank() == 1)
    return memref;
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  // Stated, because what MLIR infers for a dim of 0 beside a dynamic one does not verify.
  int64_t size = type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  auto flat = MemRefType::get(size, type.getElementType());
  return memref::CollapseShapeOp::create(b, loc, flat, memref, ArrayRef<ReassociationIndices>{all});
}

void IndexMath::loop(Value from, Value to, int64_t step, function_ref<void(Value)> body) {
  std::optional<int64_t> first = asConstant(from), end = asConstant(to);
  if (first && end && *first >= *end)
    return;
  if (first && end && *first + step >= *end)
    return body(from);
  auto loop = scf::ForOp::create(b, loc, from, to, constant(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> IndexMath::reduce(Value count, ValueRange init,
                                     function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  if (isConstant(count, 1))
    return body(constant(0), init);
  auto loop = scf::ForOp::create(b, loc, constant(0), count, constant(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, loc, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

void IndexMath::ifThen(Value condition, function_ref<void()> body) {
  if (std::optional<int64_t> known = getConstantIntValue(condition)) {
    if (*known)
      body();
    return;
  }
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}
