//===- GemmBlock.cpp - all register tiles of a block --------------------------------------------------------------===//

#include "GemmBlock.h"
#include "Packing.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

Value Scratch::take(IndexMath &m, int64_t count, Type element) {
  int64_t size = llvm::alignTo(count * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8), 64);
  Value view;
  if (memory)
    view = memref::ViewOp::create(m.builder(), m.location(), MemRefType::get({count}, element), memory,
                                  m.constant(bytes), ValueRange());
  bytes += size;
  return view;
}

namespace {

class BlockEmitter {
public:
  BlockEmitter(IndexMath &m, const GemmBlock &block) : m(m), block(block), lanes(block.kind.lanes) {}

  void emit() {
    block.columns.forEachTile(m, block.numColumns, block.columnBlock, [&](Value column, ArrayRef<Value> masks) {
      RightTile right = getRightTile(column, masks);
      m.loop(block.numLines, [&](Value line) {
        block.rows.forEachTile(m, block.numRows, block.rowBlock,
                               [&](int64_t rows, Value row) { emitTile(line, row, rows, column, masks, right); });
      });
    });
  }

private:
  RightTile getRightTile(Value column, ArrayRef<Value> masks);
  void addPrefetches(RightTile &right, Value column, Value row, Value line) const;
  void emitTile(Value line, Value row, int64_t rows, Value column, ArrayRef<Value> masks, RightTile right);
  SmallVector<Value> loadSums(Value row, int64_t rows, Value column, int64_t vectors);
  void storeSums(ValueRange sums, Value row, Value column, int64_t vectors, int64_t stride);
  void finishNow(ValueRange sums, Value resultRow, Value column, ArrayRef<Value> masks);
  void finishStaged(Value resultRow, int64_t rows, Value column, ArrayRef<Value> masks);

  Value load(Value memref, Value index) {
    return vector::LoadOp::create(m.builder(), m.location(), cast<VectorType>(block.kind.getSumType()), memref, index);
  }
  void store(Value value, Value memref, Value index) {
    vector::StoreOp::create(m.builder(), m.location(), value, memref, index);
  }

  IndexMath &m;
  const GemmBlock &block;
  int64_t lanes;
};

} // namespace

RightTile BlockEmitter::getRightTile(Value column, ArrayRef<Value> masks) {
  const RightMatrix &matrix = block.right;
  RightTile tile;
  int64_t numVectors = masks.size(), step = block.kind.getStepSize();
  auto addAdjacent = [&](int64_t elementsOfColumn) {
    for (int64_t vector = 0; vector < numVectors; ++vector)
      tile.offsets.push_back(m.constant(vector * lanes * elementsOfColumn));
  };
  tile.masks.resize(numVectors);
  if (matrix.packed) {
    emitPackRight(m, block.kind, matrix, column, block.numColumns, masks);
    tile.memref = matrix.packed;
    tile.base = m.constant(0);
    tile.depthStride = m.constant(numVectors * lanes * step);
    addAdjacent(step);
    return tile;
  }
  tile.memref = matrix.memref;
  if (matrix.kind == RightMatrix::RowMajor) {
    tile.base = m.add(matrix.base, column);
    tile.depthStride = matrix.stride;
    tile.masks.assign(masks.begin(), masks.end());
    addAdjacent(1);
    return tile;
  }
  // Panels are zero where columns are missing: no masks. A tile may start inside a panel when a vector is shorter than it.
  int64_t panelColumns = matrix.panelColumns;
  bool isAligned = block.columns.getColumnsPerTile() % panelColumns == 0 || panelColumns == lanes;
  Value inPanel = isAligned ? m.constant(0) : m.rem(column, panelColumns);
  tile.base = m.add(matrix.base, m.mul(m.div(column, panelColumns), matrix.stride));
  tile.depthStride = m.constant(panelColumns * step);
  for (int64_t vector = 0; vector < numVectors; ++vector) {
    Value local = m.add(inPanel, vector * lanes);
    Value panel = m.mul(m.div(local, panelColumns), matrix.stride);
    tile.offsets.push_back(m.add(panel, m.mul(m.rem(local, panelColumns), step)));
  }
  return tile;
}

/// Bytes ahead of a stream that is read at the speed of memory.
static constexpr int64_t kStreamAhead = 2048;

