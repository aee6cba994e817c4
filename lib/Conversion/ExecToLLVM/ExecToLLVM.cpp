//===- ExecToLLVM.cpp - the schedule to the LLVM dialect ------------------------------------------------------------------===//

#include "Patterns.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Conversion/ExecToLLVM/Passes.h"

#define DEBUG_TYPE "convert-exec-to-llvm"

using namespace mlir;

namespace nncc {

#define GEN_PASS_DEF_CONVERTEXECTOLLVM
#include "nncc/Conversion/ExecToLLVM/Passes.h.inc"

namespace {

class ConvertExecToLLVMPass : public impl::ConvertExecToLLVMBase<ConvertExecToLLVMPass> {
public:
  void runOnOperation() override {
    ScheduleInfo info;
    if (failed(lowerControlFlow()) || failed(collect(info)) || failed(convert(info)))
      signalPassFailure();
  }

private:
  LogicalResult lowerControlFlow();
  LogicalResult collect(ScheduleInfo &info);
  LogicalResult collect(Operation *op, ScheduleInfo &info);
  LogicalResult convert(const ScheduleInfo &info);
};

} // namespace

/// A failure leaves a loop at once: that takes branches.
LogicalResult ConvertExecToLLVMPass::lowerControlFlow() {
  OpPassManager passes(ModuleOp::getOperationName());
  passes.addPass(arith::createArithExpandOpsPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  return runPipeline(passes, getOperation());
}

/// The type of an output in exec.outputs, if its elements are smaller than a byte. Its buffer has one dim then.
static RankedTensorType findPackedType(exec::OutputOp output) {
  auto outputs = output->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>("exec.outputs");
  auto entry = outputs && output.getIndex() < outputs.size() ? dyn_cast<DictionaryAttr>(outputs[output.getIndex()])
                                                             : DictionaryAttr();
  auto attribute = entry ? entry.getAs<TypeAttr>("type") : TypeAttr();
  auto type = attribute ? dyn_cast<RankedTensorType>(attribute.getValue()) : RankedTensorType();
  Type element = type ? type.getElementType() : Type();
  bool isPacked = element && element.isIntOrFloat() && !element.isInteger(1) && element.getIntOrFloatBitWidth() < 8;
  return isPacked ? type : RankedTensorType();
}

LogicalResult ConvertExecToLLVMPass::collect(ScheduleInfo &info) {
  ModuleOp module = getOperation();
  if (auto names = module->getAttrOfType<ArrayAttr>("exec.symbols"))
    for (auto [index, name] : llvm::enumerate(names.getAsRange<StringAttr>()))
      info.symbols[name] = index;
  if (auto offsets = module->getAttrOfType<DenseI64ArrayAttr>("exec.weight_offsets"))
    info.weightOffsets.assign(offsets.asArrayRef().begin(), offsets.asArrayRef().end());
  info.isForDevice = exec::isForDevice(module);
  if (info.isForDevice)
    info.numSlots = 2; // An element that is read from the device comes to the same place.
  for (auto [index, kernel] : llvm::enumerate(module.getOps<exec::KernelOp>()))
    info.kernels[kernel.getSymName()] = index;
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    if (!llvm::all_of(function.getArgumentTypes(), llvm::IsaPred<MemRefType>))
      return function.emitError("has an argument that is no memref: memory is not planned");
    auto walked = function.walk([&](Operation *op) { return WalkResult(collect(op, info)); });
    if (walked.wasInterrupted())
      return failure();
  }
  for (exec::KernelOp kernel : llvm::make_early_inc_range(module.getOps<exec::KernelOp>()))
    kernel.erase();
  return success();
}

LogicalResult ConvertExecToLLVMPass::collect(Operation *op, ScheduleInfo &info) {
  auto countParts = [](TypeRange types) {
    int64_t parts = 0;
    for (Type type : types)
      parts += isa<MemRefType>(type) ? 1 + cast<MemRefType>(type).getNumDynamicDims() : 1;
    return parts;
  };
  if (auto launch = dyn_cast<exec::LaunchOp>(op)) {
    info.numSlots = std::max(info.numSlots, 1 + countParts(launch->getOperandTypes()));
  } else if (auto output = dyn_cast<exec::OutputOp>(op)) {
    info.numSlots = std::max(info.numSlots, cast<MemRefType>(output.getType()).getRank());
    if (RankedTensorType packed = findPackedType(output)) {
      info.numSlots = std::max(info.numSlots, packed.getRank());
      info.packedOutputs[output.getIndex()] = packed;
    }
  } else if (auto symbol = dyn_cast<exec::SymbolOp>(op)) {
    if (!info.symbols.contains(symbol.getName()))
      return symbol.emitOpError("names no symbol of exec.symbols");
  } else if (auto weight = dyn_cast<exec::WeightOp>(op)) {
    if (weight.getIndex() >= info.weightOffsets.size())
      return weight.emitOpError("has no place in exec.weight_offsets");
  } else if (auto check = dyn_cast<exec::CheckOp>(op)) {
    if (auto [it, isNew] =
            info.messages.try_emplace(check.getMessage(), ("message_" + Twine(info.messages.size())).str());
        isNew) {
      OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
      std::string text = (check.getMessage() + Twine('\0')).str();
      auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), text.size());
      LLVM::GlobalOp::create(builder, check.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Internal, it->second,
                             builder.getStringAttr(text));
    }
  }
  return success();
}

LogicalResult ConvertExecToLLVMPass::convert(const ScheduleInfo &info) {
  LLVMTypeConverter types(&getContext());
  types.addConversion([](MemRefType type, SmallVectorImpl<Type> &parts) -> std::optional<LogicalResult> {
    parts.push_back(LLVM::LLVMPointerType::get(type.getContext()));
    parts.append(type.getNumDynamicDims(), IntegerType::get(type.getContext(), 64));
    return success();
  });
  RewritePatternSet patterns(&getContext());
  arith::populateArithToLLVMConversionPatterns(types, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  populateMathToLLVMConversionPatterns(types, patterns);
  populateFunctionPatterns(patterns, types, info);
  populateServicePatterns(patterns, types, info);
  populateMemoryPatterns(patterns, types, info);
  LLVMConversionTarget target(getContext());
  target.addLegalOp<ModuleOp>();
  return applyFullConversion(getOperation(), target, std::move(patterns));
}

} // namespace nncc
