//===- MmaProduct.cpp - sums of f16 or bf16 products by tensor cores --------------------------------------------------===//

#include "MmaProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// Operands in shared memory
//===----------------------------------------------------------------------------------------------------------------===//

static constexpr int64_t chunkBytes = 16, chunkSize = 8;

/// Neighbours bring neighbouring chunks of a row.
OperandTile::Place MmaOperand::getPlace(IndexMath &m, Value thread) const {
  int64_t perRow = getRowBytes() / chunkBytes, rowsAtOnce = threads / perRow;
  assert(rowsAtOnce % 8 == 0 && "passes permute chunks alike");
  Value row = m.div(thread, perRow), inRow = m.mul(m.rem(thread, perRow), chunk);
  Place place;
  place.line = isAlongDepth ? row : inRow;
  place.k = isAlongDepth ? inRow : row;
  for (int64_t pass = 0; pass < getPasses(); ++pass) {
    place.lineOffsets.push_back(isAlongDepth ? pass * rowsAtOnce : 0);
    place.depthOffsets.push_back(isAlongDepth ? 0 : pass * rowsAtOnce);
  }
  return place;
}

/// 8 rows that follow each other, at the same chunk, lie in different banks: of rows of 64 bytes two fill all banks, so the permutation changes
/// every second row.
Value MmaOperand::getChunkOffset(IndexMath &m, Value row, Value chunk) const {
  constexpr int64_t chunksOfBanks = 8;
  int64_t perRow = std::min(getRowBytes() / chunkBytes, chunksOfBanks);
  Value key = m.rem(m.div(row, chunksOfBanks / perRow), perRow);
  Value permuted = arith::XOrIOp::create(m.builder(), m.location(), chunk, key);
  return m.add(m.mul(row, getRowBytes()), m.mul(permuted, chunkBytes));
}

SmallVector<Value> MmaOperand::getTargets(IndexMath &m, const Place &place, Value shared) const {
  Value row = isAlongDepth ? place.line : place.k, inRow = isAlongDepth ? place.k : place.line;
  Value first = movePointer(m, shared, getChunkOffset(m, row, m.div(inRow, chunk)), m.builder().getI8Type());
  SmallVector<Value> targets;
  for (auto [line, k] : llvm::zip_equal(place.lineOffsets, place.depthOffsets))
    targets.push_back(moveBytes(m, first, (isAlongDepth ? line : k) * getRowBytes()));
  return targets;
}

SmallVector<Value> MmaOperand::loadFragment(IndexMath &m, Value thread, Value line, int64_t lineOffset, int64_t step,
                                            Value shared) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  // Lanes 0 to 15 point to the rows of the first 8 columns of a 16 x 16 matrix, the others to those of the last 8.
  Value lane = m.rem(thread, MmaTile::warpSize), inRows = m.rem(lane, 16), half = m.div(lane, 16);
  Value row, chunkNumber;
  int64_t distance = 0;
  if (isAlongDepth) {
    row = m.add(line, inRows);
    chunkNumber = m.add(half, step * 2);
    distance = lineOffset * getRowBytes();
  } else {
    row = inRows;
    chunkNumber = m.add(m.add(m.div(line, chunk), half), lineOffset / chunk);
    distance = step * MmaTile::tileDepth * getRowBytes();
  }
  Value address = movePointer(m, shared, getChunkOffset(m, row, chunkNumber), b.getI8Type());
  SmallVector<Type> registers(4, b.getI32Type());
  auto matrices = NVVM::LdMatrixOp::create(
      b, loc, LLVM::LLVMStructType::getLiteral(b.getContext(), registers), moveBytes(m, address, distance), /*num=*/4,
      isAlongDepth ? NVVM::MMALayout::row : NVVM::MMALayout::col, NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
      NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> values;
  for (int64_t i = 0; i < 4; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, loc, matrices.getResult(), i));
  return values;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------===//

bool MmaProduct::canMultiply(const ElementKind &kind, const GPUTarget &target) {
  if (kind.left != kind.right || !kind.sum.isF32())
    return false;
  return kind.left.isF16() ? target.hasMma() : kind.left.isBF16() && target.hasAmpereMma();
}

