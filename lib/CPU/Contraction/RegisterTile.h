//===- RegisterTile.h - the inner loop: a tile of sums in vector registers ------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_REGISTERTILE_H
#define NNCC_LIB_CPU_CONTRACTION_REGISTERTILE_H

#include "ElementKind.h"

namespace nncc::cpu {

/// One loop of a reduction, outermost first: how far it goes in the left operand (elements) and in K (steps).
struct ReductionLoop {
  mlir::Value count, leftStep, depthStep;
};

/// The rows of a register tile: `offsets` from `base` in a one-dimensional memref.
struct LeftTile {
  mlir::Value memref, base;
  llvm::SmallVector<mlir::Value> offsets;
};

/// The columns, a vector each. A null mask: all lanes exist. One step in K goes `depthStride` elements further.
struct RightTile {
  mlir::Value memref, base;
  llvm::SmallVector<mlir::Value> offsets, masks;
  mlir::Value depthStride;
  /// What will be needed later: from each of these positions on, `prefetchStride` elements further a step in K.
  llvm::SmallVector<mlir::Value> prefetches;
  mlir::Value prefetchStride = {};
};

/// Adds the products over `loops` to `sums`, which are ordered by row, then by vector. Each sum takes its products one
/// after the other. A row is broadcast and used up before the next one is loaded: with all broadcasts first the
/// registers do not suffice.
llvm::SmallVector<mlir::Value> emitRegisterTile(IndexMath &m, const ElementKind &kind, const LeftTile &left,
                                                const RightTile &right, llvm::ArrayRef<ReductionLoop> loops,
                                                mlir::ValueRange sums);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_REGISTERTILE_H
