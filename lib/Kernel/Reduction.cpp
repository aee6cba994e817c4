//===- Reduction.cpp - sums and maxima in a fixed order of lanes --------------------------------------------------===//

#include "nncc/Kernel/Reduction.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;

Operation *kernel::getCombiner(linalg::GenericOp op, unsigned result) {
  BlockArgument accumulator = op.getRegionOutputArgs()[result];
  Value yielded = op.getBody()->getTerminator()->getOperand(result);
  Operation *last = yielded.getDefiningOp();
  if (!last || last->getBlock() != op.getBody() || !accumulator.hasOneUse() || *accumulator.user_begin() != last)
    return nullptr;
  if (auto fma = dyn_cast<math::FmaOp>(last))
    return fma.getC() == accumulator ? last : nullptr;
  return getNeutral(last) ? last : nullptr;
}

TypedAttr kernel::getNeutral(Operation *combiner) {
  Builder b(combiner->getContext());
  Type type = combiner->getResult(0).getType();
  auto number = [&](double value) { return b.getFloatAttr(type, value); };
  auto integer = [&](const APInt &value) { return b.getIntegerAttr(type, value); };
  unsigned width = type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 64;
  double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  if (isa<arith::AddFOp, math::FmaOp>(combiner))
    return number(-0.0); // 0.0 would change the sign of a zero
  if (isa<arith::MulFOp>(combiner))
    return number(1);
  if (isa<arith::MaximumFOp>(combiner))
    return number(-infinity);
  if (isa<arith::MinimumFOp>(combiner))
    return number(infinity);
  if (isa<arith::MaxNumFOp, arith::MinNumFOp>(combiner))
    return number(nan);
  if (isa<arith::AddIOp, arith::OrIOp, arith::XOrIOp, arith::MaxUIOp>(combiner))
    return integer(APInt::getZero(width));
  if (isa<arith::MulIOp>(combiner))
    return integer(APInt(width, 1));
  if (isa<arith::AndIOp, arith::MinUIOp>(combiner))
    return integer(APInt::getAllOnes(width));
  if (isa<arith::MaxSIOp>(combiner))
    return integer(APInt::getSignedMinValue(width));
  if (isa<arith::MinSIOp>(combiner))
    return integer(APInt::getSignedMaxValue(width));
  return {};
}

Value kernel::combine(OpBuilder &b, Location loc, Operation *combiner, Value x, Value y) {
  if (isa<math::FmaOp>(combiner))
    return arith::AddFOp::create(b, loc, x, y);
  Operation *copy = b.clone(*combiner);
  copy->setLoc(loc);
  copy->setOperands({x, y});
  copy->getResult(0).setType(x.getType());
  return copy->getResult(0);
}

Value kernel::combineLanes(OpBuilder &b, Location loc, Operation *combiner, Value vector) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, half)), high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    Value lower = vector::ShuffleOp::create(b, loc, vector, vector, low);
    Value upper = vector::ShuffleOp::create(b, loc, vector, vector, high);
    vector = combine(b, loc, combiner, lower, upper);
  }
  return vector::ExtractOp::create(b, loc, vector, 0);
}
