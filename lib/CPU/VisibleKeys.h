//===- VisibleKeys.h - which keys of an attention count for a tile --------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_VISIBLEKEYS_H
#define NNCC_LIB_CPU_VISIBLEKEYS_H

#include "nncc/Kernel/IndexMath.h"
#include "nncc/Kernel/MaskBounds.h"

namespace nncc::cpu {

using kernel::IndexMath;
using kernel::MaskBounds;

/// The rows of a mask that are of one tile.
struct MaskRows {
  mlir::Value memref;
  /// The element of the first row and key 0; elements from one row to the next (null: all rows have one mask). Adjacent keys are adjacent.
  mlir::Value base, rowStride;
  mlir::Value numRows;
};

/// How many of the first `numKeys` keys to look at: the ones behind are hidden from all rows. In steps of `lanes`, at most `numKeys`.
mlir::Value emitCountVisibleKeys(IndexMath &m, const MaskRows &mask, mlir::Value numKeys, int64_t lanes);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_VISIBLEKEYS_H
