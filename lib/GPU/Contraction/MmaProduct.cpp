//===- MmaProduct.cpp - sums of products by tensor cores --------------------------------------------------------------===//

#include "MmaProduct.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

//===----------------------------------------------------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------------------------------------------------===//

bool MmaProduct::canMultiply(const ElementKind &kind, const GPUTarget &target) {
  if (kind.isBytes())
    return target.hasMma();
  if (kind.left != kind.right || !kind.sum.isF32())
    return false;
  if (kind.left.isF32())
    return target.usesTF32();
  return kind.left.isF16() ? target.hasMma() : kind.left.isBF16() && target.hasAmpereMma();
}

static int64_t getElementBytes(const ElementKind &kind) { return kind.left.getIntOrFloatBitWidth() / 8; }

static std::unique_ptr<OperandTile> makeRight(const MmaTile &tile, const ElementKind &kind, const RightLayout &layout) {
  int64_t lines = tile.getColumns(), threads = tile.getThreads();
  if (!kind.isBytes())
    return std::make_unique<MmaOperand>(lines, tile.depth, threads, layout.isAlongDepth, getElementBytes(kind));
  return std::make_unique<MmaWordOperand>(lines, tile.depth, threads, layout.isAlongDepth, layout.run);
}

MmaProduct::MmaProduct(const MmaTile &tile, const ElementKind &kind, const RightLayout &layout, const GPUTarget &target)
    : tile(tile), kind(kind),
      left(tile.getRows(), tile.depth, tile.getThreads(), /*isAlongDepth=*/true, getElementBytes(kind)),
      right(makeRight(tile, kind, layout)), isDeep(target.hasAmpereMma()), hasAsyncCopy(target.hasAsyncCopy()),
      numStages(hasAsyncCopy ? asyncStages : 2) {}

Value MmaProduct::getWarpRow(IndexMath &m, Value thread) const {
  return m.mul(m.div(m.div(thread, MmaTile::warpSize), tile.warpColumns), tile.getRowsPerWarp());
}

Value MmaProduct::getWarpColumn(IndexMath &m, Value thread) const {
  return m.mul(m.rem(m.div(thread, MmaTile::warpSize), tile.warpColumns), tile.getColumnsPerWarp());
}

Value MmaProduct::getRow(IndexMath &m, Value thread) const {
  return m.add(getWarpRow(m, thread), m.div(m.rem(thread, MmaTile::warpSize), 4));
}

/// Lanes of a quad have columns of the same rows: two of each tile, or one of each of 4 tiles, twice.
Value MmaProduct::getColumn(IndexMath &m, Value thread, int64_t group) const {
  Value inTile = m.mul(m.rem(thread, 4), 2), warp = getWarpColumn(m, thread);
  if (!isBytes())
    return m.add(m.add(warp, inTile), group * MmaTile::tileColumns);
  Value column = MmaWordOperand::getColumn(m, m.add(inTile, group % 2));
  return m.add(m.add(warp, column), group / 2 * MmaWordOperand::tilesAtOnce * MmaTile::tileColumns);
}

Value MmaProduct::getRowDistance(IndexMath &m, Value number) const {
  return m.add(m.mul(m.div(number, 2), MmaTile::tileRows), m.mul(m.rem(number, 2), MmaTile::tileRows / 2));
}

//===----------------------------------------------------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------------------------------------------------===//

/// One instruction: as many sums as `sums` has.
static SmallVector<Value> multiplyAdd(IndexMath &m, ValueRange left, ValueRange right, ValueRange sums,
                                      ArrayRef<int64_t> shape, std::array<NVVM::MMATypes, 2> types) {
  OpBuilder &b = m.builder();
  Type sum = sums.front().getType();
  std::optional<NVVM::MMAIntOverflow> overflow;
  if (sum.isInteger())
    overflow = NVVM::MMAIntOverflow::wrapped;
  auto result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(sums.size(), sum));
  auto product = NVVM::MmaOp::create(b, m.location(), result, left, right, sums, shape, std::nullopt, overflow, types,
                                     std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> values;
  for (size_t i = 0; i < sums.size(); ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, m.location(), product.getResult(), i));
  return values;
}

