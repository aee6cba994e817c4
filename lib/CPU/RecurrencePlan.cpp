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
  for (unsigned phase = 0; phase < op.getGates().size(); ++phase)
    phases.push_back(planPhase(op.getGates()[phase] * hidden, target));
}

PhasePlan RecurrencePlan::planPhase(int64_t numColumns, const CPUTarget &target) const {
  auto getTiles = [&](int64_t rows) {
    RegisterShape registers = chooseRegisterShape(target, kind, rows, llvm::divideCeil(numColumns, kind.lanes),
                                                  stateStride * kind.getSumBytes());
    ProductTiles tiles{RowTiling(hasWholeTiles() ? rowsPerTile : ShapedType::kDynamic, registers.rows),
                       ColumnTiling(numColumns, registers.vectors, kind.lanes)};
    tiles.rows.setTilesPerBlock(llvm::divideCeil(rows, registers.rows));
    return tiles;
  };
  PhasePlan plan{getTiles(rowsPerTile), std::nullopt, numColumns, 0};
  // A tile that is tall is narrow: a row or two have too few sums in it to hide how long one addition takes.
  if (!hasWholeTiles() && rowsPerTile > kFewRows)
    plan.few = getTiles(kFewRows);
  for (const ProductTiles &tiles : {plan.many, plan.few.value_or(plan.many)})
    plan.sumStride = std::max(plan.sumStride, tiles.columns.getNumTiles() * tiles.columns.getColumnsPerTile());
  return plan;
}
