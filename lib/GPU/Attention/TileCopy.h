//===- TileCopy.h - parts of matrices to shared memory ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_ATTENTION_TILECOPY_H
#define NNCC_LIB_GPU_ATTENTION_TILECOPY_H

#include "AttentionOperands.h"

namespace nncc::gpu {

/// What a block holds of a matrix in shared memory, line by line as the matrix has it, in the type of sums.
struct SharedTile {
  int64_t lines, length;
  /// Elements from one line to the next.
  int64_t pitch;
  mlir::Type element;

  int64_t getBytes() const { return lines * pitch * element.getIntOrFloatBitWidth() / 8; }
};

/// Which part of a matrix: from where on, and how large the matrix is; index.
struct Window {
  mlir::Value line, numLines, position, numPositions;
};

/// The threads of a block copy a part together. `chunk` elements along positions are read at once. What the matrix lacks becomes
/// zeros; it has at least one line and one position. `thread` is an i32.
void copyTile(IndexMath &m, const SharedTile &tile, const AttentionMatrix &matrix, const Window &window, int64_t chunk,
              bool isAdjacent, mlir::Value thread, int64_t threads, mlir::Value shared);

/// Starts to copy, from sm_80 on, what is adjacent, begins at multiples of 16 bytes and has the element type of shared memory.
void copyTileAsync(IndexMath &m, const SharedTile &tile, const AttentionMatrix &matrix, const Window &window,
                   mlir::Value thread, int64_t threads, mlir::Value shared);

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_TILECOPY_H
