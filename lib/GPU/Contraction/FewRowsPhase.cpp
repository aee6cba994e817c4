//===- FewRowsPhase.cpp - products of a few rows, which read the right operand once ----------------------------------===//

#include "FewRowsPhase.h"
#include "Conv.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

/// Rows from which on register tiles pay.
static constexpr int64_t mostRows = 8;
/// Bytes of shared memory that the sums of all threads may take.
static constexpr int64_t mostSharedBytes = 32 << 10;
/// Blocks that keep the memory of a large card busy.
static constexpr int64_t wantedBlocks = 144;
/// Steps whose loads are under way at once.
static constexpr int64_t unroll = 4;

//===----------------------------------------------------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------------------------------------------------===//

/// A row-major right operand is read across columns; a transposed one along K, 4 elements at once.
static constexpr int64_t adjacent = 4;

/// Of a convolution whose image is its matrix; none: it has another one.
static std::optional<ProductShape> getPixelShape(exec::ConvOp op) {
  std::optional<ConvShape> conv = ConvShape::of(op);
  if (!conv || conv->groups != 1 || !conv->isPointwise())
    return std::nullopt;
  return getProductShape(*conv);
}

static std::optional<ProductShape> getShape(Operation *root) {
  if (auto conv = dyn_cast<exec::ConvOp>(root))
    return getPixelShape(conv);
  auto shape = kernel::MatMulShape::of(cast<exec::MatMulOp>(root));
  return ProductShape{shape.batch, shape.rows, shape.columns, shape.depth};
}

static bool isRightTransposed(Operation *root) {
  auto matmul = dyn_cast<exec::MatMulOp>(root);
  return matmul && matmul.getTransposeRhs();
}

bool FewRowsPhase::canWrite(const ContractionSite &site) {
  std::optional<ProductShape> shape = getShape(site.root);
  int64_t lanes = isRightTransposed(site.root) ? 1 : adjacent;
  return shape && !ShapedType::isDynamic(shape->rows) && shape->rows <= mostRows &&
         shape->rows * threads * lanes * ElementKind::of(site.root).getSumBytes() <= mostSharedBytes;
}

FewRowsPhase::FewRowsPhase(ContractionSite site)
    : original(std::move(site)), kind(ElementKind::of(original.root)), shape(*getShape(original.root)),
      isTransposed(isRightTransposed(original.root)) {
  lanes = isTransposed ? 1 : adjacent;
  chunk = isTransposed ? adjacent : 1;
  int64_t along = isTransposed ? shape.depth : shape.columns;
  isAligned = !ShapedType::isDynamic(along) && along % adjacent == 0;
  // As many columns a block as are adjacent in lines of memory, but enough blocks.
  columnThreads = 8;
  auto getBlocks = [&] {
    if (ShapedType::isDynamic(shape.columns) || ShapedType::isDynamic(shape.batch))
      return wantedBlocks;
    return int64_t(llvm::divideCeil(shape.columns, columnThreads * lanes)) * shape.batch;
  };
  while (columnThreads > 2 && getBlocks() < wantedBlocks)
    columnThreads /= 2;
}

ContractionSite FewRowsPhase::getSite(Buffers &values) const {
  ContractionSite site = original;
  site.values = values.values;
  return site;
}

FailureOr<LaunchShape> FewRowsPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, original.root->getLoc());
  ProductSizes sizes = getSizes(m, getSite(values));
  Value blocks = m.mul(m.ceilDiv(sizes.columns, columnThreads * lanes), sizes.batch);
  return LaunchShape{m.mul(blocks, m.min(m.constant(shape.rows), 1)), m.constant(getSharedBytes())};
}

//===----------------------------------------------------------------------------------------------------------------===//
// A thread
//===----------------------------------------------------------------------------------------------------------------===//

struct FewRowsPhase::Work {
  ProductSizes sizes;
  mlir::Value batch, firstColumn, shared;
  /// i32: the thread, its place along the columns, and along K.
  mlir::Value thread, columnThread, group;
  /// Pointers: to the matrices, the right one moved to the column of the thread (each of its columns, where they are not adjacent).
  mlir::Value left;
  SmallVector<Value> right;
};

ProductSizes FewRowsPhase::getSizes(IndexMath &m, const ContractionSite &site) const {
  if (isa<exec::ConvOp>(original.root))
    return {m.constant(1), m.constant(shape.rows), m.constant(shape.columns), m.constant(shape.depth)};
  kernel::MatMulSizes sizes(m, site);
  return {sizes.batch, sizes.rows, sizes.columns, sizes.depth};
}

