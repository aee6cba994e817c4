//===- Passes.td - nn to linalg ----------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_CONVERSION_NNTOLINALG_PASSES_TD
#define NNCC_CONVERSION_NNTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNNToLinalg : Pass<"convert-nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Computations of nn become linalg.generic, exec roots and arithmetic on sizes";
  let description = [{
    Every function becomes a flat list of tensor operations that FormKernels can group. Encodings are gone behind it: a symbolic size is
    arithmetic on `exec.symbol`. Unsigned integers become signless, i1 tensors become i8 tensors of 0 and 1.

    ```mlir
    %0 = nn.add %a, %b : tensor<?x4xf32, #nn.dims<"n", "">>, tensor<4xf32> -> tensor<?x4xf32, #nn.dims<"n", "">>
    ```
    becomes
    ```mlir
    %n = exec.symbol "n"
    %init = tensor.empty(%n) : tensor<?x4xf32>
    %0 = linalg.generic {indexing_maps = [(d0, d1) -> (d0, d1), (d0, d1) -> (d1), (d0, d1) -> (d0, d1)], ...}
         ins(%a, %b : tensor<?x4xf32>, tensor<4xf32>) outs(%init : tensor<?x4xf32>) { ... arith.addf ... }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
    "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect", "::mlir::affine::AffineDialect", "::nncc::exec::ExecDialect"
  ];
}

#endif // NNCC_CONVERSION_NNTOLINALG_PASSES_TD
