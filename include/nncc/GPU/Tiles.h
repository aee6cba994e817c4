//===- Tiles.h - how products are cut into blocks, for tables -------------------------------------------*- C++ -*-===//

#ifndef NNCC_GPU_TILES_H
#define NNCC_GPU_TILES_H

#include "mlir/IR/Types.h"
#include "nncc/GPU/Target.h"

namespace nncc::gpu {

/// The sums of a block, and the elements of K that it has in shared memory at once.
struct BlockTile {
  int64_t rows, columns, depth;
  bool onTensorCores;
};

/// Of a product that is large enough for any tile, of matrices of `element`.
BlockTile getLargestTile(mlir::Type element, const GPUTarget &target);

} // namespace nncc::gpu

#endif // NNCC_GPU_TILES_H
