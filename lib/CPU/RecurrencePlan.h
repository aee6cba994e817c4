//===- RecurrencePlan.h - how a recurrent layer is cut into tiles ---------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_RECURRENCEPLAN_H
#define NNCC_LIB_CPU_RECURRENCEPLAN_H

#include "Contraction/GemmBlock.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::cpu {

/// The product of one phase.
struct PhasePlan {
  RowTiling rows;
  ColumnTiling columns;
  int64_t numColumns, sumStride;
  bool prefetch;
};

/// What is decided before any code is written, from types and target alone.
struct RecurrencePlan {
  RecurrencePlan(exec::RecurrenceOp op, const CPUTarget &target);

  ElementKind kind;
  /// Rows in all, or ShapedType::kDynamic.
  int64_t numRows;
  int64_t rowsPerTile;
  /// Elements from one row of a state to the next.
  int64_t stateStride;
  llvm::SmallVector<PhasePlan, 2> phases;

  /// For readers, one paragraph.
  void describe(llvm::raw_ostream &os) const;
  bool hasWholeTiles() const { return mlir::ShapedType::isStatic(numRows) && numRows % rowsPerTile == 0; }
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_RECURRENCEPLAN_H
