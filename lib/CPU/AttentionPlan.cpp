//===- AttentionPlan.cpp - how an attention is cut into tiles -----------------------------------------------------===//

#include "AttentionPlan.h"
#include "nncc/Support/AttentionMaps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Scores of so many keys, for the rows of a tile, stay in the second-level cache.
static constexpr int64_t kMostKeys = 512;
/// Rows of a tile: so many that keys and values, which each tile reads, come from the second-level cache often enough.
static constexpr int64_t kWantedRows = 64;

/// A divisor of `keys` if there is one near the most.
static int64_t chooseKeysPerBlock(int64_t keys) {
  if (ShapedType::isDynamic(keys))
    return kMostKeys / 2;
  if (keys <= kMostKeys)
    return keys;
  for (int64_t block = kMostKeys; block >= kMostKeys / 2; --block)
    if (keys % block == 0)
      return block;
  return kMostKeys;
}

AttentionPlan::AttentionPlan(exec::AttentionOp op, const CPUTarget &target) {
  SmallVector<AffineMap> all = op.getMaps();
  AttentionMaps maps(all);
  rows = op.getDimSize(maps.getRowDim());
  keys = op.getDimSize(maps.getKeyDim());
  depth = op.getDimSize(maps.getDepthDim());
  columns = op.getDimSize(maps.getColumnDim());
  kind.left = kind.right = kind.sum = op.getTensorTypes().front().getElementType();
  kind.lanes = target.vectorBits / kind.sum.getIntOrFloatBitWidth();
  kind.hasFMA = target.hasFMA;
  keysPerBlock = chooseKeysPerBlock(keys);

  int64_t vectors = ShapedType::isDynamic(rows) ? kWantedRows / kind.lanes : llvm::divideCeil(rows, kind.lanes);
  RegisterShape registers =
      chooseRegisterShape(target, kind, ShapedType::kDynamic, std::min(vectors, kWantedRows / kind.lanes), 0);
  int64_t width = registers.vectors * kind.lanes;
  // Tiles of equal size, as far as whole register tiles allow.
  int64_t tiles = llvm::divideCeil(vectors * kind.lanes, kWantedRows);
  rowsPerTile = llvm::alignTo(llvm::divideCeil(vectors * kind.lanes, tiles), width);
  scoreRows = sumRows = ColumnTiling(rowsPerTile, registers.vectors, kind.lanes);
  scoreRows.setTilesPerBlock(rowsPerTile / width);
  sumRows.setTilesPerBlock(rowsPerTile / width);
  for (unsigned mask = 3; mask + 1 < all.size(); ++mask)
    if (all[mask].getNumResults() != 0 && AttentionIndex::of(all[mask].getResults().back())->isPlain(maps.getKeyDim()))
      readableMasks.push_back(mask - 3);
  bool areAllKeys = hasWholeBlocks() && readableMasks.empty();
  keyTiles = RowTiling(areAllKeys ? keysPerBlock : ShapedType::kDynamic, registers.rows);
  keyTiles.setTilesPerBlock(llvm::divideCeil(keysPerBlock, keyTiles.getRowsPerTile()));
  columnTiles = RowTiling(columns, registers.rows);
  columnTiles.setTilesPerBlock(columnTiles.getNumTiles());
}