std::pair<Value, Value> FewRowsPhase::getMatrices(IndexMath &m, const ContractionSite &site, const ProductSizes &sizes,
                                                  Value batch) const {
  if (isa<exec::ConvOp>(original.root)) {
    ConvOperands operands(m, site);
    return {getGlobalPointer(m, operands.input), getGlobalPointer(m, operands.filter)};
  }
  auto op = cast<exec::MatMulOp>(original.root);
  kernel::MatMulSizes whole(m, site);
  bool isSingle = m.isConstant(sizes.batch, 1);
  auto getMatrix = [&](Value operand, ArrayRef<int64_t> dims, Type element, Value elements) {
    Value pointer = getGlobalPointer(m, site.values.lookup(operand));
    return isSingle ? pointer
                    : movePointer(m, pointer, whole.getOffset(m, batch, dims.drop_back(2), elements), element);
  };
  return {getMatrix(op.getLhs(), op.getLhs().getType().getShape(), kind.left, m.mul(sizes.rows, sizes.depth)),
          getMatrix(op.getRhs(), op.getRhsShape(), kind.right, m.mul(sizes.depth, sizes.columns))};
}

FewRowsPhase::Work FewRowsPhase::getWork(IndexMath &m, const ContractionSite &site,
                                         const DeviceFunction &function) const {
  Work work{getSizes(m, site), {}, {}, {}, {}, {}, {}, {}, {}};
  Value columnBlocks = m.ceilDiv(work.sizes.columns, columnThreads * lanes);
  bool isSingle = m.isConstant(work.sizes.batch, 1);
  work.batch = isSingle ? m.constant(0) : m.div(function.block, columnBlocks);
  Value columnBlock = isSingle ? function.block : m.rem(function.block, columnBlocks);
  work.firstColumn = m.mul(columnBlock, columnThreads * lanes);
  work.shared = getSharedPointer(m, function.shared);
  work.thread = toI32(m, function.thread);
  // Row-major: neighbours are columns. Transposed: neighbours are elements of K.
  int64_t groups = threads / columnThreads;
  work.columnThread = isTransposed ? m.div(work.thread, groups) : m.rem(work.thread, columnThreads);
  work.group = isTransposed ? m.rem(work.thread, groups) : m.div(work.thread, columnThreads);

  auto [left, right] = getMatrices(m, site, work.sizes, work.batch);
  work.left = left;
  Value column = m.add(work.firstColumn, toIndex(m, m.mul(work.columnThread, lanes)));
  int64_t pointers = isTransposed || isAligned ? 1 : lanes;
  for (int64_t i = 0; i < pointers; ++i) {
    // Columns that do not exist read what the last ones do.
    Value own = m.min(m.add(column, i), m.sub(work.sizes.columns, isTransposed || !isAligned ? 1 : lanes));
    work.right.push_back(movePointer(m, right, isTransposed ? m.mul(own, work.sizes.depth) : own, kind.right));
  }
  return work;
}

Value FewRowsPhase::loadRight(IndexMath &m, const Work &work, Value k) const {
  Value distance = isTransposed ? k : m.mul(k, work.sizes.columns);
  if (isAligned)
    return loadElements(m, movePointer(m, work.right.front(), distance, kind.right), kind.right, adjacent,
                        ReadKind::Constant);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < adjacent; ++i) {
    Value pointer =
        movePointer(m, work.right[isTransposed ? 0 : i], isTransposed ? m.add(distance, i) : distance, kind.right);
    elements.push_back(loadElements(m, pointer, kind.right, 1, ReadKind::Constant));
  }
  return joinVector(m, elements);
}

/// Adds what element `k` of K, or `chunk` elements from there on, bring.
SmallVector<Value> FewRowsPhase::addStep(IndexMath &m, const Work &work, Value k, ValueRange sums) const {
  SmallVector<Value> right = splitVector(m, kind.widenRight(m, loadRight(m, work, k))), results;
  for (int64_t row = 0; row < shape.rows; ++row) {
    Value at = movePointer(m, work.left, m.add(m.mul(m.constant(row), work.sizes.depth), k), kind.left);
    if (lanes > 1) {
      Value left = kind.widenLeft(m, loadElements(m, at, kind.left, 1, ReadKind::Constant));
      for (int64_t lane = 0; lane < lanes; ++lane)
        results.push_back(kind.multiplyAdd(m, left, right[lane], sums[row * lanes + lane]));
      continue;
    }
    SmallVector<Value> left;
    if (isAligned) {
      left = splitVector(m, kind.widenLeft(m, loadElements(m, at, kind.left, chunk, ReadKind::Constant)));
    } else {
      for (int64_t i = 0; i < chunk; ++i) {
        Value element = loadElements(m, movePointer(m, at, m.constant(i), kind.left), kind.left, 1, ReadKind::Constant);
        left.push_back(kind.widenLeft(m, element));
      }
    }
    Value sum = sums[row];
    for (auto [x, y] : llvm::zip_equal(left, right))
      sum = kind.multiplyAdd(m, x, y, sum);
    results.push_back(sum);
  }
  return results;
}

