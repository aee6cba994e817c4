//===- RecurrencePlan.cpp - how a recurrent layer is cut into tiles -----------------------------------------------===//

#include "RecurrencePlan.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Rows of a tile: with 8 the registers are well used however slowly the weights come, and with 4 nearly so. From there
/// on a second thread is worth more.
static int64_t chooseRowsPerTile(int64_t rows) {
  if (ShapedType::isDynamic(rows))
    return 8;
  return rows <= 4 ? std::max<int64_t>(rows, 1) : std::min<int64_t>(llvm::divideCeil(rows, 2), 8);
}

RecurrencePlan::RecurrencePlan(exec::RecurrenceOp op, const CPUTarget &target) {
  kind.left = kind.right = kind.sum = op.getElementType();
  kind.lanes = target.vectorBits / kind.sum.getIntOrFloatBitWidth();
  kind.hasFMA = target.hasFMA;
  numRows = cast<RankedTensorType>(op.getInput().getType()).getDimSize(op.getBatchMajor() ? 0 : 1);
  rowsPerTile = chooseRowsPerTile(numRows);
  int64_t hidden = op.getHidden();
  stateStride = llvm::alignTo(hidden, kind.getPanelColumns());
  for (unsigned phase = 0; phase < op.getGates().size(); ++phase) {
    int64_t columns = op.getGates()[phase] * hidden, bytes = kind.getSumBytes();
    RegisterShape registers =
        chooseRegisterShape(target, kind, rowsPerTile, llvm::divideCeil(columns, kind.lanes), stateStride * bytes);
    PhasePlan plan;
    plan.numColumns = columns;
    plan.rows = RowTiling(hasWholeTiles() ? rowsPerTile : ShapedType::kDynamic, registers.rows);
    plan.rows.setTilesPerBlock(llvm::divideCeil(rowsPerTile, registers.rows));
    plan.columns = ColumnTiling(columns, registers.vectors, kind.lanes);
    plan.sumStride = plan.columns.getNumTiles() * plan.columns.getColumnsPerTile();
    plan.prefetch = op.getPacked() && columns * hidden * bytes > target.l1Bytes * 2;
    phases.push_back(plan);
  }
}
