//===- ExpandMaskedMoves.cpp - tails of vectors where the CPU has no masks ----------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/CPU/Passes.h"

using namespace mlir;

#define DEBUG_TYPE "cpu-expand-masked-moves"

namespace nncc::cpu {
#define GEN_PASS_DEF_EXPANDMASKEDMOVES
#include "nncc/CPU/Passes.h.inc"
} // namespace nncc::cpu

namespace {

class ExpandMaskedMovesPass : public nncc::cpu::impl::ExpandMaskedMovesBase<ExpandMaskedMovesPass> {
public:
  using ExpandMaskedMovesBase::ExpandMaskedMovesBase;

  void runOnOperation() override {
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (isa<vector::MaskedLoadOp, vector::MaskedStoreOp>(op))
        found.push_back(op);
    });
    for (Operation *op : found) {
      if (auto load = dyn_cast<vector::MaskedLoadOp>(op))
        expandLoad(load);
      else
        expandStore(cast<vector::MaskedStoreOp>(op));
    }
  }

private:
  bool isNarrow(VectorType type) { return type.getElementTypeBitWidth() < below; }
  void expandLoad(vector::MaskedLoadOp op);
  void expandStore(vector::MaskedStoreOp op);
};

} // namespace

/// How many lanes there are when the first ones are, else null. A mask may be made of more than a vector has.
static Value getNumLanes(OpBuilder &b, Value mask) {
  if (auto create = mask.getDefiningOp<vector::CreateMaskOp>()) {
    int64_t lanes = create.getType().getDimSize(0);
    Value all = arith::ConstantIndexOp::create(b, mask.getLoc(), lanes);
    return b.createOrFold<arith::MinSIOp>(mask.getLoc(), create.getOperand(0), all);
  }
  if (auto constant = mask.getDefiningOp<vector::ConstantMaskOp>())
    return arith::ConstantIndexOp::create(b, mask.getLoc(), constant.getMaskDimSizes()[0]);
  return {};
}

/// Memory for one vector, at the start of the function: an alloca in a loop would grow the stack.
static Value createSlot(Operation *op, VectorType type) {
  auto function = op->getParentOfType<func::FuncOp>();
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  auto memref = MemRefType::get(type.getShape(), type.getElementType());
  return memref::AllocaOp::create(b, op->getLoc(), memref, b.getI64IntegerAttr(64));
}

/// Copies the first elements from one memref to another; LLVM makes a memcpy of it.
static void copyElements(OpBuilder &b, Location loc, Value count, Value from, SmallVector<Value> source, Value to,
                         SmallVector<Value> target) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, zero, count, one);
  OpBuilder body = OpBuilder::atBlockBegin(loop.getBody());
  source.back() = arith::AddIOp::create(body, loc, source.back(), loop.getInductionVar());
  target.back() = arith::AddIOp::create(body, loc, target.back(), loop.getInductionVar());
  Value element = memref::LoadOp::create(body, loc, from, source);
  memref::StoreOp::create(body, loc, element, to, target);
}

void ExpandMaskedMovesPass::expandLoad(vector::MaskedLoadOp op) {
  OpBuilder b(op);
  Value count = getNumLanes(b, op.getMask());
  if (!count || !isNarrow(op.getVectorType()))
    return;
  Location loc = op.getLoc();
  Value slot = createSlot(op, op.getVectorType()), zero = arith::ConstantIndexOp::create(b, loc, 0);
  vector::StoreOp::create(b, loc, op.getPassThru(), slot, zero);
  copyElements(b, loc, count, op.getBase(), llvm::to_vector(op.getIndices()), slot, {zero});
  op.getResult().replaceAllUsesWith(vector::LoadOp::create(b, loc, op.getVectorType(), slot, zero));
  op.erase();
}

void ExpandMaskedMovesPass::expandStore(vector::MaskedStoreOp op) {
  OpBuilder b(op);
  Value count = getNumLanes(b, op.getMask());
  if (!count || !isNarrow(op.getVectorType()))
    return;
  Location loc = op.getLoc();
  Value slot = createSlot(op, op.getVectorType()), zero = arith::ConstantIndexOp::create(b, loc, 0);
  vector::StoreOp::create(b, loc, op.getValueToStore(), slot, zero);
  copyElements(b, loc, count, slot, {zero}, op.getBase(), llvm::to_vector(op.getIndices()));
  op.erase();
}