MmaProduct::MmaProduct(const MmaTile &tile, const ElementKind &kind, bool isRightAlongDepth, const GPUTarget &target)
    : tile(tile), kind(kind),
      left(tile.getRows(), tile.depth, tile.getThreads(), /*isAlongDepth=*/true, chunkBytes / chunkSize, chunkSize),
      right(tile.getColumns(), tile.depth, tile.getThreads(), isRightAlongDepth, chunkBytes / chunkSize, chunkSize),
      isDeep(target.hasAmpereMma()), hasAsyncCopy(target.hasAsyncCopy()) {}

Value MmaProduct::getWarpRow(IndexMath &m, Value thread) const {
  return m.mul(m.div(m.div(thread, MmaTile::warpSize), tile.warpColumns), tile.getRowsPerWarp());
}

Value MmaProduct::getWarpColumn(IndexMath &m, Value thread) const {
  return m.mul(m.rem(m.div(thread, MmaTile::warpSize), tile.warpColumns), tile.getColumnsPerWarp());
}

/// Lanes of a quad have two columns each of the same rows.
Value MmaProduct::getRow(IndexMath &m, Value thread) const {
  return m.add(getWarpRow(m, thread), m.div(m.rem(thread, MmaTile::warpSize), 4));
}

Value MmaProduct::getColumn(IndexMath &m, Value thread, int64_t group) const {
  return m.add(m.add(getWarpColumn(m, thread), m.mul(m.rem(thread, 4), 2)), group * MmaTile::tileColumns);
}

