//===- Passes.td - passes on nn ----------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_TRANSFORMS_PASSES_TD
#define NNCC_DIALECT_NN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def InferShapes : Pass<"nn-infer-shapes", "::mlir::func::FuncOp"> {
  let summary = "Refines result types from operand types, in program order";
  let description = [{
    Rewrites make operands more precise; this carries the news to all users, to the function's results, and through control flow.

    ```mlir
    %1 = nn.relu %0 : tensor<4xf32> -> tensor<?xf32>
    ```
    becomes
    ```mlir
    %1 = nn.relu %0 : tensor<4xf32> -> tensor<4xf32>
    ```
  }];
}

def FoldShapes : Pass<"nn-fold-shapes", "::mlir::func::FuncOp"> {
  let summary = "Replaces what computes a known shape by a constant";
  let description = [{
    Exporters write dozens of Shape-Gather-Concat chains. Where all elements of a small integer tensor are known numbers, the chain
    becomes one constant and dies.

    ```mlir
    %0 = nn.shape_of %x : tensor<2x3xf32> -> tensor<2xi64>
    %1 = nn.concat %0, %c axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<3xi64>
    ```
    becomes
    ```mlir
    %1 = nn.constant dense<[2, 3, 4]> : tensor<3xi64>
    ```
  }];
}

def HoistConstants : Pass<"nn-hoist-constants", "::mlir::ModuleOp"> {
  let summary = "Moves what depends on constants alone into @weights, which is run while compiling";
  let description = [{
    Results above `max-bytes` that are larger than what they are made of (ConstantOfShape, Expand, Tile, Range) stay where they are: a
    small model must not become a huge object.

    ```mlir
    func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
      %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
      %0 = nn.add %x, %t : ...
    ```
    becomes
    ```mlir
    func.func @weights() -> tensor<2x3xf32> {
      %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
      %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
      return %t
    }
    func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %t = nn.folded 0 : tensor<2x3xf32>
      %0 = nn.add %x, %t : ...
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "16 << 20", "size up to which a result may be larger than its operands">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

#endif // NNCC_DIALECT_NN_TRANSFORMS_PASSES_TD
