//===- Product.cpp - one or many matrix products, cut into tiles --------------------------------------------------===//

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
static constexpr int64_t kDeepest = 768, kPartDepth = 512;
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
  int64_t stride = shape.leftRowStride, rowBytes = ShapedType::isDynamic(stride) ? stride : stride * bytes;
  registers = chooseRegisterShape(target, kind, shape.rows, numVectors, rowBytes);
  rows = RowTiling(shape.rows, registers.rows);
  columns = ColumnTiling(shape.columns, registers.vectors, kind.lanes);

  int64_t step = kind.getStepSize();
  bool isTall = orGuess(shape.rows, 128) >= kLeastRowsForPacking, isDynamic = ShapedType::isDynamic(shape.depth);
  packsRight =
      shape.rightKind == RightMatrix::Transposed || (shape.rightKind == RightMatrix::RowMajor && (isTall || step > 1));
  packsLeft = kind.widensLeft() || (step > 1 && (isDynamic || shape.depth % step != 0));
  if (isDynamic)
    depthPart = packsRight || packsLeft ? kDynamicPart : 0;
  else if (shape.depth > kDeepest * step && (packsRight || orGuess(shape.rows, 128) > registers.rows))
    depthPart = chooseDepthPart(shape.depth / step, kPartDepth) * step;
  int64_t depth = depthPart ? depthPart : orGuess(shape.depth, 128);
  packedDepth = packsRight || packsLeft ? llvm::alignTo(depth, step) : 0;

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
  rowsFirst = visitsRowsFirst(target, {int64_t(llvm::divideCeil(costs.rowTiles, blocks.rowTiles)),
                                       int64_t(llvm::divideCeil(costs.columnTiles, blocks.columnTiles)),
                                       double(orGuess(shape.rows, 128)) * orGuess(shape.depth, 128) * elementBytes,
                                       costs.rightBytes});
  // A single tile of rows reads each weight once, at the speed of memory. Panels that many tiles share the processor fetches itself:
  // what fetches the next ones too gets in its way where their pages follow each other in memory.
  bool isLarge = orGuess(shape.columns, 128) * depth * elementBytes > target.l1Bytes * 2;
  prefetch = shape.rightKind == RightMatrix::Panels && isLarge && costs.rowTiles == 1;
}

/// Takes the scratch of a tile: sums, copies of the right and of the left operand (null: none).
static std::array<Value, 3> takeScratch(IndexMath &m, const ProductPlan &plan, const ElementKind &kind,
                                        Scratch &scratch) {
  int64_t numSums = plan.depthPart ? plan.rows.getRowsPerBlock() * plan.columns.getColumnsPerBlock()
                                   : plan.registers.rows * plan.registers.vectors * kind.lanes;
  std::array<Value, 3> memrefs;
  memrefs[0] = scratch.take(m, numSums, kind.sum);
  if (plan.packsRight)
    memrefs[1] = scratch.take(m, getPackedElements(kind, plan.packedDepth, plan.columns.getColumnsPerTile()),
                              getPackedType(kind));
  if (plan.packsLeft)
    memrefs[2] = scratch.take(m, plan.rows.getRowsPerBlock() * plan.packedDepth, kind.getCopiedLeft());
  return memrefs;
}

int64_t cpu::getProductScratchBytes(const ProductPlan &plan, const ElementKind &kind) {
  OpBuilder b(kind.sum.getContext());
  IndexMath m(b, b.getUnknownLoc());
  Scratch scratch;
  takeScratch(m, plan, kind, scratch);
  return scratch.getBytes();
}

//===--------------------------------------------------------------------------------------------------------------===//
// Code
//===--------------------------------------------------------------------------------------------------------------===//

Value cpu::emitProductTiles(IndexMath &m, const Product &product, const ProductPlan &plan) {
  return m.mul(m.mul(plan.rows.getNumBlocks(m, product.numRows), plan.columns.getNumBlocks(m, product.numColumns)),
               product.batch);
}