Value MmaProduct::getRowDistance(IndexMath &m, Value number) const {
  return m.add(m.mul(m.div(number, 2), MmaTile::tileRows), m.mul(m.rem(number, 2), MmaTile::tileRows / 2));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> MmaProduct::multiplyTile(IndexMath &m, ValueRange left, ValueRange right, ValueRange sums) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  bool isHalf = kind.left.isF16();
  auto asOperand = [&](ValueRange registers) {
    return llvm::map_to_vector(registers, [&](Value value) -> Value {
      return isHalf ? LLVM::BitcastOp::create(b, loc, VectorType::get(2, b.getF16Type()), value).getResult() : value;
    });
  };
  auto type = isHalf ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  auto result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  SmallVector<Value> values(sums);
  // Registers of the left operand: two of the first 8 elements of K, two of the others; of the right one, one each.
  int64_t parts = isDeep ? 1 : 2;
  for (int64_t part = 0; part < parts; ++part) {
    auto product = NVVM::MmaOp::create(b, loc, result, asOperand(left.slice(part * 2, 4 / parts)),
                                       asOperand(right.slice(part, 2 / parts)), values,
                                       ArrayRef<int64_t>{16, 8, 16 / parts}, std::nullopt, std::nullopt,
                                       std::array{type, type}, std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
    for (int64_t i = 0; i < 4; ++i)
      values[i] = LLVM::ExtractValueOp::create(b, loc, product.getResult(), i);
  }
  return values;
}

SmallVector<Value> MmaProduct::multiply(IndexMath &m, Value thread, Value stage, ValueRange sums) const {
  SmallVector<Value> results(sums);
  Value row = getWarpRow(m, thread), column = getWarpColumn(m, thread);
  Value rightStage = moveBytes(m, stage, left.getSharedBytes());
  for (int64_t step = 0; step < tile.depth / MmaTile::tileDepth; ++step) {
    SmallVector<SmallVector<Value>> rows, columns;
    for (int64_t i = 0; i < tile.rowTiles; ++i)
      rows.push_back(left.loadFragment(m, thread, row, i * 16, step, stage));
    for (int64_t j = 0; j < tile.columnTiles; j += 2) {
      SmallVector<Value> both = right.loadFragment(m, thread, column, j * 8, step, rightStage);
      // Two tiles of 8 columns. Along the depth the 16 lines come before the second half of K, else behind it.
      int64_t other = right.isAlongDepth ? 2 : 1, next = right.isAlongDepth ? 1 : 2;
      columns.push_back({both[0], both[other]});
      columns.push_back({both[next], both[3]});
    }
    for (int64_t i = 0; i < tile.rowTiles; ++i)
      for (int64_t j = 0; j < tile.columnTiles; ++j) {
        size_t first = (i * tile.columnTiles + j) * 4;
        SmallVector<Value> own = multiplyTile(m, rows[i], columns[j], ValueRange(results).slice(first, 4));
        llvm::copy(own, results.begin() + first);
      }
  }
  return results;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Parts of K
//===----------------------------------------------------------------------------------------------------------------===//

/// Brings parts of K to the stages.
struct MmaProduct::Pipeline {
  Pipeline(IndexMath &m, const MmaProduct &product, Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
           Value depth, Value shared)
      : m(m), product(product), thread(thread), leftLoader(leftLoader), rightLoader(rightLoader), shared(shared),
        parts(cutDepth(m, depth, product.tile.depth)) {
    state = leftLoader.begin(m);
    numLeft = state.size();
    llvm::append_range(state, rightLoader.begin(m));
    numSums = product.tile.rowTiles * product.tile.columnTiles * 4;
  }

  Value constant(int64_t value) { return m.constant(value, m.builder().getI32Type()); }
  Value getStage(Value offset) { return movePointer(m, shared, offset, m.builder().getI8Type()); }
  SmallVector<Value> getZeros() { return SmallVector<Value>(numSums, product.kind.zero(m)); }
  /// What is valid of part 0.
  Value getFirstValid() { return m.isConstant(parts.first, product.tile.depth) ? Value() : parts.first; }

  SmallVector<Value> advance(ValueRange state, Value count) {
    SmallVector<Value> next = leftLoader.advance(m, state.take_front(numLeft), count);
    llvm::append_range(next, rightLoader.advance(m, state.drop_front(numLeft), count));
    return next;
  }
  SmallVector<Value> getTargets(Value stage) {
    SmallVector<Value> targets = product.left.getTargets(m, leftLoader.getPlace(), stage);
    Value right = moveBytes(m, stage, product.left.getSharedBytes());
    llvm::append_range(targets, product.right.getTargets(m, rightLoader.getPlace(), right));
    return targets;
  }
  void copy(ValueRange state, Value valid, Value offset) {
    SmallVector<Value> targets = getTargets(getStage(offset));
    ArrayRef all(targets);
    leftLoader.copy(m, state.take_front(numLeft), valid, all.take_front(product.left.getPasses()));
    rightLoader.copy(m, state.drop_front(numLeft), valid, all.drop_front(product.left.getPasses()));
  }
  SmallVector<Value> load(ValueRange state, Value valid) {
    SmallVector<Value> chunks = leftLoader.load(m, state.take_front(numLeft), valid);
    llvm::append_range(chunks, rightLoader.load(m, state.drop_front(numLeft), valid));
    return chunks;
  }
  void store(ValueRange chunks, Value offset) {
    for (auto [chunk, target] : llvm::zip_equal(chunks, getTargets(getStage(offset))))
      storeElements(m, chunk, target);
  }
  /// The stage behind the one at `offset`, in a ring of `count`.
  Value getNext(Value offset, int64_t count) {
    Value next = m.add(offset, product.getStageBytes()), end = constant(count * product.getStageBytes());
    return arith::SelectOp::create(m.builder(), m.location(), m.equal(next, end), constant(0), next);
  }

  IndexMath &m;
  const MmaProduct &product;
  Value thread;
  TileLoader &leftLoader, &rightLoader;
  Value shared;
  DepthParts parts;
  SmallVector<Value> state;
  size_t numLeft, numSums;
};

/// Copies run `numStages - 1` parts ahead of the products.
SmallVector<Value> MmaProduct::emitAhead(IndexMath &m, Pipeline &pipeline) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  constexpr int64_t ahead = numStages - 1;
  Value size = pipeline.constant(tile.depth);
  SmallVector<Value> state = pipeline.state;
  for (int64_t part = 0; part < ahead; ++part) {
    Value exists = m.less(pipeline.constant(part), pipeline.parts.count);
    Value valid = part == 0 ? pipeline.getFirstValid() : Value();
    m.ifThen(exists, [&] { pipeline.copy(state, valid, pipeline.constant(part * getStageBytes())); });
    NVVM::CpAsyncCommitGroupOp::create(b, loc);
    state = pipeline.advance(state, part == 0 ? pipeline.parts.first : size);
  }
  SmallVector<Value> carried = pipeline.getZeros();
  llvm::append_range(carried, keepWhole(m, state));
  carried.append({pipeline.constant(0), pipeline.constant(ahead * getStageBytes())});
  auto loop = scf::ForOp::create(b, loc, pipeline.constant(0), pipeline.parts.count, pipeline.constant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ValueRange values = loop.getRegionIterArgs();
  ValueRange now = values.slice(pipeline.numSums, state.size());
  Value read = values[values.size() - 2], write = values.back();
  NVVM::CpAsyncWaitGroupOp::create(b, loc, ahead - 1);
  emitBarrier(m);
  m.ifThen(m.less(m.add(loop.getInductionVar(), ahead), pipeline.parts.count),
           [&] { pipeline.copy(now, Value(), write); });
  NVVM::CpAsyncCommitGroupOp::create(b, loc);
  SmallVector<Value> next = multiply(m, pipeline.thread, pipeline.getStage(read), values.take_front(pipeline.numSums));
  llvm::append_range(next, pipeline.advance(now, size));
  next.append({pipeline.getNext(read, numStages), pipeline.getNext(write, numStages)});
  scf::YieldOp::create(b, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults().take_front(pipeline.numSums));
}

/// Two stages: the next part goes through registers while the products of this one are added.
SmallVector<Value> MmaProduct::emitInTurns(IndexMath &m, Pipeline &pipeline) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  pipeline.store(pipeline.load(pipeline.state, pipeline.getFirstValid()), pipeline.constant(0));
  emitBarrier(m);
  SmallVector<Value> carried = pipeline.getZeros();
  llvm::append_range(carried, keepWhole(m, pipeline.advance(pipeline.state, pipeline.parts.first)));
  carried.append({pipeline.constant(0), pipeline.constant(getStageBytes())});
  auto loop = scf::ForOp::create(b, loc, pipeline.constant(1), pipeline.parts.count, pipeline.constant(1), carried);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange values = loop.getRegionIterArgs();
    ValueRange now = values.slice(pipeline.numSums, pipeline.state.size());
    Value read = values[values.size() - 2], write = values.back();
    SmallVector<Value> chunks = pipeline.load(now, Value());
    SmallVector<Value> next =
        multiply(m, pipeline.thread, pipeline.getStage(read), values.take_front(pipeline.numSums));
    pipeline.store(chunks, write);
    emitBarrier(m);
    llvm::append_range(next, pipeline.advance(now, pipeline.constant(tile.depth)));
    next.append({write, read});
    scf::YieldOp::create(b, loc, next);
  }
  Value last = loop.getResult(loop.getNumResults() - 2);
  return multiply(m, pipeline.thread, pipeline.getStage(last), loop.getResults().take_front(pipeline.numSums));
}

SmallVector<Value> MmaProduct::emit(IndexMath &m, Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
                                    Value depth, Value shared) const {
  Pipeline pipeline(m, *this, thread, leftLoader, rightLoader, depth, shared);
  bool copies = hasAsyncCopy && leftLoader.canCopy() && rightLoader.canCopy();
  SmallVector<Value> tiles = copies ? emitAhead(m, pipeline) : emitInTurns(m, pipeline), sums;
  // A tile has two rows of a thread.
  for (int64_t row = 0; row < getNumRows(); ++row)
    for (int64_t group = 0; group < getNumGroups(); ++group)
      llvm::append_range(sums, ArrayRef(tiles).slice((row / 2 * tile.columnTiles + group) * 4 + row % 2 * 2, 2));
  return sums;
}
