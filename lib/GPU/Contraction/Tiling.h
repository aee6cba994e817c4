//===- Tiling.h - how a matrix product is cut into blocks and registers ----------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_CONTRACTION_TILING_H
#define NNCC_LIB_GPU_CONTRACTION_TILING_H

#include "ElementKind.h"
#include "nncc/GPU/Target.h"

namespace nncc::gpu {

/// What is known of a product while compiling; sizes may be dynamic.
struct ProductShape {
  int64_t batch, rows, columns, depth;
};

/// The result elements of one block of threads. A warp is 4 x 8 threads; a thread has `rowQuads` x `columnQuads` squares of 4 x 4 sums, those
/// of one warp interleaved, so that what its threads read of shared memory at once is adjacent.
struct SimtTile {
  int64_t rowQuads, columnQuads;
  /// Warps along rows and columns.
  int64_t warpRows, warpColumns;
  /// Elements of K that are in shared memory at once.
  int64_t depth;

  static constexpr int64_t quad = 4, laneRows = 4, laneColumns = 8, warpSize = laneRows * laneColumns;
  int64_t getRowsPerWarp() const { return quad * laneRows * rowQuads; }
  int64_t getColumnsPerWarp() const { return quad * laneColumns * columnQuads; }
  int64_t getRows() const { return getRowsPerWarp() * warpRows; }
  int64_t getColumns() const { return getColumnsPerWarp() * warpColumns; }
  int64_t getThreads() const { return warpSize * warpRows * warpColumns; }
};

/// A tile, and in how many parts K is cut for different blocks.
template <typename Tile> struct Cut {
  Tile tile;
  int64_t parts;
};

/// What takes the least time for a product: of the tiles with enough blocks for all processors of a card, the largest, which reads least;
/// rows and columns that only fill up a block count as work. K is cut where there are fewer blocks than processors.
Cut<SimtTile> chooseSimtTile(const ProductShape &shape, const ElementKind &kind, const GPUTarget &target);

/// The same for tensor cores: a warp has `rowTiles` x `columnTiles` squares of 16 x 8 sums.
struct MmaTile {
  int64_t rowTiles, columnTiles;
  int64_t warpRows, warpColumns;
  int64_t depth;

  static constexpr int64_t tileRows = 16, tileColumns = 8, warpSize = 32;
  /// Of K, of a row of a tile.
  static constexpr int64_t tileBytes = 32;
  int64_t getRowsPerWarp() const { return tileRows * rowTiles; }
  int64_t getColumnsPerWarp() const { return tileColumns * columnTiles; }
  int64_t getRows() const { return getRowsPerWarp() * warpRows; }
  int64_t getColumns() const { return getColumnsPerWarp() * warpColumns; }
  int64_t getThreads() const { return warpSize * warpRows * warpColumns; }
};

Cut<MmaTile> chooseMmaTile(const ProductShape &shape, const ElementKind &kind, const GPUTarget &target);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_TILING_H
