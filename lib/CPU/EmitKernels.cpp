//===- EmitKernels.cpp - all kernels of a module become functions on memory ---------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/CPU/CompileKernel.h"
#include "nncc/CPU/Passes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

#define DEBUG_TYPE "cpu-emit-kernels"

namespace nncc::cpu {
#define GEN_PASS_DEF_EMITKERNELS
#include "nncc/CPU/Passes.h.inc"
} // namespace nncc::cpu

namespace {

class EmitKernelsPass : public cpu::impl::EmitKernelsBase<EmitKernelsPass> {
public:
  using EmitKernelsBase::EmitKernelsBase;

  void runOnOperation() override {
    CPUTarget target;
    target.vectorBits = llvm::StringSwitch<unsigned>(cpu).Case("x86-64-v4", 512).Case("x86-64-v3", 256).Default(128);
    target.hasFMA = target.vectorBits > 128;
    target.optLevel = opt;
    KernelStage last = stage == "vector" ? KernelStage::Vector : KernelStage::LLVM;
    for (auto kernel : llvm::make_early_inc_range(getOperation().getOps<exec::KernelOp>())) {
      OwningOpRef<ModuleOp> code = compileKernel(kernel, target, last);
      if (!code)
        return signalPassFailure();
      OpBuilder(kernel).insert(code.release());
      kernel.erase();
    }
  }
};

} // namespace
