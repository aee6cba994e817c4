//===- Attention.cpp - kernels whose root is an attention ---------------------------------------------------------===//
//
// A tile is a block of rows (queries) of one matrix of the batch. Its rows are the lanes of vectors: scores lie as keys x rows
// in scratch memory, so that keys and values are what products broadcast, element by element, from wherever they lie, and
// neither is transposed or copied; the largest score and the sum of a row are a lane of vectors that are combined key by key,
// without a step across lanes. What is transposed is the tile's block of queries, and its results in the end.
//
// Keys behind the last one that a mask lets any row of the tile see (text that goes on, padding) are left out. Where a mask is a large
// negative number and not -inf, a row from which it hides all keys has weights all the same: then the tile is computed again with all of them.
//
// When the keys are more than a block, sums and weights of the blocks before are scaled down to the largest score so far.
//
//===--------------------------------------------------------------------------------------------------------------===//

#include "Attention.h"
#include "AttentionPlan.h"
#include "Contraction/Packing.h"
#include "RootWriter.h"
#include "Transpose.h"
#include "VisibleKeys.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Kernel/Buffers.h"
#include "nncc/Support/AttentionMaps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// Its exponential is still a normal number of f32.
constexpr double smallestExponent = -87;

/// A tensor of the attention in one matrix of the batch.
struct Matrix {
  Value memref, base;
  /// Elements from one row, key, depth or column to the next; null where it is not indexed by that.
  Value rowStride, keyStride, depthStride, columnStride;
};

class AttentionEmitter {
public:
  AttentionEmitter(IndexMath &m, exec::AttentionOp op, const AttentionPlan &plan, const IRMapping &values);

  static LogicalResult check(exec::AttentionOp op) {
    return op.isFusable() ? success() : op.emitError("has no kernel: exec-decompose-attention comes first");
  }

  Value emitTiles();
  void emitTile(Value tile, Scratch &scratch);
  /// What emitTile takes of the scratch memory.
  void takeScratch(Scratch &scratch);

private:
  /// A block of keys.
  struct Block {
    Value first, count;
  };

  Value getSize(unsigned dim);
  Matrix locate(unsigned tensor);
  Value emitVisibleKeys();
  void emitVisible(Value visible);
  Value emitSeesNothing();
  void emitKeys(Value count);
  void emitBlock(const Block &block);
  void emitQueries();
  SmallVector<Value> getPartialVectors(Value column);
  void emitScores(const Block &block);
  void emitMasks(const Block &block, Value column);
  void emitWeights(const Block &block, Value column);
  void emitSums(const Block &block);
  void emitResults();

  /// Vectors of rows, from `first` to before `end`.
  void forEachVector(Value first, Value end, function_ref<void(Value row)> body) {
    m.loop(first, end, plan.getLanes(), body);
  }
  Value getScoreAt(Value key, Value row) { return m.add(m.mul(key, plan.rowsPerTile), row); }
  VectorType getVectorType() { return VectorType::get(plan.getLanes(), plan.kind.sum); }
  Value load(Value memref, Value at) { return vector::LoadOp::create(b, loc, getVectorType(), memref, at); }
  void store(Value vector, Value memref, Value at) { vector::StoreOp::create(b, loc, vector, memref, at); }
  Value number(double value) {
    auto element = FloatAttr::get(plan.kind.sum, value);
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(getVectorType(), element));
  }
  template <typename Op> Value make(Value x, Value y) { return Op::create(b, loc, x, y); }
  /// exp of what is not positive; where it is below all normal numbers, zero: arithmetic on others takes many times as long, and
  /// beside the largest weight, which is one, it says nothing.
  Value exp(Value x) {
    Value least = number(smallestExponent);
    Value isNothing = compare(arith::CmpFPredicate::OLT, x, least);
    Value normal = math::ExpOp::create(b, loc, select(isNothing, least, x));
    return select(isNothing, number(0), normal);
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }

  IndexMath &m;
  OpBuilder &b;
  Location loc;
  mutable exec::AttentionOp op; // a handle, none of whose methods is const
  const AttentionPlan &plan;
  const IRMapping &values;
  SmallVector<AffineMap> allMaps;
  SmallVector<RankedTensorType> types;
  AttentionMaps maps;

  // Scratch: queries as [register tile][depth][row], scores as [key][row], sums as [column][row]; of a register tile queries before they
  // are scaled, [depth][row], and masks that differ from row to row, [key][row].
  Value queries, scores, sums, largest, totals, panel;
  SmallVector<Value> masks;

  // Of a tile.
  SmallVector<Value> batch;
  Value numKeys, firstRow, numRows, numLanes;
};

} // namespace

