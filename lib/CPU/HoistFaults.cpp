//===- HoistFaults.cpp - checks of what stays the same leave the loop ---------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "nncc/CPU/Passes.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

using namespace mlir;
using namespace nncc;

#define DEBUG_TYPE "cpu-hoist-faults"

namespace nncc::cpu {
#define GEN_PASS_DEF_HOISTFAULTS
#include "nncc/CPU/Passes.h.inc"
} // namespace nncc::cpu

/// Whether nothing writes the memory while the function runs.
static bool isConstantMemory(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  auto cast = memref.getDefiningOp<UnrealizedConversionCastOp>();
  auto address = cast ? dyn_cast<BlockArgument>(cast.getOperand(0)) : nullptr;
  auto function = address ? dyn_cast<func::FuncOp>(address.getOwner()->getParentOp()) : nullptr;
  return function && function.getArgAttr(address.getArgNumber(), LLVM::LLVMDialect::getNoAliasAttrName()) &&
         function.getArgAttr(address.getArgNumber(), LLVM::LLVMDialect::getReadonlyAttrName());
}

/// Whether `op` may leave a loop that runs at least once.
static bool canLeave(Operation *op) {
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return isConstantMemory(load.getMemRef());
  return isa<exec::FaultOp>(op) || (isMemoryEffectFree(op) && isSpeculatable(op));
}

/// Makes the loop one that is only reached when it runs.
static void guard(scf::ForOp loop) {
  if (std::optional<int64_t> first = getConstantIntValue(loop.getLowerBound()),
      end = getConstantIntValue(loop.getUpperBound());
      first && end && *first < *end)
    return;
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  Value runs = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, loop.getLowerBound(), loop.getUpperBound());
  auto branch = scf::IfOp::create(b, loc, loop.getResultTypes(), runs, /*addThenBlock=*/true, /*addElseBlock=*/true);
  loop->replaceAllUsesWith(branch);
  loop->moveBefore(branch.thenBlock(), branch.thenBlock()->end());
  b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(b, loc, loop.getResults());
  b.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(b, loc, loop.getInits());
}

namespace {
class HoistFaultsPass : public cpu::impl::HoistFaultsBase<HoistFaultsPass> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops; // the innermost first
    getOperation()->walk([&](scf::ForOp loop) {
      if (!loop.getBody()->getOps<exec::FaultOp>().empty())
        loops.push_back(loop);
    });
    for (size_t i = 0; i < loops.size(); ++i) {
      hoist(loops[i]);
      // Out of one loop, a fault may leave the next.
      auto outer = loops[i]->getParentOfType<scf::ForOp>();
      if (outer && !llvm::is_contained(loops, outer))
        loops.push_back(outer);
    }
  }

  void hoist(scf::ForOp loop) {
    SmallVector<Operation *> leaving;
    llvm::SmallPtrSet<Operation *, 16> known;
    for (Operation &op : loop.getBody()->without_terminator()) {
      bool isFixed = llvm::all_of(op.getOperands(), [&](Value value) {
        return loop.isDefinedOutsideOfLoop(value) || known.contains(value.getDefiningOp());
      });
      if (isFixed && canLeave(&op)) {
        leaving.push_back(&op);
        known.insert(&op);
      }
    }
    if (llvm::none_of(leaving, llvm::IsaPred<exec::FaultOp>))
      return;
    guard(loop);
    for (Operation *op : leaving)
      op->moveBefore(loop);
  }
};
} // namespace
