//===- EmitKernels.cpp - all kernels of a module become functions of the device and the host ----------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/GPU/CompileKernel.h"
#include "nncc/GPU/Passes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

#define DEBUG_TYPE "gpu-emit-kernels"

namespace nncc::gpu {
#define GEN_PASS_DEF_EMITKERNELS
#include "nncc/GPU/Passes.h.inc"
} // namespace nncc::gpu

namespace {

class EmitKernelsPass : public nncc::gpu::impl::EmitKernelsBase<EmitKernelsPass> {
public:
  using EmitKernelsBase::EmitKernelsBase;

  void runOnOperation() override {
    GPUTarget target;
    target.sm = sm;
    target.optLevel = opt;
    target.tf32 = tf32;
    KernelStage last = stage == "loops" ? KernelStage::Loops : KernelStage::LLVM;
    for (auto kernel : llvm::make_early_inc_range(getOperation().getOps<exec::KernelOp>())) {
      FailureOr<CompiledKernel> code = compileKernel(kernel, target, last);
      if (failed(code))
        return signalPassFailure();
      OpBuilder b(kernel);
      code->device->setSymName((kernel.getSymName() + ".device").str());
      code->host->setSymName((kernel.getSymName() + ".host").str());
      b.insert(code->device.release());
      b.insert(code->host.release());
      kernel.erase();
    }
  }
};

} // namespace
