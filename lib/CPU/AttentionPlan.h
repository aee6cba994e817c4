//===- AttentionPlan.h - how an attention is cut into tiles ---------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_ATTENTIONPLAN_H
#define NNCC_LIB_CPU_ATTENTIONPLAN_H

#include "Contraction/GemmBlock.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::cpu {

/// What is decided before any code is written, from types and target alone.
struct AttentionPlan {
  AttentionPlan(exec::AttentionOp op, const CPUTarget &target);

  ElementKind kind;
  /// Sizes, ShapedType::kDynamic where not known; depth and columns are known.
  int64_t rows, keys, depth, columns;
  /// Rows of queries of a tile: lanes, so whole register tiles of them.
  int64_t rowsPerTile;
  /// Keys whose scores wait in scratch at once. Decides the order of sums, so it does not depend on the target.
  int64_t keysPerBlock;
  /// Scores are register tiles of keys x rows, sums such of columns of the values x rows.
  RowTiling keyTiles, columnTiles;
  ColumnTiling scoreRows, sumRows;
  /// Numbers of the masks (0: the first) whose elements of adjacent keys are adjacent: what the last keys are for a tile can be seen in
  /// them before anything is computed.
  llvm::SmallVector<unsigned> readableMasks;

  int64_t getLanes() const { return kind.lanes; }
  int64_t getWidth() const { return scoreRows.getColumnsPerTile(); }
  bool hasWholeTiles() const { return mlir::ShapedType::isStatic(rows) && rows % rowsPerTile == 0; }
  /// All keys are one block: scores are final when they are first known.
  bool hasOneBlock() const { return mlir::ShapedType::isStatic(keys) && keys <= keysPerBlock; }
  bool hasWholeBlocks() const { return mlir::ShapedType::isStatic(keys) && keys % keysPerBlock == 0; }
  /// For readers, one paragraph.
  void describe(llvm::raw_ostream &os) const;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_ATTENTIONPLAN_H