/// Registers of the left operand: two of the first 16 bytes of K, for 8 rows each, two of the others; of the right one, one each. Sums: two of each row.
SmallVector<Value> MmaProduct::multiplyHalves(IndexMath &m, ValueRange left, ValueRange right, ValueRange sums) const {
  OpBuilder &b = m.builder();
  bool isHalf = kind.left.isF16();
  auto asOperand = [&](ValueRange registers) {
    return llvm::map_to_vector(registers, [&](Value value) -> Value {
      return isHalf ? LLVM::BitcastOp::create(b, m.location(), VectorType::get(2, b.getF16Type()), value).getResult()
                    : value;
    });
  };
  auto type = isHalf ? NVVM::MMATypes::f16 : NVVM::MMATypes::bf16;
  SmallVector<Value> values(sums);
  int64_t parts = isDeep ? 1 : 2;
  for (int64_t part = 0; part < parts; ++part)
    values = multiplyAdd(m, asOperand(left.slice(part * 2, 4 / parts)), asOperand(right.slice(part, 2 / parts)), values,
                         {16, 8, 16 / parts}, {type, type});
  return values;
}

/// f32 as an operand: what tensor cores do with the bits that tf32 does not have is not defined.
static void roundToTF32(IndexMath &m, MutableArrayRef<Value> registers) {
  OpBuilder &b = m.builder();
  for (Value &value : registers) {
    Value number = LLVM::BitcastOp::create(b, m.location(), b.getF32Type(), value);
    value = NVVM::ConvertFloatToTF32Op::create(b, m.location(), b.getI32Type(), number, NVVM::FPRoundingMode::RNA);
  }
}

/// Registers as in multiplyHalves, an element each.
SmallVector<Value> MmaProduct::multiplySingles(IndexMath &m, ValueRange left, ValueRange right, ValueRange sums) const {
  return multiplyAdd(m, left, right, sums, {16, 8, 8}, {NVVM::MMATypes::tf32, NVVM::MMATypes::tf32});
}

SmallVector<Value> MmaProduct::multiplyBytes(IndexMath &m, ValueRange left, ValueRange right, ValueRange sums) const {
  auto getType = [](bool isUnsigned) { return isUnsigned ? NVVM::MMATypes::u8 : NVVM::MMATypes::s8; };
  std::array types = {getType(kind.leftUnsigned), getType(kind.rightUnsigned)};
  if (isDeep)
    return multiplyAdd(m, left, right, sums, {16, 8, 32}, types);
  SmallVector<Value> values;
  for (int64_t half : {0, 1}) {
    SmallVector<Value> own(sums.slice(half * 2, 2));
    for (int64_t part : {0, 1})
      own = multiplyAdd(m, left[part * 2 + half], right[part], own, {8, 8, 16}, types);
    llvm::append_range(values, own);
  }
  return values;
}

SmallVector<Value> MmaProduct::multiplyTile(IndexMath &m, ValueRange left, ValueRange right, ValueRange sums) const {
  if (isBytes())
    return multiplyBytes(m, left, right, sums);
  return isSingle() ? multiplySingles(m, left, right, sums) : multiplyHalves(m, left, right, sums);
}

SmallVector<std::array<Value, 2>> MmaProduct::loadColumns(IndexMath &m, Value thread, int64_t step, Value stage) const {
  SmallVector<std::array<Value, 2>> columns;
  if (isBytes()) {
    auto &operand = static_cast<const MmaWordOperand &>(*right);
    for (int64_t j = 0; j < tile.columnTiles; j += MmaWordOperand::tilesAtOnce)
      llvm::append_range(columns, operand.loadFragments(m, thread, getWarpColumn(m, thread), j * 8, step, stage));
    return columns;
  }
  auto &operand = static_cast<const MmaOperand &>(*right);
  if (operand.hasWords()) {
    for (int64_t j = 0; j < tile.columnTiles; ++j)
      columns.push_back(operand.loadColumns(m, thread, getWarpColumn(m, thread), j * 8, step, stage));
    return columns;
  }
  for (int64_t j = 0; j < tile.columnTiles; j += 2) {
    SmallVector<Value> both = operand.loadFragment(m, thread, getWarpColumn(m, thread), j * 8, step, stage);
    // Two tiles of 8 columns. Along the depth the 16 lines come before the second half of K, else behind it.
    int64_t other = right->isAlongDepth ? 2 : 1, next = right->isAlongDepth ? 1 : 2;
    columns.push_back({both[0], both[other]});
    columns.push_back({both[next], both[3]});
  }
  return columns;
}

