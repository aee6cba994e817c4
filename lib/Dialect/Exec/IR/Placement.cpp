//===- Placement.cpp - which memory the values of a schedule lie in -------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc;

bool exec::isForDevice(ModuleOp module) { return module->hasAttr(deviceAttrName); }

Attribute exec::getHostSpace(MLIRContext *context) { return StringAttr::get(context, "host"); }

bool exec::isInHostSpace(MemRefType type) {
  auto space = dyn_cast_or_null<StringAttr>(type.getMemorySpace());
  return space && space.getValue() == "host";
}

/// What a value carried by control flow starts with: it stays on its side.
static Value findStart(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent))
      return argument.getArgNumber() ? loop.getInitArgs()[argument.getArgNumber() - 1] : Value();
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      return argument.getOwner() == loop.getBeforeBody() ? loop.getInits()[argument.getArgNumber()]
                                                         : loop.getConditionOp().getArgs()[argument.getArgNumber()];
    return {};
  }
  unsigned number = cast<OpResult>(value).getResultNumber();
  return llvm::TypeSwitch<Operation *, Value>(value.getDefiningOp())
      .Case([&](scf::ForOp loop) { return loop.getInitArgs()[number]; })
      .Case([&](scf::WhileOp loop) { return loop.getConditionOp().getArgs()[number]; })
      .Case([&](scf::IfOp branch) { return branch.thenYield().getOperand(number); })
      .Case([&](arith::SelectOp select) { return select.getTrueValue(); })
      .Case<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>(
          [](Operation *view) { return view->getOperand(0); })
      .Default(Value());
}

bool exec::isOnHost(Value tensor) {
  auto module = tensor.getParentRegion()->getParentOfType<ModuleOp>();
  if (!module || !isForDevice(module))
    return false;
  while (Value start = findStart(tensor))
    tensor = start;
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([](LaunchOp launch) {
        KernelOp kernel = launch.lookupKernel();
        return kernel && kernel.getHost();
      })
      .Case([](TransferOp transfer) { return transfer.getToHost(); })
      .Case([](WeightOp weight) { return weight.getHost(); })
      .Case<HostInputOp, tensor::FromElementsOp>([](Operation *) { return true; })
      .Case([](tensor::EmptyOp empty) { return empty->hasAttr(hostAttrName); })
      .Default([](Operation *other) { return other->hasTrait<OpTrait::ConstantLike>(); });
}
