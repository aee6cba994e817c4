//===- Passes.td - passes on the exec level ----------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_TD
#define NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FormKernels : Pass<"exec-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Every computation on tensors moves into a kernel, which the function launches";
  let description = [{
    What the function computed with `linalg.generic`, `linalg.fill`, `exec.matmul`, `exec.conv` and `exec.grid` is grouped and moved into
    `exec.kernel`s. Reshapes, arithmetic on sizes, reads of single elements and control flow stay: the function is the schedule now.

    ```mlir
    func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
      %init = tensor.empty() : tensor<8xf32>
      %0 = linalg.generic {..} ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) { .. math.exp .. } -> tensor<8xf32>
      return %0 : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    exec.kernel @k0_exp(%arg0: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: 0>} {
      %init = tensor.empty() : tensor<8xf32>
      %0 = linalg.generic {..} ins(%arg0 : tensor<8xf32>) outs(%init : tensor<8xf32>) { .. math.exp .. } -> tensor<8xf32>
      exec.yield %0 : tensor<8xf32>
    }
    func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
      %0 = exec.launch @k0_exp(%x) : (tensor<8xf32>) -> tensor<8xf32>
      return %0 : tensor<8xf32>
    }
    ```
  }];
  let options = [
    Option<"fuse", "fuse", "bool", /*default=*/"true", "Group operations into kernels; false: one kernel for each">
  ];
  let dependentDialects = ["::nncc::exec::ExecDialect"];
}

def MergeKernels : Pass<"exec-merge-kernels", "::mlir::ModuleOp"> {
  let summary = "Kernels with the same body become one";
  let description = [{
    The twelve layers of a transformer give one set of kernels. Locations do not count: the kernel that stays is located at all of them. The
    kernels are numbered anew.

    ```mlir
    exec.kernel @k0_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    exec.kernel @k1_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    .. exec.launch @k0_exp(%a) .. exec.launch @k1_exp(%b)
    ```
    becomes
    ```mlir
    exec.kernel @k0_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    .. exec.launch @k0_exp(%a) .. exec.launch @k0_exp(%b)
    ```
  }];
}

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_TD
