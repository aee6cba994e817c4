//===- RegisterTile.h - the inner loop: a tile of sums in vector registers ------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_REGISTERTILE_H
#define NNCC_LIB_CPU_CONTRACTION_REGISTERTILE_H

#include "IndexMath.h"
#include "nncc/CPU/Target.h"

namespace nncc::cpu {

/// What is multiplied, and in what the products are summed.
struct ElementKind {
  mlir::Type left, right, sum;
  bool leftUnsigned = false, rightUnsigned = false;
  /// Lanes of a vector of sums; 1: scalars.
  int64_t lanes = 1;
  bool hasFMA = false;

  /// The operands and result of exec.matmul or exec.conv.
  static ElementKind of(mlir::Operation *root, const CPUTarget &target);
  /// Columns of a panel of packed weights: the lanes that fill 64 bytes, whatever the target.
  int64_t getPanelColumns() const { return sum.getIntOrFloatBitWidth() == 64 ? 8 : 16; }
  mlir::Type getSumType() const { return lanes == 1 ? sum : mlir::VectorType::get(lanes, sum); }

  mlir::Value zero(IndexMath &m) const;
  /// One element of the left operand in all lanes.
  mlir::Value loadLeft(IndexMath &m, mlir::Value memref, mlir::Value index) const;
  /// Adjacent elements of the right operand, one a lane.
  mlir::Value loadRight(IndexMath &m, mlir::Value memref, mlir::Value index, mlir::Value mask) const;
  /// A scalar or vector of one of the operands in the type of sums.
  mlir::Value widen(IndexMath &m, mlir::Value value, bool isUnsigned) const;
  mlir::Value multiplyAdd(IndexMath &m, mlir::Value left, mlir::Value right, mlir::Value sum) const;
};

/// One loop of a reduction, outermost first: how far a step goes in the left operand (elements) and in K.
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
  /// What will be needed later: one cache line a step in K, from each of these positions on.
  llvm::SmallVector<mlir::Value> prefetches;
};

/// Adds the products over `loops` to `sums`, which are ordered by row, then by vector. Each sum takes its products one
/// after the other. A row is broadcast and used up before the next one is loaded: with all broadcasts first the
/// registers do not suffice.
llvm::SmallVector<mlir::Value> emitRegisterTile(IndexMath &m, const ElementKind &kind, const LeftTile &left,
                                                const RightTile &right, llvm::ArrayRef<ReductionLoop> loops,
                                                mlir::ValueRange sums);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_REGISTERTILE_H
