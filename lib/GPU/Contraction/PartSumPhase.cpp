//===- PartSumPhase.cpp - the sums of parts of K are added -------------------------------------------------------------===//

#include "PartSumPhase.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

Value PartSumPhase::getNumUnits(IndexMath &m, const ProductSizes &sizes) const {
  return m.mul(m.mul(sizes.batch, sizes.rows), m.ceilDiv(sizes.columns, lanes));
}

FailureOr<LaunchShape> PartSumPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, product.original.root->getLoc());
  ProductSizes sizes = product.getSizes(m, product.getSite(values));
  return LaunchShape{m.ceilDiv(getNumUnits(m, sizes), threads), Value()};
}

LogicalResult PartSumPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  IndexMath m(b, product.original.root->getLoc());
  ContractionSite site = product.getSite(values);
  ProductSizes sizes = product.getSizes(m, site);
  Value unit = m.add(m.mul(function.block, threads), function.thread);
  m.ifThen(m.less(unit, getNumUnits(m, sizes)), [&] {
    Value perRow = m.ceilDiv(sizes.columns, lanes), line = m.div(unit, perRow);
    Value column = m.mul(m.rem(unit, perRow), lanes);
    Value batch = m.div(line, sizes.rows), row = m.rem(line, sizes.rows);
    bool isAligned = isMultiple(product.shape.columns, lanes);
    Value parts = product.getPartSums(b, values, function);
    Value at = movePointer(m, parts, m.add(m.mul(line, sizes.columns), column), product.kind.sum);
    Value distance = m.mul(m.mul(sizes.batch, sizes.rows), sizes.columns);
    auto load = [&](Value pointer) {
      if (isAligned)
        return loadElements(m, pointer, product.kind.sum, lanes);
      SmallVector<Value> elements;
      for (int64_t lane = 0; lane < lanes; ++lane) { // those that do not exist read what the last one that does reads
        Value own = m.min(m.constant(lane), m.sub(m.sub(sizes.columns, column), 1));
        elements.push_back(loadElements(m, movePointer(m, pointer, own, product.kind.sum), product.kind.sum, 1));
      }
      return joinVector(m, elements);
    };
    Value sum = load(at);
    for (int64_t part = 1; part < product.numParts; ++part)
      sum = product.kind.add(m, sum, load(movePointer(m, at, m.mul(distance, part), product.kind.sum)));
    auto [originRow, originColumn] = product.getOrigin(m, sizes, batch);
    Epilogue epilogue(m, site, lanes);
    Value end = isAligned ? Value() : m.add(originColumn, sizes.columns);
    epilogue.finish(m, sum, m.add(originRow, row), epilogue.load(m, m.add(originColumn, column), end));
  });
  return success();
}
