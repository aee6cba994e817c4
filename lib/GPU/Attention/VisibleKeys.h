//===- VisibleKeys.h - which tiles of keys count for a block ------------------------------------------------*- C++ -*-===//
//
// Tiles behind the last one that masks let any row of the block see (text that goes on, padding) are left out. Where a mask is a large negative number
// and not -inf, a row from which it hides all keys has weights all the same: then the block goes on with the tiles that it left out.
//
//===--------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_LIB_GPU_ATTENTION_VISIBLEKEYS_H
#define NNCC_LIB_GPU_ATTENTION_VISIBLEKEYS_H

#include "Softmax.h"

namespace nncc::gpu {

/// What masks say of the rows from `firstRow` on; numbers are index.
struct BlockMasks {
  llvm::ArrayRef<AttentionMatrix> masks;
  mlir::Value firstRow, numRows, numKeys;
};

class VisibleKeys {
public:
  /// A block has `rows` rows, `threads` threads, and tiles of `keys` keys. `thread` is an i32.
  VisibleKeys(IndexMath &m, const AttentionShape &shape, const BlockMasks &block, int64_t rows, int64_t keys,
              mlir::Value thread, int64_t threads);

  /// Carries a state through `count` tiles from `firstTile` on, index. All threads of the block come there.
  using Walk =
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value firstTile, mlir::Value count, mlir::ValueRange)>;
  /// Carries it through all tiles that count.
  SoftmaxState carry(const SoftmaxState &start, Walk walk);

private:
  mlir::Value emitCount(mlir::Value numTiles);
  mlir::Value emitIsVisible(mlir::Value tile);
  llvm::SmallVector<mlir::Value> emitSees(mlir::Value row, mlir::Value firstKey);
  mlir::Value emitSeesNothing(mlir::ValueRange largest);

  IndexMath &m;
  mlir::OpBuilder &b;
  mlir::Location loc;
  /// Those that are indexed by keys.
  llvm::SmallVector<AttentionMatrix> masks;
  const BlockMasks block;
  int64_t rows, keys;
  /// Keys that a thread looks at at once.
  int64_t chunk;
  mlir::Value thread;
  int64_t threads;
};

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_VISIBLEKEYS_H
