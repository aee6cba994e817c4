//===- Tiling.h - how rows and columns are cut into register tiles and blocks ---------------------------*- C++ -*-===//
//
// A register tile is what the registers hold, a block is the tiles that one kernel tile (one unit of parallel work)
// computes. A static number of rows is cut into tiles that differ by one row at most; a dynamic one into full tiles and
// a tail of 8, 4, 2 and 1 rows. Columns are cut into full tiles and one tail, whose last vector is masked.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_CPU_CONTRACTION_TILING_H
#define NNCC_LIB_CPU_CONTRACTION_TILING_H

#include "Steps.h"
#include "nncc/CPU/Target.h"
#include "nncc/Kernel/IndexMath.h"

namespace nncc::cpu {

using namespace kernel;

struct RegisterShape {
  int64_t rows, vectors;
};

/// The register tile that takes the fewest cycles for `rows` x `vectors` (dynamic: many) vectors of columns. `rowBytes` is how far
/// apart rows are in memory, if known.
RegisterShape chooseRegisterShape(const CPUTarget &target, const ElementKind &kind, int64_t rows, int64_t vectors,
                                  int64_t rowBytes);

/// Of rows that lie `rowBytes` apart: how many meet in the same lines of the first-level cache.
int64_t getRowsAtOnePlace(int64_t rows, int64_t rowBytes);

/// How many register tiles a unit of parallel work takes.
struct BlockShape {
  int64_t rowTiles = 1, columnTiles = 1;
};

/// What a choice of blocks is judged by.
struct BlockCosts {
  /// Register tiles along both, and how many such products there are.
  int64_t rowTiles, columnTiles, batch;
  /// Most row tiles of a block: what the cache holds.
  int64_t maxRowTiles;
  /// Multiply-adds (or as long: bytes from memory) of one register tile; bytes that each block of rows reads again.
  double tileWork, rightBytes;
  /// What else a block takes, and each of its row tiles, however few columns it has: copying.
  double blockWork = 0, rowWork = 0;
};

/// The blocks that keep 2 to 8 threads busy, at the price of a start for each block and of reading the right operand once a
/// block of rows.
BlockShape chooseBlockShape(const BlockCosts &costs);

/// What decides which blocks follow each other: how many there are along both, and the bytes of the operands.
struct OrderCosts {
  int64_t rowBlocks, columnBlocks;
  double leftBytes, rightBytes;
};

/// Whether the blocks of rows with the same columns follow each other, and find their part of the right operand in the second-level cache;
/// else those of columns with the same rows do.
bool visitsRowsFirst(const CPUTarget &target, const OrderCosts &costs);

/// Rows in tiles, tiles in blocks.
class RowTiling {
public:
  RowTiling() = default;
  RowTiling(int64_t size, int64_t rowsPerTile);

  bool isDynamic() const { return mlir::ShapedType::isDynamic(size); }
  int64_t getRowsPerTile() const { return rowsPerTile; }
  /// Of a static number of rows.
  int64_t getNumTiles() const { return numTiles; }
  int64_t getTilesPerBlock() const { return tilesPerBlock; }
  void setTilesPerBlock(int64_t tiles);
  /// Upper bound.
  int64_t getRowsPerBlock() const { return tilesPerBlock * rowsPerTile; }

  mlir::Value getNumBlocks(IndexMath &m, mlir::Value size) const;
  /// First row of a block and the one behind its last.
  std::pair<mlir::Value, mlir::Value> getBlock(IndexMath &m, mlir::Value size, mlir::Value block) const;
  /// Loops over the tiles of a block: rows and first row of each.
  void forEachTile(IndexMath &m, mlir::Value size, mlir::Value block,
                   llvm::function_ref<void(int64_t, mlir::Value)> body) const;

private:
  /// First row of tile `tile` of a static number of rows.
  mlir::Value getStart(IndexMath &m, mlir::Value tile) const;

  int64_t size = 0, rowsPerTile = 1, tilesPerBlock = 1, numTiles = 1;
  /// The first `numLarge` tiles have one row more than the others.
  int64_t smallRows = 0, numLarge = 0;
};

/// Columns in tiles of `vectors` x `lanes`, tiles in blocks.
class ColumnTiling {
public:
  ColumnTiling() = default;
  ColumnTiling(int64_t size, int64_t vectors, int64_t lanes);

  bool isDynamic() const { return mlir::ShapedType::isDynamic(size); }
  int64_t getColumnsPerTile() const { return vectors * lanes; }
  int64_t getColumnsPerBlock() const { return tilesPerBlock * vectors * lanes; }
  int64_t getNumTiles() const { return llvm::divideCeil(size, vectors * lanes); }
  int64_t getTilesPerBlock() const { return tilesPerBlock; }
  void setTilesPerBlock(int64_t tiles) { tilesPerBlock = tiles; }

  mlir::Value getNumBlocks(IndexMath &m, mlir::Value size) const;
  std::pair<mlir::Value, mlir::Value> getBlock(IndexMath &m, mlir::Value size, mlir::Value block) const;
  /// Loops over the tiles of a block: vectors, first column, and the mask of each vector (null: all lanes exist).
  void forEachTile(IndexMath &m, mlir::Value size, mlir::Value block,
                   llvm::function_ref<void(mlir::Value, mlir::ArrayRef<mlir::Value>)> body) const;

private:
  int64_t size = 0, vectors = 1, lanes = 1, tilesPerBlock = 1;
};

/// The lanes of the vector at `column` that are below `size`.
mlir::Value createColumnMask(IndexMath &m, mlir::Value column, mlir::Value size, int64_t lanes);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_TILING_H
