// RUN: nncc-opt %s -exec-merge-kernels | FileCheck %s

// CHECK:     exec.kernel @k0_fill
// CHECK:     exec.kernel @k1_fill
// CHECK-NOT: exec.kernel
// CHECK:     func.func @main
// CHECK:     exec.launch @k0_fill()
// CHECK:     exec.launch @k1_fill()
// CHECK:     exec.launch @k0_fill()
exec.kernel @k0_fill() -> tensor<8xf32> {
  %c = arith.constant 1.0 : f32
  %init = tensor.empty() : tensor<8xf32>
  %0 = linalg.fill ins(%c : f32) outs(%init : tensor<8xf32>) -> tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}
exec.kernel @k3_fill() -> tensor<8xf32> {
  %c = arith.constant 2.0 : f32
  %init = tensor.empty() : tensor<8xf32>
  %0 = linalg.fill ins(%c : f32) outs(%init : tensor<8xf32>) -> tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}
exec.kernel @k4_fill() -> tensor<8xf32> {
  %other = arith.constant 1.0 : f32
  %start = tensor.empty() : tensor<8xf32>
  %filled = linalg.fill ins(%other : f32) outs(%start : tensor<8xf32>) -> tensor<8xf32>
  exec.yield %filled : tensor<8xf32>
}
func.func @main() -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %0 = exec.launch @k0_fill() : () -> tensor<8xf32>
  %1 = exec.launch @k3_fill() : () -> tensor<8xf32>
  %2 = exec.launch @k4_fill() : () -> tensor<8xf32>
  return %0, %1, %2 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}
