//===- CompileKernel.cpp - one kernel into code for the device and for the host -----------------------------------===//

#include "nncc/GPU/CompileKernel.h"
#include "KernelWriter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

std::string nncc::gpu::getEntryName(StringRef name) {
  std::string result;
  for (char c : name)
    if (llvm::isAlnum(c) || c == '_')
      result += c;
    else
      result += "$" + llvm::utohexstr(uint8_t(c), /*LowerCase=*/true, /*Width=*/2);
  return llvm::isDigit(name.front()) ? "_$" + result : result;
}

namespace {

/// Writes the functions of one kernel into two modules.
class KernelCompiler {
public:
  KernelCompiler(exec::KernelOp original, const GPUTarget &target)
      : copy(original.clone()), kernel(*copy), target(target) {
    result.device = ModuleOp::create(kernel.getLoc());
    result.host = ModuleOp::create(kernel.getLoc());
  }

  LogicalResult emitFunctions();
  LogicalResult lower();
  CompiledKernel take() { return std::move(result); }

private:
  LogicalResult emitPhase(const KernelPlan &plan, Phase &phase, CompiledPhase &compiled);
  void emitWorkspace(const KernelPlan &plan);
  LogicalResult run(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build);
  LogicalResult checkHost();

  OwningOpRef<exec::KernelOp> copy;
  exec::KernelOp kernel;
  const GPUTarget &target;
  CompiledKernel result;
};

} // namespace

LogicalResult KernelCompiler::emitPhase(const KernelPlan &plan, Phase &phase, CompiledPhase &compiled) {
  auto device = OpBuilder::atBlockEnd(result.device->getBody());
  DeviceFunction body = createDeviceFunction(device, kernel, compiled.entry, phase.getThreads());
  Buffers values(device, kernel, body);
  plan.mapValues(device, values, body.scratch);
  if (failed(phase.writeBody(device, values, body)))
    return failure();
  lowerFaults(body.function);

  auto host = OpBuilder::atBlockEnd(result.host->getBody());
  KernelFunction shape = createShapeFunction(host, kernel, compiled.shape);
  Buffers sizes(host, kernel, shape);
  plan.mapValues(host, sizes, shape.scratch);
  FailureOr<LaunchShape> launch = phase.writeShape(host, sizes);
  if (failed(launch))
    return failure();
  setShape(host, shape, *launch, phase.getThreads());
  compiled.threads = phase.getThreads();
  compiled.sharedBytes = launch->sharedBytes ? getConstantIntValue(launch->sharedBytes) : 0;
  return success();
}

void KernelCompiler::emitWorkspace(const KernelPlan &plan) {
  result.workspace = (kernel.getSymName() + ".workspace").str();
  auto host = OpBuilder::atBlockEnd(result.host->getBody());
  KernelFunction function = createWorkspaceFunction(host, kernel, result.workspace);
  Buffers sizes(host, kernel, function);
  plan.mapValues(host, sizes, function.scratch);
  setWorkspaceBytes(host, function, plan.workspace.getBytes(host, sizes));
}

/// What the host computes may not need what is in the memory of the device.
LogicalResult KernelCompiler::checkHost() {
  WalkResult found = result.host->walk([&](memref::LoadOp load) {
    load.emitError("decides how the kernel is launched and is in the memory of the GPU");
    return WalkResult::interrupt();
  });
  return failure(found.wasInterrupted());
}

LogicalResult KernelCompiler::run(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build) {
  PassManager passes(kernel.getContext());
  build(passes);
  return passes.run(module);
}

LogicalResult KernelCompiler::emitFunctions() {
  KernelPlan plan(kernel, target);
  if (failed(planKernel(plan)))
    return failure();
  std::string entry = getEntryName(kernel.getSymName()), name = kernel.getSymName().str();
  for (auto [number, phase] : llvm::enumerate(plan.phases)) {
    bool isOnly = plan.phases.size() == 1;
    result.phases.push_back({isOnly ? entry : entry + "$" + std::to_string(number),
                             isOnly ? name + ".shape" : name + "." + std::to_string(number) + ".shape"});
    if (failed(emitPhase(plan, *phase, result.phases.back())))
      return failure();
  }
  if (!plan.workspace.isEmpty())
    emitWorkspace(plan);
  // Reads that nothing needs go.
  if (failed(run(*result.host, [](OpPassManager &passes) { passes.addPass(createCanonicalizerPass()); })))
    return failure();
  return checkHost();
}

LogicalResult KernelCompiler::lower() {
  for (ModuleOp module : {*result.device, *result.host})
    module->walk([](func::FuncOp function) { lowerAddresses(function); });
  if (failed(run(*result.device, [&](OpPassManager &passes) { buildLowerDeviceToLLVM(passes, target); })) ||
      failed(run(*result.host, [](OpPassManager &passes) { buildLowerHostToLLVM(passes); })))
    return failure();
  for (auto function : result.device->getOps<LLVM::LLVMFuncOp>()) {
    auto threads = function->getAttrOfType<IntegerAttr>(threadsAttrName);
    if (!threads) // a declaration
      continue;
    function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), UnitAttr::get(function.getContext()));
    function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                      DenseI32ArrayAttr::get(function.getContext(), {int32_t(threads.getInt()), 1, 1}));
    function->removeAttr(threadsAttrName);
  }
  return success();
}

FailureOr<CompiledKernel> nncc::gpu::compileKernel(exec::KernelOp kernel, const GPUTarget &target, KernelStage stage) {
  KernelCompiler compiler(kernel, target);
  if (failed(compiler.emitFunctions()) || (stage == KernelStage::LLVM && failed(compiler.lower())))
    return failure();
  return compiler.take();
}
