//===- MoveSmallFloats.cpp - f16 and bf16 move as integers --------------------------------------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "nncc/CPU/Passes.h"

using namespace mlir;

#define DEBUG_TYPE "cpu-move-small-floats-as-integers"

namespace nncc::cpu {
#define GEN_PASS_DEF_MOVESMALLFLOATSASINTEGERS
#include "nncc/CPU/Passes.h.inc"
} // namespace nncc::cpu

/// `type`, a scalar or a vector, with elements of 16 bits.
static Type asInteger(Type type, OpBuilder &b) {
  if (auto vector = dyn_cast<VectorType>(type))
    return VectorType::get(vector.getShape(), b.getI16Type());
  return b.getI16Type();
}

static bool isSmallFloat(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

/// Makes the operand an integer of the same bits.
static void castOperand(OpBuilder &b, Operation *op, OpOperand &operand) {
  operand.set(LLVM::BitcastOp::create(b, op->getLoc(), asInteger(operand.get().getType(), b), operand.get()));
}

static void castResult(OpBuilder &b, Operation *op) {
  Value result = op->getResult(0);
  Type type = result.getType();
  result.setType(asInteger(type, b));
  b.setInsertionPointAfter(op);
  auto cast = LLVM::BitcastOp::create(b, op->getLoc(), type, result);
  result.replaceAllUsesExcept(cast, cast);
}

namespace {
class MoveSmallFloatsAsIntegersPass
    : public nncc::cpu::impl::MoveSmallFloatsAsIntegersBase<MoveSmallFloatsAsIntegersPass> {
  void runOnOperation() override {
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (isa<LLVM::LoadOp, LLVM::StoreOp, LLVM::SelectOp, LLVM::MaskedLoadOp, LLVM::MaskedStoreOp, LLVM::masked_gather,
              LLVM::masked_scatter>(op) &&
          (llvm::any_of(op->getOperandTypes(), isSmallFloat) || llvm::any_of(op->getResultTypes(), isSmallFloat)))
        found.push_back(op);
    });
    for (Operation *op : found) {
      OpBuilder b(op);
      for (OpOperand &operand : op->getOpOperands())
        if (isSmallFloat(operand.get().getType()))
          castOperand(b, op, operand);
      if (op->getNumResults() != 0)
        castResult(b, op);
    }
  }
};
} // namespace
