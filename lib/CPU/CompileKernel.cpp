//===- CompileKernel.cpp - one kernel into a module of the LLVM dialect -------------------------------------------===//

#include "nncc/CPU/CompileKernel.h"
#include "KernelWriter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/CPU/Passes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// Writes the functions of one kernel into a module.
class KernelCompiler {
public:
  KernelCompiler(exec::KernelOp original, const CPUTarget &target)
      : copy(original.clone()), kernel(*copy), target(target), module(ModuleOp::create(kernel.getLoc())),
        b(OpBuilder::atBlockEnd(module->getBody())) {}

  LogicalResult emitFunctions();
  LogicalResult lower();
  OwningOpRef<ModuleOp> take() { return std::move(module); }

private:
  /// No memory is managed inside of a kernel.
  LogicalResult checkMemory();

  OwningOpRef<exec::KernelOp> copy;
  exec::KernelOp kernel;
  const CPUTarget &target;
  OwningOpRef<ModuleOp> module;
  OpBuilder b;
};

} // namespace

LogicalResult KernelCompiler::emitFunctions() {
  OpBuilder::InsertionGuard guard(b);
  std::unique_ptr<KernelWriter> writer = createKernelWriter(kernel, target);
  KernelFunction tiles = createKernelFunction(b, kernel, KernelPart::Tiles);
  FailureOr<Value> count = writer->writeTileCount(b, tiles);
  if (failed(count))
    return failure();
  setTileCount(tiles, *count);
  b.setInsertionPointToEnd(module->getBody());
  KernelFunction run = createKernelFunction(b, kernel, KernelPart::Run);
  FailureOr<int64_t> scratchBytes = writer->writeTile(b, run);
  if (failed(scratchBytes))
    return failure();
  PassManager hoisting(kernel.getContext());
  hoisting.addPass(createHoistFaults());
  if (failed(hoisting.run(*module)))
    return failure();
  lowerFaults(run.function);
  module.get()->setAttr(scratchBytesAttrName, b.getI64IntegerAttr(*scratchBytes));
  return checkMemory();
}

LogicalResult KernelCompiler::checkMemory() {
  WalkResult found = module->walk([&](Operation *op) {
    if (!isa<memref::AllocOp, memref::CopyOp>(op))
      return WalkResult::advance();
    op->emitError("is not allowed in a kernel");
    return WalkResult::interrupt();
  });
  return failure(found.wasInterrupted());
}

LogicalResult KernelCompiler::lower() {
  module->walk([](func::FuncOp function) { lowerAddresses(function); });
  PassManager passes(kernel.getContext());
  buildLowerToLLVM(passes, target);
  return passes.run(*module);
}

OwningOpRef<ModuleOp> cpu::compileKernel(exec::KernelOp kernel, const CPUTarget &target, KernelStage stage) {
  KernelCompiler compiler(kernel, target);
  if (failed(compiler.emitFunctions()) || (stage == KernelStage::LLVM && failed(compiler.lower())))
    return {};
  return compiler.take();
}
