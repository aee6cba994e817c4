//===- Heap.cpp - heaps in kernel bodies ----------------------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Transforms/Heap.h"

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

} // namespace nncc
