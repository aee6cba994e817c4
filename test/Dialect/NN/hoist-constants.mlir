// RUN: nncc-opt %s --nn-hoist-constants | FileCheck %s

// CHECK-LABEL: func.func private @weights
// CHECK: %[[W:.*]] = nn.weight "m.onnx"[64, 24]
// CHECK: %[[T:.*]] = nn.transpose %[[W]]
// CHECK: return %[[T]]

// CHECK-LABEL: func.func @main
// A scalar stays in the program, a weight becomes a result of @weights.
// CHECK-DAG: nn.constant dense<2.0
// CHECK-DAG: nn.folded 0 : tensor<2x3xf32>
// CHECK-NOT: nn.weight
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = nn.weight "m.onnx"[64, 24] : tensor<3x2xf32>
  %t = nn.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  %c = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.add %x, %t : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  %1 = nn.mul %0, %c : tensor<2x3xf32>, tensor<f32> -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}
