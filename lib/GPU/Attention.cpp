//===- Attention.cpp - scaled dot-product attention -----------------------------------------------------------------===//

#include "Attention.h"
#include "Attention/FewRowsAttention.h"
#include "Attention/MmaAttention.h"
#include "Attention/SimtAttention.h"
#include "Points.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

namespace {

/// A block for each tile of rows and columns of each matrix of the batch. Blocks of one matrix follow each other: keys and values stay in the cache.
class AttentionPhase : public Phase {
public:
  AttentionPhase(exec::AttentionOp op, int64_t tileRows, int64_t tileColumns, int64_t sharedBytes)
      : op(op), shape(op), tileRows(tileRows), tileColumns(tileColumns), sharedBytes(sharedBytes) {}

  FailureOr<LaunchShape> writeShape(OpBuilder &b, Buffers &values) override;
  LogicalResult writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) override;

protected:
  virtual void emit(IndexMath &m, AttentionOperands &operands, const AttentionPlace &place, Value thread,
                    Value shared) const = 0;

  mutable exec::AttentionOp op; // a handle, none of whose methods is const
  AttentionShape shape;

private:
  SmallVector<Value> getGrid(IndexMath &m, AttentionOperands &operands) const {
    SmallVector<Value> grid = operands.getBatchSizes();
    grid.append({m.ceilDiv(operands.getColumns(), tileColumns), m.ceilDiv(operands.getRows(), tileRows)});
    return grid;
  }

  int64_t tileRows, tileColumns, sharedBytes;
};

class SimtPhase : public AttentionPhase {
public:
  SimtPhase(exec::AttentionOp op, const SimtAttentionTile &tile)
      : AttentionPhase(op, SimtAttentionTile::rows, tile.columns, tile.getSharedBytes()), tile(tile) {}
  unsigned getThreads() const override { return SimtAttentionTile::threads; }

protected:
  void emit(IndexMath &m, AttentionOperands &operands, const AttentionPlace &place, Value thread,
            Value shared) const override {
    emitSimtAttention(m, op, shape, tile, operands, place, thread, shared);
  }

private:
  SimtAttentionTile tile;
};

class MmaPhase : public AttentionPhase {
public:
  MmaPhase(exec::AttentionOp op, const MmaAttentionTile &tile, const GPUTarget &target)
      : AttentionPhase(op, tile.getRows(), tile.columns, tile.getSharedBytes()), tile(tile), target(target) {}
  unsigned getThreads() const override { return MmaAttentionTile::threads; }

protected:
  void emit(IndexMath &m, AttentionOperands &operands, const AttentionPlace &place, Value thread,
            Value shared) const override {
    emitMmaAttention(m, op, shape, tile, target, operands, place, thread, shared);
  }

private:
  MmaAttentionTile tile;
  const GPUTarget &target;
};

} // namespace

FailureOr<LaunchShape> AttentionPhase::writeShape(OpBuilder &b, Buffers &values) {
  IndexMath m(b, op.getLoc());
  AttentionOperands operands(m, op, values);
  Value blocks = getNumPoints(b, op.getLoc(), getGrid(m, operands));
  if (ShapedType::isDynamic(shape.rows)) // few rows have a phase of their own
    blocks = arith::SelectOp::create(b, op.getLoc(), m.less(operands.getRows(), m.constant(leastRowsOfTile)),
                                     m.constant(0), blocks);
  return LaunchShape{blocks, m.constant(sharedBytes)};
}

LogicalResult AttentionPhase::writeBody(OpBuilder &b, Buffers &values, const DeviceFunction &function) {
  setBlocksPerProcessor(function, attentionBlocks);
  IndexMath m(b, op.getLoc());
  AttentionOperands operands(m, op, values);
  SmallVector<Value> point = getPoint(b, op.getLoc(), function.block, getGrid(m, operands));
  AttentionPlace place;
  place.row = m.mul(point.pop_back_val(), tileRows);
  place.column = m.mul(point.pop_back_val(), tileColumns);
  place.batch = point;
  emit(m, operands, place, toI32(m, function.thread), getSharedPointer(m, function.shared));
  return success();
}

static void addTiles(KernelPlan &plan, exec::AttentionOp op, const AttentionShape &shape) {
  if (MmaAttentionTile::fits(shape, plan.target))
    plan.add<MmaPhase>(op, MmaAttentionTile(shape, plan.target), plan.target);
  else
    plan.add<SimtPhase>(op, SimtAttentionTile(shape));
}

void nncc::gpu::addAttention(KernelPlan &plan, exec::AttentionOp op) {
  AttentionShape shape(op);
  if (ShapedType::isDynamic(shape.rows) || shape.rows < leastRowsOfTile)
    addFewRowsAttention(plan, op);
  if (ShapedType::isDynamic(shape.rows) || shape.rows >= leastRowsOfTile)
    addTiles(plan, op, shape);
}