SmallVector<Value> MmaProduct::multiply(IndexMath &m, Value thread, Value stage, ValueRange sums) const {
  SmallVector<Value> results(sums);
  Value row = getWarpRow(m, thread), rightStage = moveBytes(m, stage, left.getSharedBytes());
  for (int64_t step = 0; step < tile.depth * left.bytes / MmaTile::tileBytes; ++step) {
    SmallVector<SmallVector<Value>> rows;
    for (int64_t i = 0; i < tile.rowTiles; ++i)
      rows.push_back(left.loadFragment(m, thread, row, i * 16, step, stage));
    SmallVector<std::array<Value, 2>> columns = loadColumns(m, thread, step, rightStage);
    if (isSingle()) {
      for (MutableArrayRef<Value> registers : rows)
        roundToTF32(m, registers);
      for (MutableArrayRef<Value> registers : columns)
        roundToTF32(m, registers);
    }
    for (int64_t i = 0; i < tile.rowTiles; ++i)
      for (int64_t j = 0; j < tile.columnTiles; ++j) {
        size_t first = (i * tile.columnTiles + j) * 4;
        ValueRange old = ValueRange(results).slice(first, 4);
        llvm::copy(multiplyTile(m, rows[i], columns[j], old), results.begin() + first);
      }
  }
  return results;
}

//===----------------------------------------------------------------------------------------------------------------===//
// Parts of K
//===----------------------------------------------------------------------------------------------------------------===//

/// Brings parts of K to the stages.
struct MmaProduct::Pipeline {
  /// One of the operands: how many values of the state it has, where in a stage it is, and whether it is copied there without registers.
  struct Side {
    TileLoader &loader;
    const OperandTile &operand;
    size_t numState;
    int64_t offset;
    bool copies;
  };

  Pipeline(IndexMath &m, const MmaProduct &product, Value thread, TileLoader &leftLoader, TileLoader &rightLoader,
           Value depth, Value shared)
      : m(m), product(product), thread(thread), shared(shared), parts(cutDepth(m, depth, product.tile.depth)) {
    auto add = [&](TileLoader &loader, const OperandTile &operand, int64_t offset) {
      SmallVector<Value> own = loader.begin(m);
      llvm::append_range(state, own);
      sides.push_back({loader, operand, own.size(), offset, product.hasAsyncCopy && loader.canCopy()});
    };
    add(leftLoader, product.left, 0);
    add(rightLoader, *product.right, product.left.getSharedBytes());
    numSums = product.tile.rowTiles * product.tile.columnTiles * 4;
  }

  /// Copies of f16 pay where there are no registers to fill; bytes have room for the words of the right operand.
  bool canRunAhead() const { return sides[0].copies && (sides[1].copies || product.isBytes()); }
  void copyNothing() { sides[0].copies = sides[1].copies = false; }

  Value constant(int64_t value) { return m.constant(value, m.builder().getI32Type()); }
  Value getStage(Value offset) { return movePointer(m, shared, offset, m.builder().getI8Type()); }
  SmallVector<Value> getZeros() { return SmallVector<Value>(numSums, product.kind.zero(m)); }
  /// What is valid of part 0.
  Value getFirstValid() { return m.isConstant(parts.first, product.tile.depth) ? Value() : parts.first; }

