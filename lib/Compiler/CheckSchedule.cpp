//===- CheckSchedule.cpp - whether a schedule that was read fits its descriptor ------------------------------------------===//

#include "Program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc {
namespace {

class ScheduleChecker {
public:
  ScheduleChecker(ModuleOp module, const target::ModelDescription &model) : module(module), model(model) {
    if (auto weights = module.lookupSymbol<ModuleOp>("weights"))
      if (auto main = weights.lookupSymbol<func::FuncOp>("main"))
        numWeights = main.getNumResults();
    symbols.insert(model.symbols.begin(), model.symbols.end());
  }

  LogicalResult check() {
    if (failed(checkMain()) || failed(checkSizes()))
      return failure();
    for (auto global : module.getOps<memref::GlobalOp>())
      if (!isa_and_present<ElementsAttr>(global.getInitialValueAttr()))
        return global.emitError("memref.global @") << global.getSymName() << " has no elements";
    for (auto function : module.getOps<func::FuncOp>())
      if (function.walk([&](Operation *op) { return WalkResult(checkOp(op)); }).wasInterrupted())
        return failure();
    return success();
  }

private:
  LogicalResult checkMain() {
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (main.getNumArguments() == model.inputs.size())
      return success();
    return main.emitError("function @main has ")
           << main.getNumArguments() << " arguments, exec.inputs " << model.inputs.size();
  }

  /// The size function of a plan that is not static.
  LogicalResult checkSizes() {
    if (model.isStaticPlan())
      return success();
    auto sizes = module.lookupSymbol<func::FuncOp>("sizes");
    auto wanted = FunctionType::get(module.getContext(), {},
                                    SmallVector<Type>(model.slots.size(), IndexType::get(module.getContext())));
    if (sizes && sizes.getFunctionType() == wanted)
      return success();
    return module.emitError("a function @sizes is wanted that returns the size of each slot of exec.plan: ") << wanted;
  }

  /// An attribute that numbers something of the module.
  static LogicalResult checkNumber(Operation *op, StringRef what, uint64_t number, uint64_t count) {
    if (number < count)
      return success();
    return op->emitError() << op->getName() << " asks for " << what << " " << int64_t(number) << " of " << count;
  }

  LogicalResult checkOp(Operation *op) {
    return TypeSwitch<Operation *, LogicalResult>(op)
        .Case([&](exec::SymbolOp symbol) -> LogicalResult {
          if (symbols.contains(symbol.getName()))
            return success();
          return op->emitError("exec.symbol \"") << symbol.getName() << "\" is not in exec.symbols";
        })
        .Case([&](exec::HostInputOp input) { return checkNumber(op, "input", input.getIndex(), model.inputs.size()); })
        .Case([&](exec::WeightOp weight) { return checkNumber(op, "weight", weight.getIndex(), numWeights); })
        .Case([&](exec::CarryOp carry) { return checkNumber(op, "carried value", carry.getId(), model.numCarries); })
        .Case([&](exec::OutputOp output) { return checkOutput(output); })
        .Case([&](exec::BufferOp buffer) { return checkBuffer(buffer); })
        .Default(success());
  }

  LogicalResult checkOutput(exec::OutputOp output) {
    if (failed(checkNumber(output, "output", output.getIndex(), model.outputs.size())))
      return failure();
    auto type = cast<MemRefType>(output.getType());
    bool mayBePacked = type.getElementType().isInteger(8); // elements smaller than a byte: one dim
    size_t rank = model.outputs[output.getIndex()].dims.size();
    if (size_t(type.getRank()) == rank || (mayBePacked && type.getRank() == 1))
      return success();
    return output.emitError("exec.output ")
           << output.getIndex() << " has rank " << type.getRank() << ", exec.outputs says " << rank;
  }

  LogicalResult checkBuffer(exec::BufferOp buffer) {
    if (model.isStaticPlan() != buffer.getOffset().has_value())
      return buffer.emitError("exec.buffer needs ")
             << (model.isStaticPlan() ? "an offset" : "a slot") << ", as exec.plan has it";
    if (buffer.getOffset())
      return checkNumber(buffer, "offset", *buffer.getOffset(), uint64_t(model.arenaBytes) + 1);
    return checkNumber(buffer, "slot", buffer.getSlot().value_or(-1), model.slots.size());
  }

  ModuleOp module;
  const target::ModelDescription &model;
  uint64_t numWeights = 0;
  llvm::StringSet<> symbols;
};

} // namespace

LogicalResult checkSchedule(ModuleOp module, const target::ModelDescription &model) {
  return ScheduleChecker(module, model).check();
}

} // namespace nncc