AttentionEmitter::AttentionEmitter(IndexMath &m, exec::AttentionOp op, const AttentionPlan &plan,
                                   const IRMapping &values)
    : m(m), b(m.builder()), loc(m.location()), op(op), plan(plan), values(values), allMaps(op.getMaps()),
      types(op.getTensorTypes()), maps(allMaps) {}

//===----------------------------------------------------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------------------------------------------------===//

Value AttentionEmitter::getSize(unsigned dim) {
  auto [tensor, position] = maps.findSize(dim, types);
  int64_t size = types[tensor].getDimSize(position);
  return ShapedType::isDynamic(size) ? m.dim(values.lookup(op->getOperand(tensor)), position) : m.constant(size);
}

Value AttentionEmitter::emitTiles() {
  Value tiles = m.ceilDiv(getSize(maps.getRowDim()), plan.rowsPerTile);
  for (unsigned dim = 0; dim < maps.getNumBatchDims(); ++dim)
    tiles = m.mul(tiles, getSize(dim));
  return tiles;
}

/// The matrix of tensor number `tensor` (the last: the result) for the tile.
Matrix AttentionEmitter::locate(unsigned tensor) {
  bool isResult = tensor + 1 == types.size();
  Value memref = values.lookup(isResult ? op.getResult() : op->getOperand(tensor));
  Matrix matrix;
  matrix.memref = m.flatten(memref);
  matrix.base = m.constant(0);
  Value stride = m.constant(1);
  for (int64_t position = types[tensor].getRank() - 1; position >= 0; --position) {
    AttentionIndex index = *AttentionIndex::of(allMaps[tensor].getResult(position));
    if (!index.dim)
      matrix.base = m.add(matrix.base, m.mul(stride, index.number));
    else if (*index.dim < maps.getNumBatchDims())
      matrix.base = m.add(matrix.base, m.mul(m.div(batch[*index.dim], index.divisor), stride));
    else if (*index.dim == maps.getRowDim())
      matrix.rowStride = stride;
    else if (*index.dim == maps.getKeyDim())
      matrix.keyStride = stride;
    else
      (*index.dim == maps.getDepthDim() ? matrix.depthStride : matrix.columnStride) = stride;
    stride = m.mul(stride, m.dim(memref, position));
  }
  return matrix;
}

//===----------------------------------------------------------------------------------------------------------------===//
// A tile
//===----------------------------------------------------------------------------------------------------------------===//

void AttentionEmitter::takeScratch(Scratch &scratch) {
  Type element = plan.kind.sum;
  queries = scratch.take(m, plan.depth * plan.rowsPerTile, element);
  panel = scratch.take(m, getPackedElements(plan.kind, plan.depth, plan.getWidth()), element);
  scores = scratch.take(m, plan.keysPerBlock * plan.rowsPerTile, element);
  sums = scratch.take(m, llvm::alignTo(plan.columns, plan.getLanes()) * plan.rowsPerTile, element);
  largest = scratch.take(m, plan.rowsPerTile, element);
  totals = scratch.take(m, plan.rowsPerTile, element);
  int64_t ofMask = getPackedElements(plan.kind, plan.keysPerBlock, plan.getWidth());
  for (unsigned tensor = 3; tensor + 1 < types.size(); ++tensor)
    masks.push_back(allMaps[tensor].isFunctionOfDim(maps.getRowDim()) ? scratch.take(m, ofMask, element) : Value());
}

void AttentionEmitter::emitTile(Value tile, Scratch &scratch) {
  takeScratch(scratch);
  Value rows = getSize(maps.getRowDim()), tiles = m.ceilDiv(rows, plan.rowsPerTile);
  firstRow = m.mul(m.rem(tile, tiles), plan.rowsPerTile);
  numRows = plan.hasWholeTiles() ? m.constant(plan.rowsPerTile) : m.min(m.sub(rows, firstRow), plan.rowsPerTile);
  // Rows that do not exist are computed up to a whole register tile, and not stored.
  numLanes = m.mul(m.ceilDiv(numRows, plan.getWidth()), plan.getWidth());
  numKeys = getSize(maps.getKeyDim());
  Value rest = m.div(tile, tiles);
  batch.assign(maps.getNumBatchDims(), nullptr);
  for (unsigned dim = maps.getNumBatchDims(); dim-- > 0;) {
    Value size = getSize(dim);
    batch[dim] = dim == 0 ? rest : m.rem(rest, size);
    rest = m.div(rest, size);
  }

  emitQueries();
  if (plan.readableMasks.empty())
    emitKeys(numKeys);
  else
    emitVisible(emitVisibleKeys());
  emitResults();
}

