// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize | FileCheck %s

// Two reductions and rows around them, all over the same loops.
// CHECK-LABEL: func.func @layer_norm
// CHECK-COUNT-2: iterator_types = ["parallel", "reduction"]
// CHECK: math.sqrt
// CHECK-NOT: arith.truncf
func.func @layer_norm(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %0 = nn.layer_norm %x scale %s : tensor<8xf32> bias %b : tensor<8xf32> axis 1 epsilon 1.0e-05 : tensor<4x8xf32> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// In f32, rounded once.
// CHECK-LABEL: func.func @rms_norm_of_halves
// CHECK: arith.extf
// CHECK-COUNT-1: iterator_types = ["parallel", "reduction"]
// CHECK: arith.truncf
// CHECK-NOT: arith.truncf
func.func @rms_norm_of_halves(%x: tensor<?x8xf16, #nn.dims<"n", "">>, %s: tensor<8xf16>) -> tensor<?x8xf16, #nn.dims<"n", "">> {
  %0 = nn.rms_norm %x scale %s : tensor<8xf16> axis 1 epsilon 1.0e-05
    : tensor<?x8xf16, #nn.dims<"n", "">> -> tensor<?x8xf16, #nn.dims<"n", "">>
  return %0 : tensor<?x8xf16, #nn.dims<"n", "">>
}
