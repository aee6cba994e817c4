//===- ProductPhase.cpp - one or many matrix products as blocks of threads -------------------------------------------===//

#include "ProductPhase.h"
#include "MmaProduct.h"
#include "PartJoin.h"
#include "SimtProduct.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

ProductPhase::ProductPhase(KernelPlan &plan, ContractionSite site, const ProductShape &shape, bool isRightAlongDepth)
    : original(std::move(site)), kind(ElementKind::of(original.root)), shape(shape), plan(plan) {
  constexpr int64_t widest = 16;
  RightLayout layout = {isRightAlongDepth, getRun(isRightAlongDepth ? shape.depth : shape.columns, widest)};
  if (MmaProduct::canMultiply(kind, plan.target)) {
    auto [tile, parts] = chooseMmaTile(shape, kind, plan.target);
    product = std::make_unique<MmaProduct>(tile, kind, layout, plan.target);
    numParts = parts;
  } else {
    auto [tile, parts] = chooseSimtTile(shape, kind, plan.target);
    product = std::make_unique<SimtProduct>(tile, kind, isRightAlongDepth, plan.target);
    numParts = parts;
  }
  if (numParts == 1)
    return;
  partDepth = llvm::alignTo(llvm::divideCeil(shape.depth, numParts), product->getDepth());
  numParts = llvm::divideCeil(shape.depth, partDepth);
  if (hasParts())
    reserveParts();
}

void ProductPhase::reserveParts() {
  if (!llvm::is_contained({shape.batch, shape.rows, shape.columns}, ShapedType::kDynamic)) {
    int64_t tiles = shape.batch * llvm::divideCeil(shape.rows, product->getRows()) *
                    llvm::divideCeil(shape.columns, product->getColumns());
    numTiles = PartJoin::canCount(tiles) ? tiles : 0;
  }
  reserved = plan.workspace.reserve([this](OpBuilder &b, Buffers &values) {
    IndexMath m(b, original.root->getLoc());
    if (joinsParts())
      return m.constant(PartJoin(*product, kind, numParts, numTiles).getBytes());
    ProductSizes sizes = getSizes(m, getSite(values));
    Value sums = m.mul(m.mul(sizes.batch, sizes.rows), sizes.columns);
    return m.mul(sums, numParts * kind.getSumBytes());
  });
}

ContractionSite ProductPhase::getSite(Buffers &values) const {
  ContractionSite site = original;
  site.values = values.values;
  return site;
}

FailureOr<LaunchShape> ProductPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, original.root->getLoc());
  ProductSizes sizes = getSizes(m, getSite(values));
  Value blocks = m.mul(m.ceilDiv(sizes.rows, product->getRows()), m.ceilDiv(sizes.columns, product->getColumns()));
  return LaunchShape{m.mul(m.mul(blocks, sizes.batch), numParts), m.constant(product->getSharedBytes())};
}

