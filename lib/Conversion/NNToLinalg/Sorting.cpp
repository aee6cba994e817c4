//===- Sorting.cpp - heaps and counting in kernel bodies ------------------------------------------------------------------===//

#include "Sorting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;

namespace nncc {

void Heap::siftDown(Body c, Value start, Value size) const {
  Value item = get(c, start);
  Value place = c.repeat(start, [&](Body n, ValueRange carried) {
    Value here = carried[0], left = n.add(n.add(here, here), n.index(1));
    auto descend = [&](Body y) -> Body::Values {
      Value right = y.add(left, y.index(1));
      Value child = y.choose(
          y.less(right, size),
          [&](Body z) -> Body::Values { return {z.select(isBefore(z, get(z, right), get(z, left)), right, left)}; },
          [&](Body) -> Body::Values { return {left}; })[0];
      Value number = get(y, child), goes = isBefore(y, number, item);
      y.when(goes, [&](Body z) { set(z, number, here); });
      return {goes, y.select(goes, child, here)};
    };
    return n.choose(n.less(left, size), descend, [&](Body y) -> Body::Values { return {y.no(), here}; });
  })[0];
  set(c, item, place);
}

void Heap::build(Body c, Value size) const {
  Value half = c.div(size, c.index(2)), last = c.sub(half, c.index(1));
  c.loop(c.index(0), half, [&](Body n, Value i) { siftDown(n, n.sub(last, i), size); });
}

void Heap::sort(Body c, Value size) const {
  c.loop(c.index(1), size, [&](Body n, Value i) {
    Value last = n.sub(size, i), root = get(n, n.index(0));
    set(n, get(n, last), n.index(0));
    set(n, root, last);
    siftDown(n, n.index(0), last);
  });
}

Value prefixSums(OpBuilder &b, Location loc, Value counts) {
  OpFoldResult length = addSizes(b, loc, tensor::getMixedSize(b, loc, counts, 0), b.getIndexAttr(1));
  Value init = emptyTensor(b, loc, length, b.getI64Type());
  auto grid = exec::GridOp::create(b, loc, ValueRange(), counts, init,
                                   [&](OpBuilder &nested, Location l, ValueRange, ValueRange ins, ValueRange outs) {
                                     Body c(nested, l);
                                     Value zero = c.number(nested.getI64Type(), 0);
                                     c.store(zero, outs[0], c.index(0));
                                     c.loop(c.index(0), c.dim(ins[0], 0), zero,
                                            [&](Body n, Value i, ValueRange sum) -> Body::Values {
                                              Value next = n.add(sum[0], n.load(ins[0], i));
                                              n.store(next, outs[0], n.add(i, n.index(1)));
                                              return {next};
                                            });
                                   });
  return grid.getResult(0);
}

Value readTotal(OpBuilder &b, Location loc, Value sums) {
  Value last = asIndex(b, loc, subSizes(b, loc, tensor::getMixedSize(b, loc, sums, 0), b.getIndexAttr(1)));
  Value total = tensor::ExtractOp::create(b, loc, sums, last);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), total);
}

} // namespace nncc