/// While the first register tile of a block reads its panels, they are fetched a little ahead, across the pages that stop the
/// hardware's own prefetching; while the others do, the panels of the next columns are fetched. Where there are enough of them, those of
/// the next block too, and each tile fetches a part, for memory is no faster than all of them together.
void BlockEmitter::addPrefetches(RightTile &right, Value column, Value row, Value line) const {
  const RightMatrix &matrix = block.right;
  OpBuilder &b = m.builder();
  auto [firstColumn, endColumn] = block.columns.getBlock(m, block.numColumns, block.columnBlock);
  Value firstRow = block.rows.getBlock(m, block.numRows, block.rowBlock).first;
  Value isFirst = m.equal(m.add(m.sub(row, firstRow), m.add(m.sub(column, firstColumn), line)), m.constant(0));
  constexpr int64_t mostParts = 8;
  int64_t parts = llvm::bit_floor(uint64_t(std::clamp<int64_t>(block.numSharers - 1, 1, mostParts)));
  int64_t width = block.columns.getColumnsPerTile(), stepSize = matrix.panelColumns * block.kind.getStepSize();
  Value end = parts > 1 ? block.numColumns : endColumn, partStart = m.constant(0);
  if (parts > 1) {
    Value tile =
        m.add(m.mul(line, block.rows.getTilesPerBlock()), m.div(m.sub(row, firstRow), block.rows.getRowsPerTile()));
    partStart = m.mul(m.rem(tile, parts), stepSize / parts);
    for (const ReductionLoop &loop : block.loops)
      partStart = m.mul(partStart, loop.count);
  }
  int64_t ahead = kStreamAhead * 8 / block.kind.right.getIntOrFloatBitWidth();
  Value last = m.div(m.sub(end, 1), matrix.panelColumns), next = m.div(m.add(column, width), matrix.panelColumns);
  for (int64_t panel = 0, panels = llvm::divideCeil(width, matrix.panelColumns); panel < panels; ++panel) {
    Value own = m.add(right.base, m.add(m.mul(matrix.stride, panel), ahead));
    Value later = m.add(matrix.base, m.mul(m.min(m.add(next, panel), last), matrix.stride));
    bool isAlone = block.numSharers == 1;
    right.prefetches.push_back(
        isAlone ? own : arith::SelectOp::create(b, m.location(), isFirst, own, m.add(later, partStart)).getResult());
  }
  right.prefetchStride = m.constant(stepSize);
  if (parts > 1)
    right.prefetchStride =
        arith::SelectOp::create(b, m.location(), isFirst, right.prefetchStride, m.constant(stepSize / parts));
}

SmallVector<Value> BlockEmitter::loadSums(Value row, int64_t rows, Value column, int64_t vectors) {
  SmallVector<Value> zeros(rows * vectors, block.kind.zero(m));
  if (!block.isContinued)
    return zeros;
  OpBuilder &b = m.builder();
  auto branch =
      scf::IfOp::create(b, m.location(), TypeRange(ValueRange(zeros)), block.isContinued, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> loaded;
  Value at = m.add(m.mul(row, block.sumStride), column);
  for (int64_t i = 0; i < rows * vectors; ++i)
    loaded.push_back(load(block.sums, m.add(at, i / vectors * block.sumStride + i % vectors * lanes)));
  scf::YieldOp::create(b, m.location(), loaded);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, m.location(), zeros);
  return SmallVector<Value>(branch.getResults());
}

void BlockEmitter::storeSums(ValueRange sums, Value row, Value column, int64_t vectors, int64_t stride) {
  Value at = m.add(m.mul(row, stride), column);
  for (auto [i, sum] : llvm::enumerate(sums))
    store(sum, block.sums, m.add(at, int64_t(i) / vectors * stride + int64_t(i) % vectors * lanes));
}

void BlockEmitter::finishNow(ValueRange sums, Value resultRow, Value column, ArrayRef<Value> masks) {
  SmallVector<Epilogue::Columns> columns;
  for (auto [vector, mask] : llvm::enumerate(masks))
    columns.push_back(block.epilogue->load(m, m.add(m.add(block.resultColumn, column), vector * lanes), mask));
  for (auto [i, sum] : llvm::enumerate(sums))
    block.epilogue->finish(m, sum, m.add(resultRow, i / masks.size()), columns[i % masks.size()]);
}

