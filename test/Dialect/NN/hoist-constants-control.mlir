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
func.func @main(%n: tensor<i64>, %x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
  %true = nn.constant dense<true> : tensor<i1>
  %0 = nn.loop trips %n : tensor<i64> carries %x : tensor<2x3xf32> -> tensor<2x3xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<2x3xf32>):
    %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
    %1 = nn.add %v, %t : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
    nn.yield %true, %1 : tensor<i1>, tensor<2x3xf32>
  }
  return %0 : tensor<2x3xf32>
}