/// Blocks that follow each other share rows of the left operand.
BlockPlace ProductPhase::getPlace(IndexMath &m, const ProductSizes &sizes, Value block) const {
  Value columnBlocks = m.ceilDiv(sizes.columns, product->getColumns()),
        rowBlocks = m.ceilDiv(sizes.rows, product->getRows());
  Value rest = m.div(block, columnBlocks);
  BlockPlace place;
  place.column = m.mul(m.rem(block, columnBlocks), product->getColumns());
  bool isSingle = m.isConstant(sizes.batch, 1);
  place.row = m.mul(isSingle && !hasParts() ? rest : m.rem(rest, rowBlocks), product->getRows());
  rest = m.div(rest, rowBlocks);
  place.batch = isSingle ? m.constant(0) : hasParts() ? m.rem(rest, sizes.batch) : rest;
  place.part = hasParts() ? m.div(rest, sizes.batch) : m.constant(0);
  return place;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------------------------------------------------===//

namespace {

/// Writes the sums of a thread.
class SumWriter {
public:
  SumWriter(IndexMath &m, const BlockProduct &product, const Epilogue &epilogue, Value row, Value numRows,
            Value originRow)
      : m(m), product(product), epilogue(epilogue), row(row), numRows(numRows), originRow(originRow) {}

  /// Of one group of columns: `sums` row by row.
  void write(ValueRange sums, const Epilogue::Columns &columns) {
    if (epilogue.isHeavy())
      return writeInLoop(sums, columns);
    int64_t size = product.getGroupSize();
    for (int64_t i = 0; i < product.getNumRows(); ++i)
      finish(sums.slice(i * size, size), m.constant(i), columns);
  }

private:
  void finish(ValueRange sums, Value number, const Epilogue::Columns &columns) {
    Value own = m.add(row, product.getRowDistance(m, number));
    m.ifThen(m.less(own, numRows), [&] { epilogue.finish(m, joinVector(m, sums), m.add(originRow, own), columns); });
  }
  /// Registers have no index: a loop takes the first row of sums, and moves the others up.
  void writeInLoop(ValueRange sums, const Epilogue::Columns &columns) {
    int64_t size = product.getGroupSize();
    m.reduce(m.constant(product.getNumRows()), sums, [&](Value i, ValueRange now) {
      finish(now.take_front(size), i, columns);
      SmallVector<Value> next(now.drop_front(size));
      llvm::append_range(next, now.take_front(size));
      return next;
    });
  }

  IndexMath &m;
  const BlockProduct &product;
  const Epilogue &epilogue;
  /// Index: the first row of the thread in the product, the rows of the product, and what is to be added for the result.
  Value row, numRows, originRow;
};

} // namespace

LogicalResult ProductPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  // Operands that are not aligned take more addresses than registers are left: one block, or ptxas thinks of two and spills.
  constexpr int64_t aligned = 4;
  bool isAligned = isMultiple(shape.depth, aligned) && isMultiple(shape.columns, aligned);
  int64_t blocks = product->getBlocksPerProcessor();
  setBlocksPerProcessor(function, isAligned ? blocks : std::min<int64_t>(blocks, 1));
  IndexMath m(b, original.root->getLoc());
  ContractionSite site = getSite(values);
  ProductSizes sizes = getSizes(m, site);
  BlockPlace block = getPlace(m, sizes, function.block);
  Value thread = toI32(m, function.thread), depth = toI32(m, sizes.depth);
  std::unique_ptr<TileLoader> left = createLeft(m, {site, sizes, block, product->getLeft(), thread});
  std::unique_ptr<TileLoader> right = createRight(m, {site, sizes, block, product->getRight(), thread});
  if (hasParts()) {
    Value first = toI32(m, m.mul(block.part, partDepth));
    left->setFirst(first);
    right->setFirst(first);
    depth = m.min(m.sub(depth, first), partDepth);
  }
  SmallVector<Value> sums = product->emit(m, thread, *left, *right, depth, getSharedPointer(m, function.shared));
  auto finish = [&](ValueRange all) { writeResults(m, site, sizes, block, thread, all); };
  if (joinsParts())
    joinParts(m, getPartSums(b, values, function), function, sums, finish);
  else if (hasParts())
    writePartSums(m, getPartSums(b, values, function), sizes, block, thread, sums);
  else
    finish(sums);
  return success();
}

void ProductPhase::joinParts(IndexMath &m, Value parts, const DeviceFunction &function, ValueRange sums,
                             function_ref<void(ValueRange)> finish) const {
  Value counters = moveBytes(m, getGlobalPointer(m, function.scratch), -counterBytes);
  PartJoin(*product, kind, numParts, numTiles)
      .join(m, {function.block, function.thread, parts, counters, getSharedPointer(m, function.shared)}, sums, finish);
}

/// The sums of a thread in one group of columns, row by row.
static SmallVector<Value> getGroup(const BlockProduct &product, ValueRange sums, int64_t group) {
  int64_t size = product.getGroupSize();
  SmallVector<Value> own;
  for (int64_t i = 0; i < product.getNumRows(); ++i)
    llvm::append_range(own, sums.slice((i * product.getNumGroups() + group) * size, size));
  return own;
}