/// The same from memory, in loops: a heavy epilogue is written once.
void BlockEmitter::finishStaged(Value resultRow, int64_t rows, Value column, ArrayRef<Value> masks) {
  bool isMasked = llvm::any_of(masks, [](Value mask) { return bool(mask); });
  m.loop(m.constant(masks.size()), [&](Value vector) {
    Value offset = m.mul(vector, lanes), at = m.add(column, offset);
    Value mask = isMasked ? createColumnMask(m, at, block.numColumns, lanes) : nullptr;
    Epilogue::Columns columns = block.epilogue->load(m, m.add(block.resultColumn, at), mask);
    m.loop(m.constant(rows), [&](Value row) {
      Value sum = load(block.sums, m.add(m.mul(row, masks.size() * lanes), offset));
      block.epilogue->finish(m, sum, m.add(resultRow, row), columns);
    });
  });
}

void BlockEmitter::emitTile(Value line, Value row, int64_t rows, Value column, ArrayRef<Value> masks, RightTile right) {
  LeftTile left{block.left, m.add(block.leftBase, m.mul(line, block.leftLineStride)), {}};
  Value leftRow = block.leftFirstRow ? m.sub(row, block.leftFirstRow) : row;
  left.base = m.add(left.base, m.mul(leftRow, block.runRows == 1 ? block.leftRowStride : block.leftRunStride));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < block.runRows; ++j)
      left.offsets.push_back(block.runRows == 1 ? m.mul(block.leftRowStride, i)
                                                : m.add(m.mul(block.leftRunStride, i), m.mul(block.leftRowStride, j)));
  if (block.prefetch)
    addPrefetches(right, column, row, line);
  // When K is cut, sums are addressed from the first row and column of the block.
  Value localRow = row, localColumn = column;
  if (block.isContinued) {
    localRow = m.sub(row, block.rows.getBlock(m, block.numRows, block.rowBlock).first);
    localColumn = m.sub(column, block.columns.getBlock(m, block.numColumns, block.columnBlock).first);
  }
  int64_t numRows = rows * block.runRows;
  SmallVector<Value> init = loadSums(localRow, numRows, localColumn, masks.size());
  SmallVector<Value> sums = emitRegisterTile(m, block.kind, left, right, block.loops, init);
  if (block.isContinued || !block.epilogue)
    return storeSums(sums, localRow, localColumn, masks.size(), block.sumStride);
  Value resultRow = m.add(m.add(block.resultRow, m.mul(line, block.resultLineStride)), m.mul(row, block.runRows));
  if (!block.epilogue->isHeavy())
    return finishNow(sums, resultRow, column, masks);
  storeSums(sums, m.constant(0), m.constant(0), masks.size(), masks.size() * lanes);
  finishStaged(resultRow, numRows, column, masks);
}

void cpu::emitGemmBlock(IndexMath &m, const GemmBlock &block) { BlockEmitter(m, block).emit(); }

void cpu::emitFinishBlock(IndexMath &m, const GemmBlock &block) {
  int64_t lanes = block.kind.lanes;
  auto [firstRow, endRow] = block.rows.getBlock(m, block.numRows, block.rowBlock);
  auto [firstColumn, endColumn] = block.columns.getBlock(m, block.numColumns, block.columnBlock);
  auto finish = [&](Value column, Value mask) {
    Epilogue::Columns columns = block.epilogue->load(m, m.add(block.resultColumn, column), mask);
    m.loop(m.sub(endRow, firstRow), [&](Value row) {
      Value at = m.add(m.mul(row, block.sumStride), m.sub(column, firstColumn));
      Value sum =
          vector::LoadOp::create(m.builder(), m.location(), cast<VectorType>(block.kind.getSumType()), block.sums, at);
      block.epilogue->finish(m, sum, m.add(block.resultRow, m.add(firstRow, row)), columns);
    });
  };
  Value fullEnd = m.mul(m.div(endColumn, lanes), lanes);
  m.loop(firstColumn, fullEnd, lanes, [&](Value column) { finish(column, nullptr); });
  m.ifThen(m.less(fullEnd, endColumn), [&] { finish(fullEnd, createColumnMask(m, fullEnd, endColumn, lanes)); });
}
