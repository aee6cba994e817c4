//===- MmaAttention.h - attention of a tile of rows by tensor cores -------------------------------------------*- C++ -*-===//
//
// As SimtAttention.h, but a warp has all of its rows: 16 or 32, whose queries stay in registers. What `mma.sync` leaves of scores is in the order in
// which the second product takes weights, so these never leave the registers either. From sm_80 on, `cp.async` brings the next keys and values while
// this tile is computed.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_ATTENTION_MMAATTENTION_H
#define NNCC_LIB_GPU_ATTENTION_MMAATTENTION_H

#include "AttentionPlace.h"
#include "Fragments.h"

namespace nncc::gpu {

struct MmaAttentionTile {
  /// Whether tensor cores take it.
  static bool fits(const AttentionShape &shape, const GPUTarget &target);
  MmaAttentionTile(const AttentionShape &shape, const GPUTarget &target);

  static constexpr int64_t warps = 4, warpSize = 32, threads = warps * warpSize;
  static constexpr int64_t mostDepth = 128;
  /// Squares of 16 rows that a warp has.
  int64_t rowTiles;
  int64_t keys, depth, columns;
  /// Keys and values are copied ahead, to another stage.
  bool isAhead;
  SharedTile queryTile, keyTile, valueTile;

  int64_t getRowsPerWarp() const { return rowTiles * Fragments::size; }
  int64_t getRows() const { return warps * getRowsPerWarp(); }
  int64_t getStageBytes() const { return keyTile.getBytes() + valueTile.getBytes(); }
  /// Queries lie where keys and values will.
  int64_t getSharedBytes() const { return std::max(queryTile.getBytes(), (isAhead ? 2 : 1) * getStageBytes()); }

private:
  void setKeys(int64_t count, int64_t multiple, const AttentionShape &shape);
};

/// Writes what a thread does, as emitSimtAttention.
void emitMmaAttention(IndexMath &m, exec::AttentionOp op, const AttentionShape &shape, const MmaAttentionTile &tile,
                      const GPUTarget &target, AttentionOperands &operands, const AttentionPlace &place,
                      mlir::Value thread, mlir::Value shared);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_MMAATTENTION_H
