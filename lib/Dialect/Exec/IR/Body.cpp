//===- Body.cpp - scalar code in a kernel body ----------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/IR/Body.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nncc {

template <typename FloatOp, typename IntOp> static Value arithmetic(OpBuilder &b, Location loc, Value x, Value y) {
  return isa<FloatType>(x.getType()) ? b.createOrFold<FloatOp>(loc, x, y) : b.createOrFold<IntOp>(loc, x, y);
}

static Value compare(OpBuilder &b, Location loc, arith::CmpFPredicate real, arith::CmpIPredicate integer, Value x,
                     Value y) {
  return isa<FloatType>(x.getType()) ? b.createOrFold<arith::CmpFOp>(loc, real, x, y)
                                     : b.createOrFold<arith::CmpIOp>(loc, integer, x, y);
}

Value Body::index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value Body::number(Type type, double value) {
  if (auto real = dyn_cast<FloatType>(type)) {
    APFloat number(value);
    bool loses = false;
    number.convert(real.getFloatSemantics(), APFloat::rmNearestTiesToEven, &loses);
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(real, number));
  }
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, int64_t(value)));
}

Value Body::add(Value x, Value y) { return arithmetic<arith::AddFOp, arith::AddIOp>(b, loc, x, y); }
Value Body::sub(Value x, Value y) { return arithmetic<arith::SubFOp, arith::SubIOp>(b, loc, x, y); }
Value Body::mul(Value x, Value y) { return arithmetic<arith::MulFOp, arith::MulIOp>(b, loc, x, y); }
Value Body::div(Value x, Value y) { return arithmetic<arith::DivFOp, arith::DivSIOp>(b, loc, x, y); }
Value Body::rem(Value x, Value y) { return b.createOrFold<arith::RemSIOp>(loc, x, y); }
Value Body::max(Value x, Value y) { return arithmetic<arith::MaximumFOp, arith::MaxSIOp>(b, loc, x, y); }
Value Body::min(Value x, Value y) { return arithmetic<arith::MinimumFOp, arith::MinSIOp>(b, loc, x, y); }

Value Body::less(Value x, Value y) {
  return compare(b, loc, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, x, y);
}
Value Body::lessEqual(Value x, Value y) {
  return compare(b, loc, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle, x, y);
}
Value Body::equal(Value x, Value y) {
  return compare(b, loc, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq, x, y);
}

Value Body::both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(loc, x, y); }
Value Body::either(Value x, Value y) { return b.createOrFold<arith::OrIOp>(loc, x, y); }
Value Body::isNot(Value x) { return b.createOrFold<arith::XOrIOp>(loc, x, yes()); }
Value Body::bit(bool value) { return arith::ConstantOp::create(b, loc, b.getBoolAttr(value)); }
Value Body::select(Value condition, Value x, Value y) { return b.createOrFold<arith::SelectOp>(loc, condition, x, y); }

Value Body::toIndex(Value integer) { return arith::IndexCastOp::create(b, loc, b.getIndexType(), integer); }
Value Body::toInteger(Value index) { return arith::IndexCastOp::create(b, loc, b.getI64Type(), index); }

Value Body::dim(Value memref, int64_t index) { return b.createOrFold<memref::DimOp>(loc, memref, index); }
Value Body::load(Value memref, ValueRange at) { return memref::LoadOp::create(b, loc, memref, at); }
void Body::store(Value value, Value memref, ValueRange at) { memref::StoreOp::create(b, loc, value, memref, at); }

void Body::loop(Value from, Value to, function_ref<void(Body, Value)> body) {
  scf::ForOp::create(b, loc, from, to, index(1), ValueRange(),
                     [&](OpBuilder &nested, Location l, Value iv, ValueRange) {
                       body(Body(nested, l), iv);
                       scf::YieldOp::create(nested, l);
                     });
}

Body::Values Body::loop(Value from, Value to, ValueRange start, function_ref<Values(Body, Value, ValueRange)> body) {
  auto op = scf::ForOp::create(b, loc, from, to, index(1), start,
                               [&](OpBuilder &nested, Location l, Value iv, ValueRange carried) {
                                 scf::YieldOp::create(nested, l, body(Body(nested, l), iv, carried));
                               });
  return Values(op.getResults());
}

Body::Values Body::repeat(ValueRange start, function_ref<Values(Body, ValueRange)> body) {
  auto op = scf::WhileOp::create(
      b, loc, start.getTypes(), start,
      [&](OpBuilder &nested, Location l, ValueRange carried) {
        Values next = body(Body(nested, l), carried);
        scf::ConditionOp::create(nested, l, next.front(), ValueRange(next).drop_front());
      },
      [&](OpBuilder &nested, Location l, ValueRange carried) { scf::YieldOp::create(nested, l, carried); });
  return Values(op.getResults());
}

void Body::when(Value condition, function_ref<void(Body)> body) {
  auto op = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder inside = op.getThenBodyBuilder();
  body(Body(inside, loc));
}

Body::Values Body::choose(Value condition, function_ref<Values(Body)> then, function_ref<Values(Body)> otherwise) {
  auto yield = [](function_ref<Values(Body)> branch) {
    return [branch](OpBuilder &nested, Location l) {
      Values results = branch(Body(nested, l));
      scf::YieldOp::create(nested, l, results);
    };
  };
  auto op = scf::IfOp::create(b, loc, condition, yield(then), yield(otherwise));
  return Values(op.getResults());
}

} // namespace nncc