  void forEachSide(ValueRange state, function_ref<void(Side &, ValueRange own)> body) {
    for (Side &side : sides) {
      body(side, state.take_front(side.numState));
      state = state.drop_front(side.numState);
    }
  }
  SmallVector<Value> advance(ValueRange state, Value count) {
    SmallVector<Value> next;
    forEachSide(state,
                [&](Side &side, ValueRange own) { llvm::append_range(next, side.loader.advance(m, own, count)); });
    return next;
  }
  /// Starts to copy what can be copied.
  void copy(ValueRange state, Value valid, Value offset) {
    forEachSide(state, [&](Side &side, ValueRange own) {
      if (side.copies)
        side.loader.copy(
            m, own, valid,
            side.operand.getTargets(m, side.loader.getPlace(), moveBytes(m, getStage(offset), side.offset)));
    });
  }
  /// Loads what cannot; where `exists` (null: always) does not hold, zeros.
  SmallVector<Value> load(ValueRange state, Value valid, Value exists = nullptr) {
    SmallVector<Value> chunks;
    forEachSide(state, [&](Side &side, ValueRange own) {
      if (side.copies)
        return;
      SmallVector<Type> types(side.operand.getPasses(), side.loader.getChunkType());
      llvm::append_range(chunks, selectAll(m, exists, types, [&] { return side.loader.load(m, own, valid); }));
    });
    return chunks;
  }
  void store(ValueRange chunks, Value offset) {
    for (Side &side : sides) {
      if (side.copies)
        continue;
      side.operand.store(m, chunks.take_front(side.operand.getPasses()), side.loader.getPlace(),
                         moveBytes(m, getStage(offset), side.offset));
      chunks = chunks.drop_front(side.operand.getPasses());
    }
  }
  /// The stage behind the one at `offset`, in a ring of `count`.
  Value getNext(Value offset, int64_t count) {
    Value next = m.add(offset, product.getStageBytes()), end = constant(count * product.getStageBytes());
    return arith::SelectOp::create(m.builder(), m.location(), m.equal(next, end), constant(0), next);
  }

  IndexMath &m;
  const MmaProduct &product;
  Value thread;
  Value shared;
  DepthParts parts;
  SmallVector<Value> state;
  SmallVector<Side, 2> sides;
  size_t numSums;
};

/// Copies run `numStages - 1` parts ahead of the products.
SmallVector<Value> MmaProduct::emitAhead(IndexMath &m, Pipeline &pipeline) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  int64_t ahead = numStages - 1;
  Value size = pipeline.constant(tile.depth);
  SmallVector<Value> state = pipeline.state;
  for (int64_t part = 0; part < ahead; ++part) {
    Value exists = m.less(pipeline.constant(part), pipeline.parts.count);
    Value valid = part == 0 ? pipeline.getFirstValid() : Value();
    m.ifThen(exists, [&] {
      Value stage = pipeline.constant(part * getStageBytes());
      pipeline.copy(state, valid, stage);
      pipeline.store(pipeline.load(state, valid), stage);
    });
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
  Value exists = m.less(m.add(loop.getInductionVar(), ahead), pipeline.parts.count);
  SmallVector<Value> chunks = pipeline.load(now, Value(), exists);
  m.ifThen(exists, [&] { pipeline.copy(now, Value(), write); });
  NVVM::CpAsyncCommitGroupOp::create(b, loc);
  SmallVector<Value> next = multiply(m, pipeline.thread, pipeline.getStage(read), values.take_front(pipeline.numSums));
  // The zeros of a part that does not exist go where nobody reads.
  pipeline.store(chunks, write);
  llvm::append_range(next, pipeline.advance(now, size));
  next.append({pipeline.getNext(read, numStages), pipeline.getNext(write, numStages)});
  scf::YieldOp::create(b, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults().take_front(pipeline.numSums));
}

/// Two stages: the next part goes through registers while the products of this one are added.
SmallVector<Value> MmaProduct::emitInTurns(IndexMath &m, Pipeline &pipeline) const {
  OpBuilder &b = m.builder();
  Location loc = m.location();
  pipeline.copyNothing();
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
  SmallVector<Value> tiles = pipeline.canRunAhead() ? emitAhead(m, pipeline) : emitInTurns(m, pipeline), sums;
  // A tile has two rows of a thread, and two sums in each; of bytes those of 4 tiles are adjacent.
  int64_t adjacent = isBytes() ? 4 : 1;
  for (int64_t row = 0; row < getNumRows(); ++row)
    for (int64_t column = 0; column < tile.columnTiles * 2; ++column) {
      int64_t group = column / (2 * adjacent) * adjacent, inGroup = column % (2 * adjacent);
      int64_t number = row / 2 * tile.columnTiles + group + inGroup % adjacent;
      sums.push_back(tiles[number * 4 + row % 2 * 2 + inGroup / adjacent]);
    }
  return sums;
}