/// The keys up to the last one that all masks let some row of the tile see; all of them where there is none.
Value AttentionEmitter::emitVisibleKeys() {
  Value count = numKeys;
  for (unsigned number : plan.readableMasks) {
    Matrix mask = locate(3 + number);
    MaskRows rows{mask.memref, mask.base, mask.rowStride, numRows};
    if (mask.rowStride)
      rows.base = m.add(mask.base, m.mul(firstRow, mask.rowStride));
    count = m.min(count, emitCountVisibleKeys(m, rows, numKeys, plan.getLanes()));
  }
  return select(m.equal(count, m.constant(0)), numKeys, count);
}

/// Weights and sums of the visible keys, and again of all keys where a row sees none of them.
void AttentionEmitter::emitVisible(Value visible) {
  scf::WhileOp::create(
      b, loc, b.getIndexType(), visible,
      [&](OpBuilder &, Location, ValueRange count) {
        emitKeys(count.front());
        Value isPart = m.less(count.front(), numKeys);
        Value isAgain = arith::AndIOp::create(b, loc, isPart, emitSeesNothing());
        scf::ConditionOp::create(b, loc, isAgain, numKeys);
      },
      [&](OpBuilder &, Location, ValueRange all) { scf::YieldOp::create(b, loc, all); });
}

/// Whether the largest score of a row of the tile is that of a hidden key (i1).
Value AttentionEmitter::emitSeesNothing() {
  Value least = m.reduce(m.div(numLanes, plan.getLanes()), load(largest, m.constant(0)),
                         [&](Value vector, ValueRange soFar) -> SmallVector<Value> {
                           Value own = load(largest, m.mul(vector, plan.getLanes()));
                           return {make<arith::MinimumFOp>(soFar.front(), own)};
                         })
                    .front();
  Value smallest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MINIMUMF, least);
  Value bound = arith::ConstantOp::create(b, loc, FloatAttr::get(plan.kind.sum, MaskBounds::visible));
  return compare(arith::CmpFPredicate::OLE, smallest, bound);
}

/// Weights of the first `count` keys, not yet divided by their sums, and what they make of the values.
void AttentionEmitter::emitKeys(Value count) {
  if (plan.hasOneBlock())
    return emitBlock({m.constant(0), count});
  forEachVector(m.constant(0), numLanes, [&](Value row) {
    store(number(-std::numeric_limits<double>::infinity()), largest, row);
    store(number(0), totals, row);
    m.loop(m.constant(plan.columns), [&](Value column) { store(number(0), sums, getScoreAt(column, row)); });
  });
  bool areWhole = plan.hasWholeBlocks() && plan.readableMasks.empty();
  m.loop(m.ceilDiv(count, plan.keysPerBlock), [&](Value number) {
    Value first = m.mul(number, plan.keysPerBlock);
    emitBlock({first, areWhole ? m.constant(plan.keysPerBlock) : m.min(m.sub(count, first), plan.keysPerBlock)});
  });
}

void AttentionEmitter::emitBlock(const Block &block) {
  emitScores(block);
  m.loop(m.constant(0), numLanes, plan.getWidth(), [&](Value column) {
    emitMasks(block, column);
    forEachVector(column, m.add(column, plan.getWidth()), [&](Value row) { emitWeights(block, row); });
  });
  emitSums(block);
}

/// The queries of the tile times the scale, as panels of the right operand of a product.
void AttentionEmitter::emitQueries() {
  Matrix query = locate(0);
  int64_t width = plan.getWidth(), size = plan.depth * width;
  RightMatrix rows{.kind = RightMatrix::Transposed,
                   .memref = query.memref,
                   .base = m.add(query.base, m.mul(firstRow, query.rowStride)),
                   .stride = query.rowStride,
                   .packed = panel,
                   .packedDepth = m.constant(plan.depth)};
  Value scale = number(op.getScale().convertToDouble());
  m.loop(m.constant(0), numLanes, width, [&](Value column) {
    emitPackRight(m, plan.kind, rows, column, numRows, getPartialVectors(column));
    Value at = m.mul(m.div(column, width), size);
    m.loop(m.constant(0), m.constant(size), plan.getLanes(),
           [&](Value i) { store(make<arith::MulFOp>(load(panel, i), scale), queries, m.add(at, i)); });
  });
}

