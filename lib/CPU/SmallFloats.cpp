//===- SmallFloats.cpp - arithmetic on f16 and bf16 ---------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/CPU/Passes.h"

using namespace mlir;

#define DEBUG_TYPE "cpu-widen-small-floats"

namespace nncc::cpu {
#define GEN_PASS_DEF_WIDENSMALLFLOATS
#define GEN_PASS_DEF_MOVESMALLFLOATSASINTEGERS
#include "nncc/CPU/Passes.h.inc"
} // namespace nncc::cpu

/// `type`, a scalar or a vector, with other elements.
static Type withElements(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return VectorType::get(vector.getShape(), element);
  return element;
}

static bool isSmallFloat(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

//===----------------------------------------------------------------------------------------------------------------===//
// Arithmetic in f32
//===----------------------------------------------------------------------------------------------------------------===//

/// Whether `op` computes with the values of small floats, and does not only move or convert them.
static bool computesSmallFloats(Operation *op) {
  if (!isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
      isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp, arith::BitcastOp, arith::SelectOp>(op))
    return false;
  return llvm::any_of(op->getOperandTypes(), isSmallFloat) || llvm::any_of(op->getResultTypes(), isSmallFloat);
}

/// The same op on f32 between conversions.
static void widen(Operation *op) {
  OpBuilder b(op);
  Type f32 = b.getF32Type();
  for (OpOperand &operand : op->getOpOperands())
    if (Type type = operand.get().getType(); isSmallFloat(type))
      operand.set(arith::ExtFOp::create(b, op->getLoc(), withElements(type, f32), operand.get()));
  b.setInsertionPointAfter(op);
  for (Value result : op->getResults()) {
    Type type = result.getType();
    if (!isSmallFloat(type))
      continue;
    result.setType(withElements(type, f32));
    auto narrow = arith::TruncFOp::create(b, op->getLoc(), type, result);
    result.replaceAllUsesExcept(narrow, narrow);
  }
}

namespace {
class WidenSmallFloatsPass : public nncc::cpu::impl::WidenSmallFloatsBase<WidenSmallFloatsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (computesSmallFloats(op))
        found.push_back(op);
    });
    llvm::for_each(found, widen);
  }
};
} // namespace

//===----------------------------------------------------------------------------------------------------------------===//
// Moves of integers
//===----------------------------------------------------------------------------------------------------------------===//

static Type asInteger(Type type, OpBuilder &b) { return withElements(type, b.getI16Type()); }

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
