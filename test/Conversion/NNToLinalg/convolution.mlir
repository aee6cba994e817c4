// RUN: nncc-opt %s --nn-channels-last --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Padding belongs to the convolution.
// CHECK-LABEL: func.func @padded(
// CHECK-NOT: exec.grid
// CHECK: exec.conv
func.func @padded(%x: tensor<1x3x8x8xf32>, %w: tensor<16x3x3x3xf32>) -> tensor<1x16x4x4xf32> {
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 1, 0, 0>, strides = array<i64: 2, 2>} : tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32> -> tensor<1x16x4x4xf32>
  return %0 : tensor<1x16x4x4xf32>
}

// CHECK-LABEL: func.func @depthwise(
// CHECK: exec.symbol "n"
// CHECK: exec.conv
func.func @depthwise(%x: tensor<?x8x6x6xf32, #nn.dims<"n", "", "", "">>, %w: tensor<8x1x3x3xf32>) -> tensor<?x8x4x4xf32, #nn.dims<"n", "", "", "">> {
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 8 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<?x8x6x6xf32, #nn.dims<"n", "", "", "">>, tensor<8x1x3x3xf32> -> tensor<?x8x4x4xf32, #nn.dims<"n", "", "", "">>
  return %0 : tensor<?x8x4x4xf32, #nn.dims<"n", "", "", "">>
}

// CHECK-LABEL: func.func @one_dimension(
// CHECK: exec.conv
func.func @one_dimension(%x: tensor<2x4x9xf32>, %w: tensor<6x2x3xf32>) -> tensor<2x6x5xf32> {
  %0 = nn.conv %x, %w {dilations = array<i64: 2>, groups = 2 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>} : tensor<2x4x9xf32>, tensor<6x2x3xf32> -> tensor<2x6x5xf32>
  return %0 : tensor<2x6x5xf32>
}