void ProductPhase::writeResults(IndexMath &m, const ContractionSite &site, const ProductSizes &sizes,
                                const BlockPlace &block, Value thread, ValueRange sums) const {
  int64_t size = product->getGroupSize();
  Epilogue epilogue(m, site, size);
  auto [originRow, originColumn] = getOrigin(m, sizes, block.batch);
  Value row = m.add(block.row, toIndex(m, product->getRow(m, thread)));
  SumWriter writer(m, *product, epilogue, row, sizes.rows, originRow);
  for (int64_t group = 0; group < product->getNumGroups(); ++group) {
    Value column = m.add(block.column, toIndex(m, product->getColumn(m, thread, group)));
    m.ifThen(m.less(column, sizes.columns), [&, origin = originColumn] {
      Value end = isMultiple(shape.columns, size) ? Value() : m.add(origin, sizes.columns);
      writer.write(getGroup(*product, sums, group), epilogue.load(m, m.add(origin, column), end));
    });
  }
}

Value ProductPhase::getPartSums(OpBuilder &b, Buffers &values, const DeviceFunction &function) const {
  IndexMath m(b, original.root->getLoc());
  return getGlobalPointer(m, plan.workspace.getReserved(b, values, function.scratch, reserved));
}

void ProductPhase::writePartSums(IndexMath &m, Value memory, const ProductSizes &sizes, const BlockPlace &block,
                                 Value thread, ValueRange sums) const {
  int64_t size = product->getGroupSize();
  Value number = m.add(m.mul(block.part, sizes.batch), block.batch);
  Value row = m.add(block.row, toIndex(m, product->getRow(m, thread)));
  for (int64_t group = 0; group < product->getNumGroups(); ++group) {
    Value column = m.add(block.column, toIndex(m, product->getColumn(m, thread, group)));
    SmallVector<Value> own = getGroup(*product, sums, group);
    for (int64_t i = 0; i < product->getNumRows(); ++i) {
      Value at = m.add(row, product->getRowDistance(m, m.constant(i)));
      Value offset = m.add(m.mul(m.add(m.mul(number, sizes.rows), at), sizes.columns), column);
      m.ifThen(m.less(at, sizes.rows), [&] {
        Value pointer = movePointer(m, memory, offset, kind.sum);
        ValueRange values = ValueRange(own).slice(i * size, size);
        if (isMultiple(shape.columns, size)) {
          m.ifThen(m.less(column, sizes.columns), [&] { storeElements(m, joinVector(m, values), pointer); });
          return;
        }
        for (int64_t lane = 0; lane < size; ++lane)
          m.ifThen(m.less(m.add(column, lane), sizes.columns),
                   [&] { storeElements(m, values[lane], movePointer(m, pointer, m.constant(lane), kind.sum)); });
      });
    }
  }
}

//===----------------------------------------------------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------------------------------------------------===//

MatrixLoader::Matrix ProductPhase::getLinesAlongDepth(IndexMath &m, Value matrix, Type element, Value firstLine,
                                                      Value numLines, const Loading &loading) const {
  Value last = m.sub(numLines, 1), depth = loading.sizes.depth;
  auto getLine = [=](IndexMath &m, Value line) {
    return movePointer(m, matrix, m.mul(m.min(m.add(firstLine, toIndex(m, line)), last), depth), element);
  };
  return {getLine, m.constant(1), getRun(shape.depth, loading.tile.chunk)};
}

MatrixLoader::Matrix ProductPhase::getLinesAcross(IndexMath &m, Value matrix, const Loading &loading) const {
  int64_t run = getRun(shape.columns, loading.tile.chunk);
  Value last = m.sub(loading.sizes.columns, run), first = loading.block.column;
  auto getLine = [=, element = kind.right](IndexMath &m, Value line) {
    return movePointer(m, matrix, m.min(m.add(first, toIndex(m, line)), last), element);
  };
  return {getLine, loading.sizes.columns, run};
}
