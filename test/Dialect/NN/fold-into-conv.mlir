// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-fold-into-conv,canonicalize))' | FileCheck %s

// CHECK-LABEL: func.func @batch_norm
// CHECK-DAG: %[[G:.*]] = nn.mul %{{.*}}, %{{.*}} : tensor<2x3x3x3xf32>, tensor<2x1x1x1xf32> -> tensor<2x3x3x3xf32>
// CHECK-DAG: %[[B:.*]] = nn.reshape %{{.*}} : tensor<2x1x1xf32>, tensor<1xi64> -> tensor<2xf32>
// CHECK: %[[C:.*]] = nn.conv %arg0, %[[G]] bias %[[B]] : tensor<2xf32> {{.*}}pads = array<i64: 1, 1, 1, 1>
// CHECK-NEXT: return %[[C]]
func.func @batch_norm(%x: tensor<1x3x8x8xf32>) -> tensor<1x2x8x8xf32> {
  %pads = nn.constant dense<[0, 0, 1, 1, 0, 0, 1, 1]> : tensor<8xi64>
  %f = nn.weight "m.onnx"[0, 216] : tensor<2x3x3x3xf32>
  %s = nn.weight "m.onnx"[216, 8] : tensor<2x1x1xf32>
  %o = nn.weight "m.onnx"[224, 8] : tensor<2x1x1xf32>
  %0 = nn.pad %x, %pads "constant" : tensor<1x3x8x8xf32>, tensor<8xi64> -> tensor<1x3x10x10xf32>
  %1 = nn.conv %0, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : tensor<1x3x10x10xf32>, tensor<2x3x3x3xf32> -> tensor<1x2x8x8xf32>
  %2 = nn.mul %1, %s : tensor<1x2x8x8xf32>, tensor<2x1x1xf32> -> tensor<1x2x8x8xf32>
  %3 = nn.add %2, %o : tensor<1x2x8x8xf32>, tensor<2x1x1xf32> -> tensor<1x2x8x8xf32>
  return %3 : tensor<1x2x8x8xf32>
}

// A factor along the width is none of the filter; nor is one that is known only at run time.
// CHECK-LABEL: func.func @other_factors
// CHECK: nn.conv %arg0
// CHECK: nn.mul
// CHECK: nn.mul
func.func @other_factors(%x: tensor<1x3x8x8xf32>, %t: tensor<2x1x1xf32>) -> tensor<1x2x8x8xf32> {
  %f = nn.weight "m.onnx"[0, 24] : tensor<2x3x1x1xf32>
  %s = nn.weight "m.onnx"[24, 32] : tensor<8xf32>
  %0 = nn.conv %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x8x8xf32>
  %1 = nn.mul %0, %s : tensor<1x2x8x8xf32>, tensor<8xf32> -> tensor<1x2x8x8xf32>
  %2 = nn.mul %1, %t : tensor<1x2x8x8xf32>, tensor<2x1x1xf32> -> tensor<1x2x8x8xf32>
  return %2 : tensor<1x2x8x8xf32>
}

// Who else reads the convolution wants it without the factor.
// CHECK-LABEL: func.func @two_users
// CHECK: %[[C:.*]] = nn.conv
// CHECK: nn.mul %[[C]]
func.func @two_users(%x: tensor<1x3x8x8xf32>) -> (tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>) {
  %f = nn.weight "m.onnx"[0, 24] : tensor<2x3x1x1xf32>
  %s = nn.weight "m.onnx"[24, 8] : tensor<2x1x1xf32>
  %0 = nn.conv %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : tensor<1x3x8x8xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x8x8xf32>
  %1 = nn.mul %0, %s : tensor<1x2x8x8xf32>, tensor<2x1x1xf32> -> tensor<1x2x8x8xf32>
  return %0, %1 : tensor<1x2x8x8xf32>, tensor<1x2x8x8xf32>
}

// CHECK-LABEL: func.func @mean_of_padded
// CHECK: nn.pool "average" %arg0 {{.*}}count_include_pad = true{{.*}}pads = array<i64: 1, 1, 0, 0>
func.func @mean_of_padded(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  %pads = nn.constant dense<[0, 0, 1, 1, 0, 0, 0, 0]> : tensor<8xi64>
  %0 = nn.pad %x, %pads "constant" : tensor<1x3x8x8xf32>, tensor<8xi64> -> tensor<1x3x9x9xf32>
  %1 = nn.pool "average" %0 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : tensor<1x3x9x9xf32> -> tensor<1x3x8x8xf32>
  return %1 : tensor<1x3x8x8xf32>
}

// Mirrored pads are no zeros.
// CHECK-LABEL: func.func @mirrored
// CHECK: nn.pad
// CHECK: pads = array<i64: 0, 0, 0, 0>
func.func @mirrored(%x: tensor<1x3x8x8xf32>) -> tensor<1x2x10x10xf32> {
  %pads = nn.constant dense<[0, 0, 1, 1, 0, 0, 1, 1]> : tensor<8xi64>
  %f = nn.weight "m.onnx"[0, 24] : tensor<2x3x1x1xf32>
  %0 = nn.pad %x, %pads "reflect" : tensor<1x3x8x8xf32>, tensor<8xi64> -> tensor<1x3x10x10xf32>
  %1 = nn.conv %0, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : tensor<1x3x10x10xf32>, tensor<2x3x1x1xf32> -> tensor<1x2x10x10xf32>
  return %1 : tensor<1x2x10x10xf32>
}
