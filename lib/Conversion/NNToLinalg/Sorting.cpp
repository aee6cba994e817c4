//===- Sorting.cpp - lines in order, and counting -------------------------------------------------------------------------===//

#include "Sorting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecLines.h"

using namespace mlir;

namespace nncc {

Value lessInOrder(Body c, Value x, Value y, Type type) {
  Value less = lessScalar(c.b, c.loc, x, y, type);
  return isa<FloatType>(type) ? c.either(less, c.both(c.equal(x, x), c.isNot(c.equal(y, y)))) : less;
}

Value sumsBefore(OpBuilder &b, Location loc, OpFoldResult size, ValueRange inputs,
                 function_ref<Value(Body, Value, ValueRange)> element) {
  Value count = asIndex(b, loc, size);
  OpFoldResult length = addSizes(b, loc, size, b.getIndexAttr(1));
  Value init = emptyTensor(b, loc, length, b.getI64Type());
  // The line has a zero more at its end.
  auto withEnd = [&](OpBuilder &nested, Location l, ValueRange args) -> SmallVector<Value> {
    Body c(nested, l);
    return c.choose(
        c.less(args[0], count), [&](Body n) -> Body::Values { return {element(n, args[0], args.drop_front())}; },
        [](Body n) -> Body::Values { return {n.number(n.b.getI64Type(), 0)}; });
  };
  auto add = [](OpBuilder &nested, Location l, ValueRange args) -> SmallVector<Value> {
    return {Body(nested, l).add(args[0], args[1])};
  };
  return exec::ScanOp::create(b, loc, ValueRange(), asIndex(b, loc, length), /*axis=*/0, inputs, init,
                              b.getI64IntegerAttr(0), /*exclusive=*/true, /*reverse=*/false, withEnd, add)
      .getResult();
}

Value prefixSums(OpBuilder &b, Location loc, Value counts) {
  return sumsBefore(b, loc, tensor::getMixedSize(b, loc, counts, 0), counts,
                    [](Body c, Value i, ValueRange inputs) { return c.load(inputs[0], i); });
}

Value readTotal(OpBuilder &b, Location loc, Value sums) {
  Value last = asIndex(b, loc, subSizes(b, loc, tensor::getMixedSize(b, loc, sums, 0), b.getIndexAttr(1)));
  Value total = tensor::ExtractOp::create(b, loc, sums, last);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), total);
}

} // namespace nncc