/// For a register tile of rows: a mask for each vector of which rows may be missing. What is copied for these is the last row.
SmallVector<Value> AttentionEmitter::getPartialVectors(Value column) {
  SmallVector<Value> vectors(plan.getWidth() / plan.getLanes());
  if (!plan.hasWholeTiles())
    for (auto [vector, mask] : llvm::enumerate(vectors))
      mask = createColumnMask(m, m.add(column, vector * plan.getLanes()), numRows, plan.getLanes());
  return vectors;
}

void AttentionEmitter::emitScores(const Block &block) {
  Matrix key = locate(1);
  Value zero = m.constant(0), one = m.constant(1);
  GemmBlock product{.kind = plan.kind,
                    .epilogue = nullptr,
                    .left = key.memref,
                    .leftBase = m.add(key.base, m.mul(block.first, key.keyStride)),
                    .leftLineStride = zero,
                    .leftRowStride = key.keyStride,
                    .loops = {{m.constant(plan.depth), key.depthStride, one}},
                    .numLines = one,
                    .numRows = block.count,
                    .rowBlock = zero,
                    .rows = plan.keyTiles,
                    .numColumns = numLanes,
                    .columnBlock = zero,
                    .columns = plan.scoreRows,
                    .right = {.kind = RightMatrix::Panels,
                              .memref = queries,
                              .base = zero,
                              .stride = m.constant(plan.depth * plan.getWidth()),
                              .panelColumns = plan.getWidth()},
                    .resultRow = zero,
                    .resultLineStride = zero,
                    .resultColumn = zero,
                    .sums = scores,
                    .sumStride = plan.rowsPerTile};
  emitGemmBlock(m, product);
}

/// Masks that differ from row to row, transposed, for a register tile of rows.
void AttentionEmitter::emitMasks(const Block &block, Value column) {
  for (auto [number, packed] : llvm::enumerate(masks)) {
    Matrix mask = locate(3 + number);
    if (!mask.rowStride)
      continue;
    RightMatrix rows{.kind = RightMatrix::Transposed,
                     .memref = mask.memref,
                     .base = m.add(m.add(mask.base, m.mul(firstRow, mask.rowStride)), block.first),
                     .stride = mask.rowStride,
                     .packed = packed,
                     .packedDepth = block.count};
    emitPackRight(m, plan.kind, rows, column, numRows, getPartialVectors(column));
  }
}

/// Turns the scores of a vector of rows into weights that are still to be divided by their sum.
void AttentionEmitter::emitWeights(const Block &block, Value row) {
  bool isOnly = plan.hasOneBlock();
  double infinity = std::numeric_limits<double>::infinity();
  Value zero = number(0), before = isOnly ? number(-infinity) : load(largest, row);
  SmallVector<Matrix> operands;
  for (unsigned i = 0; i < masks.size(); ++i)
    operands.push_back(locate(3 + i));
  auto getMask = [&](unsigned i, Value key) -> Value {
    const Matrix &mask = operands[i];
    if (mask.rowStride)
      return load(masks[i], m.add(m.mul(key, plan.getWidth()), m.rem(row, plan.getWidth())));
    Value at = mask.keyStride ? m.add(mask.base, m.mul(m.add(block.first, key), mask.keyStride)) : mask.base;
    Value element = memref::LoadOp::create(b, loc, mask.memref, at);
    return vector::BroadcastOp::create(b, loc, getVectorType(), element);
  };
  // A score that is NaN is not the largest; as a weight it makes the sum NaN.
  Value most = m.reduce(block.count, before, [&](Value key, ValueRange so) -> SmallVector<Value> {
                  Value at = getScoreAt(key, row), score = load(scores, at);
                  for (unsigned i = 0; i < masks.size(); ++i)
                    score = make<arith::AddFOp>(score, getMask(i, key));
                  if (!masks.empty())
                    store(score, scores, at);
                  return {select(compare(arith::CmpFPredicate::OGT, score, so.front()), score, so.front())};
                }).front();
  // When all scores are -inf so far, their powers are 0, not NaN: others may follow.
  Value base = select(compare(arith::CmpFPredicate::OEQ, most, number(-infinity)), zero, most);
  Value total = m.reduce(block.count, zero, [&](Value key, ValueRange so) -> SmallVector<Value> {
                   Value at = getScoreAt(key, row);
                   Value weight = exp(make<arith::SubFOp>(load(scores, at), base));
                   store(weight, scores, at);
                   return {make<arith::AddFOp>(so.front(), weight)};
                 }).front();
  if (!isOnly) {
    Value shrink = exp(make<arith::SubFOp>(before, base));
    total = make<arith::AddFOp>(make<arith::MulFOp>(load(totals, row), shrink), total);
    m.loop(m.constant(plan.columns), [&](Value column) {
      Value at = getScoreAt(column, row);
      store(make<arith::MulFOp>(load(sums, at), shrink), sums, at);
    });
  }
  store(most, largest, row);
  store(total, totals, row);
}

