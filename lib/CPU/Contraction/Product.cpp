//===- Product.cpp - one or many matrix products, cut into tiles
//----------------------------------------------------===//

#include "Product.h"
#include "Packing.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

//===--------------------------------------------------------------------------------------------------------------===//
// Plan
//===--------------------------------------------------------------------------------------------------------------===//

/// Steps in K above which the sums are parked between parts, so that a panel of weights stays in the second-level
/// cache.
static constexpr int64_t kDeepest = 1536, kPartDepth = 1024;
/// Steps in K that are copied at once when their number is not known.
static constexpr int64_t kDynamicPart = 256;
/// Rows from which on copying the right operand costs less than reading it in place.
static constexpr int64_t kLeastRowsForPacking = 28;

static int64_t orGuess(int64_t size, int64_t guess) { return ShapedType::isDynamic(size) ? guess : size; }

/// The depth of a part: a divisor of `depth` near `wanted` if there is one.
static int64_t chooseDepthPart(int64_t depth, int64_t wanted) {
  for (int64_t part = wanted; part >= wanted / 2; --part)
    if (depth % part == 0)
      return part;
  return llvm::divideCeil(depth, llvm::divideCeil(depth, wanted));
}

ProductPlan::ProductPlan(const ProductShape &shape, const ElementKind &kind, const CPUTarget &target) {
  int64_t numVectors =
      ShapedType::isDynamic(shape.columns) ? shape.columns : int64_t(llvm::divideCeil(shape.columns, kind.lanes));
  int64_t bytes = llvm::divideCeil(kind.left.getIntOrFloatBitWidth(), 8);
  int64_t rowBytes = ShapedType::isDynamic(shape.depth) ? shape.depth : shape.depth * bytes;
  registers = chooseRegisterShape(target, shape.rows, numVectors, rowBytes);
  rows = RowTiling(shape.rows, registers.rows);
  columns = ColumnTiling(shape.columns, registers.vectors, kind.lanes);

  bool isTall = orGuess(shape.rows, 128) >= kLeastRowsForPacking;
  packsRight = shape.rightKind == RightMatrix::Transposed || (shape.rightKind == RightMatrix::RowMajor && isTall);
  if (ShapedType::isDynamic(shape.depth))
    depthPart = packsRight ? kDynamicPart : 0;
  else if (shape.depth > kDeepest && (packsRight || orGuess(shape.rows, 128) > registers.rows))
    depthPart = chooseDepthPart(shape.depth, kPartDepth);
  int64_t depth = depthPart ? depthPart : orGuess(shape.depth, 128);
  packedDepth = packsRight ? depth : 0;

  // As many rows as leave room for the panels in the second-level cache.
  int64_t elementBytes = llvm::divideCeil(kind.left.getIntOrFloatBitWidth(), 8);
  int64_t tileBytes = std::max<int64_t>(registers.rows * depth * elementBytes, 1);
  BlockCosts costs;
  costs.rowTiles = rows.isDynamic() ? 9 : rows.getNumTiles();
  costs.columnTiles = std::max<int64_t>(llvm::divideCeil(orGuess(shape.columns, 128), columns.getColumnsPerTile()), 1);
  costs.batch = std::max<int64_t>(orGuess(shape.batch, 1), 1);
  costs.maxRowTiles = std::max<int64_t>(target.l2Bytes / 3 / tileBytes, 1);
  costs.rightBytes = double(orGuess(shape.columns, 128)) * orGuess(shape.depth, 128) * elementBytes;
  // A panel that few rows use takes the time that memory needs to deliver it: three multiply-adds a byte.
  double panelBytes = double(columns.getColumnsPerTile()) * orGuess(shape.depth, 128) * elementBytes;
  costs.tileWork = double(registers.rows) * columns.getColumnsPerTile() * orGuess(shape.depth, 128);
  costs.tileWork = std::max(costs.tileWork, 3 * panelBytes / costs.rowTiles);
  BlockShape blocks = chooseBlockShape(costs);
  rows.setTilesPerBlock(blocks.rowTiles);
  columns.setTilesPerBlock(blocks.columnTiles);
  // Small weights stay where they are; a few rows read each weight once.
  bool isLarge = orGuess(shape.columns, 128) * depth * elementBytes > target.l1Bytes * 2;
  prefetch = shape.rightKind == RightMatrix::Panels && isLarge;
}

