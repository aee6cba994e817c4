//===- AttentionPlace.h - what a block computes of an attention ------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_GPU_ATTENTION_ATTENTIONPLACE_H
#define NNCC_LIB_GPU_ATTENTION_ATTENTIONPLACE_H

#include "TileCopy.h"

namespace nncc::gpu {

/// Where a block works: a point of the batch, and its first row and column, index.
struct AttentionPlace {
  llvm::SmallVector<mlir::Value> batch;
  mlir::Value row, column;
};

/// Blocks of 128 threads that a processor has room for, with all the registers that a thread may have. Without a wish ptxas aims at more blocks, and
/// spills.
constexpr int64_t attentionBlocks = 2;

/// How many of `size` a tile holds: all, in multiples of `multiple`, but at most `most`.
inline int64_t cutSize(int64_t size, int64_t multiple, int64_t most) {
  return mlir::ShapedType::isDynamic(size) ? most : std::clamp<int64_t>(llvm::alignTo(size, multiple), multiple, most);
}

} // namespace nncc::gpu

#endif // NNCC_LIB_GPU_ATTENTION_ATTENTIONPLACE_H
