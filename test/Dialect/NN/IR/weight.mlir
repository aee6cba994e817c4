// RUN: nncc-opt --split-input-file --verify-diagnostics %s | FileCheck %s

// CHECK-LABEL: @round_trip
func.func @round_trip() -> tensor<2x3xf32> {
  // CHECK: nn.weight "model.onnx"[128, 24] : tensor<2x3xf32>
  %0 = nn.weight "model.onnx" [128, 24] : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @too_short() -> tensor<2x3xf32> {
  // expected-error@+1 {{has 20 bytes, its type needs 24 (C1)}}
  %0 = nn.weight "model.onnx" [128, 20] : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @unknown_size() -> tensor<?xf32> {
  // expected-error@+1 {{needs a static shape and numbers (C1), got 'tensor<?xf32>'}}
  %0 = nn.weight "model.onnx" [0, 4] : tensor<?xf32>
  return %0 : tensor<?xf32>
}