/// Elements of GemmBlock::sums.
static int64_t getNumSums(const ProductPlan &plan, const ElementKind &kind) {
  if (plan.depthPart)
    return plan.rows.getRowsPerBlock() * plan.columns.getColumnsPerBlock();
  return plan.registers.rows * plan.registers.vectors * kind.lanes;
}

static int64_t getNumPacked(const ProductPlan &plan, const ElementKind &kind) {
  return plan.packsRight ? getPackedElements(kind, plan.packedDepth, plan.columns.getColumnsPerTile()) : 0;
}

int64_t cpu::getProductScratchBytes(const ProductPlan &plan, const ElementKind &kind) {
  int64_t bytes = kind.sum.getIntOrFloatBitWidth() / 8;
  return llvm::alignTo(getNumSums(plan, kind) * bytes, 64) + llvm::alignTo(getNumPacked(plan, kind) * bytes, 64);
}

//===--------------------------------------------------------------------------------------------------------------===//
// Code
//===--------------------------------------------------------------------------------------------------------------===//

Value cpu::emitProductTiles(IndexMath &m, const Product &product, const ProductPlan &plan) {
  return m.mul(m.mul(plan.rows.getNumBlocks(m, product.numRows), plan.columns.getNumBlocks(m, product.numColumns)),
               product.batch);
}

void cpu::emitProduct(IndexMath &m, const Product &product, const ProductPlan &plan, const ElementKind &kind,
                      const Epilogue &epilogue, Value tile, Scratch &scratch) {
  Value columnBlocks = plan.columns.getNumBlocks(m, product.numColumns);
  Value rowBlocks = plan.rows.getNumBlocks(m, product.numRows);
  Value columnBlock = m.rem(tile, columnBlocks), rest = m.div(tile, columnBlocks);
  Product::Offsets offsets = product.getOffsets(m, m.div(rest, rowBlocks));
  GemmBlock block{.kind = kind,
                  .epilogue = epilogue,
                  .left = product.left,
                  .leftBase = offsets.left,
                  .leftLineStride = m.constant(0),
                  .leftRowStride = product.leftRowStride,
                  .loops = {{product.depth, m.constant(1), m.constant(1)}},
                  .numLines = m.constant(1),
                  .numRows = product.numRows,
                  .rowBlock = m.rem(rest, rowBlocks),
                  .rows = plan.rows,
                  .numColumns = product.numColumns,
                  .columnBlock = columnBlock,
                  .columns = plan.columns,
                  .right = product.right,
                  .prefetch = plan.prefetch,
                  .resultRow = offsets.resultRow,
                  .resultLineStride = m.constant(0),
                  .resultColumn = offsets.resultColumn};
  block.right.base = offsets.right;
  block.sums = scratch.take(m, getNumSums(plan, kind), kind.sum);
  if (plan.packsRight) {
    block.right.packed = scratch.take(m, getNumPacked(plan, kind), kind.sum);
    block.right.packedDepth = product.depth;
  }
  if (!plan.depthPart)
    return emitGemmBlock(m, block);

  block.sumStride = plan.columns.getColumnsPerBlock();
  // How far one step in K goes in the right operand as it lies in memory.
  Value depthStride = product.right.kind == RightMatrix::Panels       ? m.constant(product.right.panelColumns)
                      : product.right.kind == RightMatrix::Transposed ? m.constant(1)
                                                                      : product.right.stride;
  Value numParts = m.max(m.ceilDiv(product.depth, plan.depthPart), 1);
  m.loop(numParts, [&](Value part) {
    Value first = m.mul(part, plan.depthPart);
    GemmBlock partial = block;
    std::optional<int64_t> depth = IndexMath::asConstant(product.depth);
    Value count = depth && *depth % plan.depthPart == 0 ? m.constant(plan.depthPart)
                                                        : m.min(m.sub(product.depth, first), plan.depthPart);
    partial.loops.front().count = partial.right.packedDepth = count;
    partial.leftBase = m.add(block.leftBase, first);
    partial.right.base = m.add(block.right.base, m.mul(first, depthStride));
    partial.isContinued = m.less(m.constant(0), part);
    emitGemmBlock(m, partial);
  });
  emitFinishBlock(m, block);
}
