//===- SimtAttention.h - attention of a tile of rows by sums in registers -----------------------------------*- C++ -*-===//
//
// A block has a tile of rows (queries) of one matrix of the batch, and walks over the keys in tiles. Queries, keys and values lie in shared memory as in
// global memory, widened; scores and sums are in registers, 4 rows a thread. The 8 threads of a row are lanes of one warp: they join what belongs to a
// row by shuffles, and what they pass to the second product, the weights, only their own warp reads.
//
// Sums and totals are scaled down when a larger score comes (online softmax). The order of keys is fixed, so results repeat bit for bit.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_ATTENTION_SIMTATTENTION_H
#define NNCC_LIB_GPU_ATTENTION_SIMTATTENTION_H

#include "AttentionPlace.h"

namespace nncc::gpu {

/// How an attention is cut. A warp is 4 x 8 threads: of the rows of a warp a thread has every fourth, of the keys of a tile every eighth.
struct SimtAttentionTile {
  explicit SimtAttentionTile(const AttentionShape &shape);

  static constexpr int64_t warps = 4, warpSize = 32, threads = warps * warpSize;
  static constexpr int64_t laneRows = 4, laneKeys = 8, threadRows = 4;
  static constexpr int64_t rowsPerWarp = laneRows * threadRows, rows = warps * rowsPerWarp;
  /// Elements that are read from shared memory at once: 16 bytes.
  int64_t vector;
  /// Keys of a tile; what is held of the depth at once; columns of a block.
  int64_t keys, depth, columns;
  /// All of the depth: queries stay in shared memory.
  bool keepsQueries;
  SharedTile queryTile, keyTile, valueTile, weightTile;

  int64_t getThreadKeys() const { return keys / laneKeys; }
  /// Groups of adjacent columns that a thread has.
  int64_t getGroups() const { return columns / (laneKeys * vector); }
  /// Weights lie where keys lay.
  int64_t getScoreBytes() const { return std::max(keyTile.getBytes(), weightTile.getBytes()); }
  int64_t getSharedBytes() const { return queryTile.getBytes() + getScoreBytes() + valueTile.getBytes(); }

private:
  void setKeys(int64_t count, mlir::Type sum);
};

/// Writes what a thread does. `thread` is an i32, `shared` points to the shared memory of the block.
void emitSimtAttention(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const SimtAttentionTile &tile,
                       AttentionOperands &operands, const AttentionPlace &place, mlir::Value thread,
                       mlir::Value shared);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_SIMTATTENTION_H
