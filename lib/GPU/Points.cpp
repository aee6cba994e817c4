//===- Points.cpp - which thread has which point ------------------------------------------------------------------===//

#include "Points.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Kernel/IndexMath.h"

using namespace mlir;
using namespace nncc;
using kernel::IndexMath;

Value nncc::gpu::getNumPoints(OpBuilder &b, Location loc, ValueRange sizes) {
  IndexMath m(b, loc);
  Value product = m.constant(1);
  for (Value size : sizes)
    product = m.mul(product, size);
  return product;
}

/// In the type of `number`, an index or an i32.
static SmallVector<Value> divide(OpBuilder &b, Location loc, Value number, ArrayRef<Value> sizes) {
  SmallVector<Value> point(sizes.size());
  for (size_t i = sizes.size(); i-- > 1;) {
    point[i] = b.createOrFold<arith::RemUIOp>(loc, number, sizes[i]);
    number = b.createOrFold<arith::DivUIOp>(loc, number, sizes[i]);
  }
  if (!sizes.empty())
    point[0] = number;
  return point;
}

SmallVector<Value> nncc::gpu::getPoint(OpBuilder &b, Location loc, Value number, ValueRange sizes) {
  int64_t points = 1;
  SmallVector<Value> narrow;
  for (Value size : sizes) {
    std::optional<int64_t> known = IndexMath::asConstant(size);
    if (!known || *known <= 0 || points > std::numeric_limits<int32_t>::max() / *known)
      return divide(b, loc, number, llvm::to_vector(sizes));
    points *= *known;
    narrow.push_back(arith::ConstantIntOp::create(b, loc, *known, 32));
  }
  if (sizes.size() < 2)
    return divide(b, loc, number, llvm::to_vector(sizes));
  Value low = arith::IndexCastUIOp::create(b, loc, b.getI32Type(), number);
  return llvm::map_to_vector(divide(b, loc, low, narrow), [&](Value index) -> Value {
    return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), index);
  });
}
