//===- MmaOperand.h - an operand in shared memory, in the order of global memory -------------------------*- C++ -*-===//
//
// In rows of 16-byte chunks, which `ldmatrix` brings to registers in the order of `mma.sync`. Chunks are permuted within a row, so that the 8 rows that are
// read at once are in different banks. `ldmatrix` cannot turn elements of 4 bytes: across the depth lanes read those by themselves.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_CONTRACTION_MMAOPERAND_H
#define NNCC_LIB_GPU_CONTRACTION_MMAOPERAND_H

#include "OperandTile.h"

namespace nncc::gpu {

class MmaOperand : public OperandTile {
public:
  static constexpr int64_t chunkBytes = 16;

  MmaOperand(int64_t lines, int64_t depth, int64_t threads, bool isAlongDepth, int64_t bytes)
      : OperandTile(lines, depth, threads, isAlongDepth, bytes, chunkBytes / bytes) {}

  int64_t getSharedBytes() const override { return lines * depth * bytes; }
  Place getPlace(IndexMath &m, mlir::Value thread) const override;
  /// Where the passes write to; `shared` points to the tile.
  llvm::SmallVector<mlir::Value> getTargets(IndexMath &m, const Place &place, mlir::Value shared) const override;
  bool keepsChunks() const override { return true; }
  void store(IndexMath &m, mlir::ValueRange chunks, const Place &place, mlir::Value shared) const override;
  /// Four registers (i32) of the 16 lines from `line` (i32, a multiple of 16) + `lineOffset` on, and of bytes 32 * `step` to 32 * `step` + 31 of K.
  /// Across the depth elements are of 2 bytes.
  llvm::SmallVector<mlir::Value> loadFragment(IndexMath &m, mlir::Value thread, mlir::Value line, int64_t lineOffset,
                                              int64_t step, mlir::Value shared) const;

  /// Whether there is loadColumns instead: elements of 4 bytes across the depth.
  bool hasWords() const { return !isAlongDepth && bytes == 4; }
  /// Two registers (i32) of the 8 lines from `line` (i32, a multiple of 32) + `lineOffset` on, and of bytes 32 * `step` to 32 * `step` + 31 of K.
  std::array<mlir::Value, 2> loadColumns(IndexMath &m, mlir::Value thread, mlir::Value line, int64_t lineOffset,
                                         int64_t step, mlir::Value shared) const;

private:
  static constexpr int64_t wordRows = 4; ///< of which a warp reads at once where it reads words
  int64_t getRowBytes() const { return (isAlongDepth ? depth : lines) * bytes; }
  /// Chunk `chunk` of row `row` in bytes; i32.
  mlir::Value getChunkOffset(IndexMath &m, mlir::Value row, mlir::Value chunk) const;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_CONTRACTION_MMAOPERAND_H