SmallVector<Value> FewRowsPhase::addProducts(IndexMath &m, const Work &work) const {
  OpBuilder &b = m.builder();
  int64_t step = threads / columnThreads * chunk;
  SmallVector<Value> sums(shape.rows * lanes, kind.zero(m));
  Value first = m.mul(toIndex(m, work.group), chunk);
  auto loop = [&](Value from, Value to, int64_t steps) {
    auto loop = scf::ForOp::create(b, m.location(), from, to, m.constant(steps * step), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next(loop.getRegionIterArgs());
    for (int64_t i = 0; i < steps; ++i)
      next = addStep(m, work, m.add(m.add(loop.getInductionVar(), first), i * step), next);
    scf::YieldOp::create(b, m.location(), next);
    sums.assign(loop.result_begin(), loop.result_end());
  };
  // Rounds of all threads in which each has something to do; then what is left, where whole chunks are left to some of them.
  Value rounds = m.mul(m.div(work.sizes.depth, unroll * step), unroll * step);
  loop(m.constant(0), rounds, unroll);
  Value whole = m.mul(m.div(work.sizes.depth, chunk), chunk);
  loop(rounds, m.subSaturating(whole, first), 1);
  return chunk == 1 || isAligned ? sums : addRest(m, work, whole, sums);
}

/// Elements of K behind the last whole chunk: the first group takes them.
SmallVector<Value> FewRowsPhase::addRest(IndexMath &m, const Work &work, Value from, ValueRange sums) const {
  OpBuilder &b = m.builder();
  Value isFirst = m.equal(work.group, m.constant(0, work.group.getType()));
  Value to = arith::SelectOp::create(b, m.location(), isFirst, work.sizes.depth, from);
  auto loop = scf::ForOp::create(b, m.location(), from, to, m.constant(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto load = [&](Value pointer, Value distance, Type element, bool isUnsigned) {
    Value at = movePointer(m, pointer, distance, element);
    return kind.widen(m, loadElements(m, at, element, 1, ReadKind::Constant), isUnsigned);
  };
  Value k = loop.getInductionVar(), right = load(work.right.front(), k, kind.right, kind.rightUnsigned);
  SmallVector<Value> next;
  for (auto [row, sum] : llvm::enumerate(loop.getRegionIterArgs())) {
    Value distance = m.add(m.mul(m.constant(row), work.sizes.depth), k);
    next.push_back(kind.multiplyAdd(m, load(work.left, distance, kind.left, kind.leftUnsigned), right, sum));
  }
  scf::YieldOp::create(b, m.location(), next);
  return SmallVector<Value>(loop.getResults());
}

void FewRowsPhase::writeSums(IndexMath &m, const ContractionSite &site, const Work &work, ValueRange sums) const {
  int64_t groups = threads / columnThreads, columns = columnThreads * lanes;
  // In shared memory: row, group, column.
  Value place = m.add(m.mul(work.group, columns), m.mul(work.columnThread, lanes));
  for (int64_t row = 0; row < shape.rows; ++row)
    storeElements(m, joinVector(m, sums.slice(row * lanes, lanes)),
                  movePointer(m, work.shared, m.add(place, row * groups * columns), kind.sum));
  emitBarrier(m);
  // A thread for each row and `lanes` columns.
  Value row = m.div(work.thread, columnThreads), own = m.mul(m.rem(work.thread, columnThreads), lanes);
  Value column = m.add(work.firstColumn, toIndex(m, own));
  Value exists = both(m, m.less(work.thread, m.constant(shape.rows * columnThreads, work.thread.getType())),
                      m.less(column, work.sizes.columns));
  m.ifThen(exists, [&] {
    Value at = movePointer(m, work.shared, m.add(m.mul(row, groups * columns), own), kind.sum);
    Value total = m.reduce(m.constant(groups - 1), loadElements(m, at, kind.sum, lanes),
                           [&](Value group, ValueRange sum) -> SmallVector<Value> {
                             Value next = movePointer(m, at, m.mul(m.add(group, 1), columns), kind.sum);
                             return {kind.add(m, sum.front(), loadElements(m, next, kind.sum, lanes))};
                           })
                      .front();
    Epilogue epilogue(m, site, lanes);
    Value end = lanes == 1 || (isAligned && !ShapedType::isDynamic(shape.columns)) ? Value() : work.sizes.columns;
    Value resultRow = m.add(m.mul(work.batch, work.sizes.rows), toIndex(m, row));
    epilogue.finish(m, total, resultRow, epilogue.load(m, column, end));
  });
}

LogicalResult FewRowsPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  IndexMath m(b, original.root->getLoc());
  ContractionSite site = getSite(values);
  Work work = getWork(m, site, function);
  writeSums(m, site, work, addProducts(m, work));
  return success();
}
