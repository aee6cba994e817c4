// RUN: nncc-opt %s --allow-unregistered-dialect --exec-pack-weights --canonicalize --exec-form-kernels | FileCheck %s

// Weights of both phases become panels of 16 columns, and the layer a kernel of its own. What nobody asks for, it does not yield.
// CHECK: func.func private @weights() -> (tensor<1x1x8x16xf32>, tensor<1x1x8x16xf32>)
// CHECK: exec.kernel @[[KERNEL:.*]](%{{.*}}: tensor<5x1x24xf32>, %{{.*}}: tensor<1x1x8x16xf32>, %{{.*}}: tensor<1x1x8x16xf32>) -> tensor<1x1x8xf32>
// CHECK: exec.recurrence{{.*}}packed
// CHECK: func.func @main
// CHECK: exec.launch @[[KERNEL]]
func.func private @weights() -> (tensor<1x8x16xf32>, tensor<1x8x8xf32>) {
  %0 = "test.first"() : () -> tensor<1x8x16xf32>
  %1 = "test.second"() : () -> tensor<1x8x8xf32>
  return %0, %1 : tensor<1x8x16xf32>, tensor<1x8x8xf32>
}

func.func @main(%x: tensor<5x1x24xf32>) -> tensor<1x1x8xf32> {
  %a = exec.weight 0 : tensor<1x8x16xf32>
  %b = exec.weight 1 : tensor<1x8x8xf32>
  %y0 = tensor.empty() : tensor<5x1x1x8xf32>
  %h0 = tensor.empty() : tensor<1x1x8xf32>
  %y, %h = exec.recurrence (%x : tensor<5x1x24xf32>) weights(%a, %b : tensor<1x8x16xf32>, tensor<1x8x8xf32>)
      outs(%y0, %h0 : tensor<5x1x1x8xf32>, tensor<1x1x8xf32>)
      attributes {gates = array<i64: 2, 1>, hidden = 8 : i64, reverse = array<i1: false>} {
  ^bb0(%x0: f32, %x1: f32, %x2: f32, %s0: f32, %s1: f32, %state: f32):
    %0 = arith.mulf %s0, %state : f32
    exec.yield %0, %s1 : f32, f32
  }, {
  ^bb0(%x0: f32, %x1: f32, %x2: f32, %s: f32, %state: f32, %q: f32, %z: f32):
    %0 = arith.addf %s, %z : f32
    exec.yield %0 : f32
  } -> tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
  return %h : tensor<1x1x8xf32>
}
