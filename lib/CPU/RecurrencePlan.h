//===- RecurrencePlan.h - how a recurrent layer is cut into tiles ---------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_RECURRENCEPLAN_H
#define NNCC_LIB_CPU_RECURRENCEPLAN_H

#include "Contraction/GemmBlock.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::cpu {

/// The register tiles of a product.
struct ProductTiles {
  RowTiling rows;
  ColumnTiling columns;
};

/// The product of one phase.
struct PhasePlan {
  /// `few`: up to RecurrencePlan::kFewRows, where the number of rows is known only at run time; nothing: `many` serves any number.
  ProductTiles many;
  std::optional<ProductTiles> few;
  int64_t numColumns, sumStride;
};

/// What is decided before any code is written, from types and target alone.
struct RecurrencePlan {
  RecurrencePlan(exec::RecurrenceOp op, const CPUTarget &target);

  static constexpr int64_t kFewRows = 4;

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

private:
  PhasePlan planPhase(int64_t numColumns, const CPUTarget &target) const;
};

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_RECURRENCEPLAN_H
