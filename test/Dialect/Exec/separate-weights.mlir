// RUN: nncc-opt %s --exec-separate-weights | FileCheck %s

// CHECK: module @weights attributes {exec.inputs = [{name = "file0", type = tensor<8xf32>}], exec.outputs = [{name = "weight0", type = tensor<8xf32>}]
// CHECK: func.func @main(%[[X:.*]]: tensor<8xf32> {exec.file = "m.onnx", exec.length = 32 : i64, exec.offset = 64 : i64})
// CHECK: return %[[X]]
// CHECK: func.func @main()
// CHECK: exec.weight 0
func.func private @weights() -> tensor<8xf32> {
  %0 = exec.file "m.onnx" [64, 32] : tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func @main() -> tensor<8xf32> {
  %0 = exec.weight 0 : tensor<8xf32>
  return %0 : tensor<8xf32>
}