/// How far element `depth` of K, the first of a step, is in the right operand as it lies in memory.
static Value getRightOffset(IndexMath &m, const RightMatrix &right, Value depth) {
  switch (right.kind) {
  case RightMatrix::Panels:
    return m.mul(depth, right.panelColumns);
  case RightMatrix::RowMajor:
    return m.mul(depth, right.stride);
  case RightMatrix::Transposed:
    break;
  }
  return depth;
}

void cpu::emitProduct(IndexMath &m, const Product &product, const ProductPlan &plan, const ElementKind &kind,
                      const Epilogue &epilogue, Value tile, Scratch &scratch) {
  Value columnBlocks = plan.columns.getNumBlocks(m, product.numColumns);
  Value rowBlocks = plan.rows.getNumBlocks(m, product.numRows);
  Value inner = plan.rowsFirst ? rowBlocks : columnBlocks, outer = plan.rowsFirst ? columnBlocks : rowBlocks;
  Value innerBlock = m.rem(tile, inner), rest = m.div(tile, inner), outerBlock = m.rem(rest, outer);
  Product::Offsets offsets = product.getOffsets(m, m.div(rest, outer));
  GemmBlock block{.kind = kind,
                  .epilogue = &epilogue,
                  .left = product.left,
                  .leftBase = offsets.left,
                  .leftLineStride = m.constant(0),
                  .leftRowStride = product.leftRowStride,
                  .loops = {},
                  .numLines = m.constant(1),
                  .numRows = product.numRows,
                  .rowBlock = plan.rowsFirst ? innerBlock : outerBlock,
                  .rows = plan.rows,
                  .numColumns = product.numColumns,
                  .columnBlock = plan.rowsFirst ? outerBlock : innerBlock,
                  .columns = plan.columns,
                  .right = product.right,
                  .prefetch = plan.prefetch,
                  .resultRow = offsets.resultRow,
                  .resultLineStride = m.constant(0),
                  .resultColumn = offsets.resultColumn};
  block.right.base = offsets.right;
  auto [sums, packedRight, packedLeft] = takeScratch(m, plan, kind, scratch);
  block.sums = sums;
  block.right.packed = packedRight;
  // Computes the elements of K from `first` on.
  auto emitPart = [&](GemmBlock part, Value first, Value depth) {
    int64_t step = kind.getStepSize();
    part.loops = {{m.ceilDiv(depth, step), m.constant(step), m.constant(1)}};
    part.right.packedDepth = depth;
    part.right.base = m.add(part.right.base, getRightOffset(m, product.right, first));
    part.leftBase = m.add(part.leftBase, first);
    if (packedLeft) {
      auto [firstRow, endRow] = plan.rows.getBlock(m, product.numRows, part.rowBlock);
      Value from = m.add(part.leftBase, m.mul(firstRow, product.leftRowStride));
      emitPackLeft(m, kind, product.left, from, product.leftRowStride, m.sub(endRow, firstRow), depth, packedLeft,
                   plan.packedDepth);
      part.left = packedLeft;
      part.leftBase = m.constant(0);
      part.leftRowStride = m.constant(plan.packedDepth);
      part.leftFirstRow = firstRow;
    }
    emitGemmBlock(m, part);
  };
  if (!plan.depthPart)
    return emitPart(block, m.constant(0), product.depth);

  block.sumStride = plan.columns.getColumnsPerBlock();
  Value numParts = m.max(m.ceilDiv(product.depth, plan.depthPart), 1);
  m.loop(numParts, [&](Value number) {
    Value first = m.mul(number, plan.depthPart);
    std::optional<int64_t> depth = IndexMath::asConstant(product.depth);
    bool isWhole = depth && *depth % plan.depthPart == 0;
    GemmBlock part = block;
    part.isContinued = m.less(m.constant(0), number);
    emitPart(part, first, isWhole ? m.constant(plan.depthPart) : m.min(m.sub(product.depth, first), plan.depthPart));
  });
  emitFinishBlock(m, block);
}
