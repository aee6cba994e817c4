// RUN: nncc-opt %s --nn-hoist-constants | FileCheck %s

// What a branch or a body computes from constants alone is computed while compiling, once.
// CHECK-LABEL: func.func private @weights
// CHECK: %[[W:.*]] = nn.weight "m.onnx"[64, 24]
// CHECK: %[[T:.*]] = nn.transpose %[[W]]
// CHECK: return %[[T]]

// CHECK-LABEL: func.func @main
// CHECK: nn.loop
// CHECK-NOT: nn.transpose
// CHECK: %[[F:.*]] = nn.folded 0 : tensor<2x3xf32>
// CHECK: nn.add %{{.*}}, %[[F]]
// CHECK: nn.if
// CHECK:   nn.yield %{{.*}} : tensor<f32>
func.func @main(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<f32>) {
  %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
  %true = nn.constant dense<true> : tensor<i1>
  %0 = nn.loop trips %n : tensor<i64> carries %x : tensor<2x3xf32> -> tensor<2x3xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<2x3xf32>):
    %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
    %1 = nn.add %v, %t : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
    nn.yield %true, %1 : tensor<i1>, tensor<2x3xf32>
  }
  %zero = nn.constant dense<0.0> : tensor<f32>
  %2 = nn.if %c : tensor<i1> -> tensor<f32> {
    nn.yield %zero : tensor<f32>
  } else {
    %3 = nn.reduce "max" %x axes [0, 1] : tensor<2x3xf32> -> tensor<f32>
    nn.yield %3 : tensor<f32>
  }
  return %0, %2 : tensor<2x3xf32>, tensor<f32>
}
