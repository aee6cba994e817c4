//===- Softmax.cpp - scores, their largest one, and weights -----------------------------------------------------------===//

#include "Softmax.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

Value Softmax::number(double value) const {
  OpBuilder &b = m.builder();
  return arith::ConstantOp::create(b, m.location(), b.getFloatAttr(type, value));
}

Value Softmax::getLeast() const { return number(-std::numeric_limits<double>::infinity()); }

/// Without masks differences can be scaled instead, together with what makes powers of two of them.
static bool isScaledLast(exec::AttentionOp op) { return op.getMasks().empty() && op.getScale().convertToDouble() > 0; }

Value Softmax::scale(Value product) const {
  return isScaledLast(op) ? product : multiply(product, number(op.getScale().convertToDouble()));
}

Value Softmax::add(Value x, Value y) const { return arith::AddFOp::create(m.builder(), m.location(), x, y); }

Value Softmax::multiply(Value x, Value y) const { return arith::MulFOp::create(m.builder(), m.location(), x, y); }

/// One instruction: what arith has for it becomes four.
Value Softmax::getLarger(Value x, Value y) const { return LLVM::MaxNumOp::create(m.builder(), m.location(), x, y); }

Value Softmax::getBase(Value largest) const {
  OpBuilder &b = m.builder();
  Value isNothing = arith::CmpFOp::create(b, m.location(), arith::CmpFPredicate::OEQ, largest, getLeast());
  return arith::SelectOp::create(b, m.location(), isNothing, getZero(), largest);
}

Value Softmax::getWeight(Value score, Value base) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  Value difference = arith::SubFOp::create(b, loc, score, base);
  double factor = isScaledLast(op) ? op.getScale().convertToDouble() : 1;
  if (!type.isF32())
    return math::ExpOp::create(b, loc, multiply(difference, number(factor)));
  Value exponent = multiply(difference, number(factor * llvm::numbers::log2e));
  return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr("llvm.nvvm.ex2.approx.ftz"), exponent)
      .getResults();
}

SmallVector<Value> Softmax::divide(ValueRange sums, Value total, Value numKeys) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  Value factor = arith::DivFOp::create(b, loc, number(1), total), isEmpty = m.equal(numKeys, m.constant(0));
  if (op.getNanAsZero())
    isEmpty = arith::OrIOp::create(b, loc, isEmpty,
                                   arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ULE, total, getZero()));
  return llvm::map_to_vector(sums, [&](Value sum) -> Value {
    return arith::SelectOp::create(b, loc, isEmpty, getZero(), multiply(sum, factor));
  });
}

SmallVector<Value> SoftmaxState::join() const {
  SmallVector<Value> all(largest);
  llvm::append_range(all, totals);
  llvm::append_range(all, sums);
  return all;
}

SoftmaxState SoftmaxState::split(ValueRange all, size_t rows) {
  return {SmallVector<Value>(all.take_front(rows)), SmallVector<Value>(all.slice(rows, rows)),
          SmallVector<Value>(all.drop_front(2 * rows))};
}
