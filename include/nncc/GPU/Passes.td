//===- Passes.td - passes that make kernel bodies for GPUs ----------------------------------------------------------------===//

#ifndef NNCC_GPU_PASSES
#define NNCC_GPU_PASSES

include "mlir/Pass/PassBase.td"

def EmitKernels : Pass<"gpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Each exec.kernel becomes functions of the device and of the host";
  let description = [{
    What `nncc::gpu::compileKernel` does with one kernel, for all kernels of a module, for tests: the code of each comes in two modules,
    `@NAME.device` and `@NAME.host`, in the place of the kernel. `stage=loops` stops before the LLVM dialect. A kernel is launched
    in one or more phases, of which each is a function `NAME$I` of the device and a function `NAME.I.shape` of the host that computes
    how many blocks and threads it takes.

    ```mlir
    exec.kernel @k(%x: tensor<1024xf32>) -> tensor<1024xf32> {
      %init = tensor.empty() : tensor<1024xf32>
      %0 = linalg.generic {..} ins(%x : tensor<1024xf32>) outs(%init : tensor<1024xf32>) { .. arith.negf .. } -> tensor<1024xf32>
      exec.yield %0 : tensor<1024xf32>
    }
    ```
    becomes, with `stage=loops`
    ```mlir
    module @k.device {
      func.func @k(%fault: !llvm.ptr, %x: !llvm.ptr {..}, %result: !llvm.ptr {..}, %workspace: !llvm.ptr) {
        %0 = nvvm.read.ptx.sreg.ctaid.x : i32
        %1 = nvvm.read.ptx.sreg.tid.x : i32
        .. memref.load .. arith.negf .. memref.store ..
      }
    }
    module @k.host {
      func.func @k.shape(%args: !llvm.ptr, %launch: !llvm.ptr) { .. llvm.store .. }
    }
    ```
  }];
  let options = [
    Option<"sm", "sm", "unsigned", "80", "Compute capability: 35 to 120">,
    Option<"tf32", "tf32", "bool", "false", "Products of f32 with operands rounded to tf32, from sm_80 on">,
    Option<"opt", "opt", "unsigned", "3", "0: one op after the other">,
    Option<"stage", "stage", "std::string", "\"llvm\"", "Where to stop: loops or llvm">
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::func::FuncDialect", "::mlir::index::IndexDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect", "::mlir::vector::VectorDialect"];
}

#endif // NNCC_GPU_PASSES