/// The weights times the values, added to the sums of the blocks before.
void AttentionEmitter::emitSums(const Block &block) {
  Matrix value = locate(2);
  Value zero = m.constant(0), one = m.constant(1);
  GemmBlock product{
      .kind = plan.kind,
      .epilogue = nullptr,
      .left = value.memref,
      .leftBase = m.add(value.base, m.mul(block.first, value.keyStride)),
      .leftLineStride = zero,
      .leftRowStride = value.columnStride,
      .loops = {{block.count, value.keyStride, one}},
      .numLines = one,
      .numRows = m.constant(plan.columns),
      .rowBlock = zero,
      .rows = plan.columnTiles,
      .numColumns = numLanes,
      .columnBlock = zero,
      .columns = plan.sumRows,
      .right = {.kind = RightMatrix::RowMajor, .memref = scores, .base = zero, .stride = m.constant(plan.rowsPerTile)},
      .resultRow = zero,
      .resultLineStride = zero,
      .resultColumn = zero,
      .sums = sums,
      .sumStride = plan.rowsPerTile};
  if (!plan.hasOneBlock())
    product.isContinued = arith::ConstantIntOp::create(b, loc, 1, 1);
  emitGemmBlock(m, product);
}

/// Divides by the sums of weights, transposes and stores.
void AttentionEmitter::emitResults() {
  Matrix result = locate(types.size() - 1);
  int64_t lanes = plan.getLanes();
  Value start = m.add(result.base, m.mul(firstRow, result.rowStride));
  forEachVector(m.constant(0), numLanes, [&](Value row) {
    Value total = load(totals, row), zero = number(0), factor = make<arith::DivFOp>(number(1), total);
    // No weight: all scores are -inf, and weights NaN; or there is no key, and the sum one of nothing.
    Value isSome = compare(arith::CmpFPredicate::OGT, total, zero);
    m.loop(m.constant(0), m.constant(plan.columns), lanes, [&](Value column) {
      SmallVector<Value> square;
      for (int64_t i = 0; i < lanes; ++i) {
        Value scaled = make<arith::MulFOp>(load(sums, getScoreAt(m.add(column, i), row)), factor);
        square.push_back(op.getNanAsZero() ? select(isSome, scaled, zero) : scaled);
      }
      Value mask = plan.columns % lanes ? createColumnMask(m, column, m.constant(plan.columns), lanes) : Value();
      for (auto [i, elements] : llvm::enumerate(transposeSquare(b, loc, square))) {
        Value own = m.add(row, i), at = m.add(m.add(start, m.mul(own, result.rowStride)), column);
        auto write = [&] {
          if (mask)
            vector::MaskedStoreOp::create(b, loc, result.memref, at, mask, elements);
          else
            store(elements, result.memref, at);
        };
        if (plan.hasWholeTiles())
          write();
        else
          m.ifThen(m.less(own, numRows), write);
      }
    });
  });
}

//===----------------------------------------------------------------------------------------------------------------===//
// The writer
//===----------------------------------------------------------------------------------------------------------------===//

using AttentionWriter = RootWriter<exec::AttentionOp, AttentionPlan, AttentionEmitter>;

std::unique_ptr<KernelWriter> cpu::createAttentionWriter(exec::KernelOp kernel, const CPUTarget &target) {
  auto found = kernel.getBody().front().getOps<exec::AttentionOp>();
  return found.empty() ? nullptr : std::make_unique<AttentionWriter>(kernel, *found.begin(), target);
}
