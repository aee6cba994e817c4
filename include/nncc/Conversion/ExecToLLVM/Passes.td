//===- Passes.td - the schedule to the LLVM dialect --------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_CONVERSION_EXECTOLLVM_PASSES_TD
#define NNCC_CONVERSION_EXECTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertExecToLLVM : Pass<"convert-exec-to-llvm", "::mlir::ModuleOp"> {
  let summary = "The schedule becomes the functions `run` and `sizes` that nnccrt/abi.h describes";
  let description = [{
    Everything that the schedule asks for goes through the table of services in its frame; what a service returns is checked at
    once. A memref is an address and its dynamic sizes. The number of a kernel is its place among the kernels of the module, which
    are compiled apart and not in the result.

    The module has the attributes `exec.symbols` (names, in the order of the descriptor), `exec.plan`, and, if there are weights,
    `exec.weight_offsets` (see WeightLayout.h).

    ```mlir
    exec.kernel @k0_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    func.func @main(%x: memref<8xf32>) {
      %0 = exec.output 0() : memref<8xf32>
      exec.launch @k0_exp(%x) outs(%0 : memref<8xf32>) : (memref<8xf32>) -> ()
      return
    }
    ```
    becomes
    ```mlir
    llvm.func @run(%frame: !llvm.ptr) -> i32 {
      ..
      %output = llvm.call %services.output(%frame, %zero, %sizes) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> !llvm.ptr
      %failed = llvm.icmp "eq" %output, %null : !llvm.ptr
      llvm.cond_br %failed, ^end(%minus_one : i32), ^next
      ..
      %status = llvm.call %services.launch(%frame, %kernel, %args) : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr) -> i32
      ..
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::cf::ControlFlowDialect", "::mlir::arith::ArithDialect"];
}

#endif // NNCC_CONVERSION_EXECTOLLVM_PASSES_TD
