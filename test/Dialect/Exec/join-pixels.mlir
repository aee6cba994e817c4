// RUN: nncc-opt %s --exec-join-pixels | FileCheck %s

// Four pixels of four channels fill a vector: the filter has 5 + 3 taps across, the stride is four times as long.

// CHECK-LABEL: func.func private @weights
// CHECK:         linalg.generic
// CHECK:           %[[TAP:.*]] = arith.subi
// CHECK:           arith.cmpi ult, %[[TAP]], %c5
// CHECK:         return %{{.*}}, %{{.*}} : tensor<1x5x5x16x4xf32>, tensor<1x5x8x16x16xf32>

// CHECK-LABEL: func.func @main
// CHECK:         %[[BIAS:.*]] = arith.constant dense<[1.0{{.*}}, 2.0{{.*}}, 3.0{{.*}}, 4.0{{.*}}, 1.0{{.*}}, 2.0
// CHECK:         %[[W:.*]] = exec.weight 1 : tensor<1x5x8x16x16xf32>
// CHECK:         %[[WIDE:.*]] = exec.conv %arg0, %[[W]] bias(%[[BIAS]] : tensor<16xf32>) {{.*}}strides = array<i64: 1, 4>{{.*}} -> tensor<?x64x16x16xf32>
// CHECK:         %[[APART:.*]] = tensor.expand_shape %[[WIDE]] {{\[\[}}0], [1], [2], [3, 4]]
// CHECK:         %[[RESULT:.*]] = tensor.collapse_shape %[[APART]] {{\[\[}}0], [1], [2, 3], [4]]
// CHECK:         return %[[RESULT]]
func.func private @weights() -> tensor<1x5x5x16x4xf32> {
  %w = arith.constant dense<1.0> : tensor<1x5x5x16x4xf32>
  return %w : tensor<1x5x5x16x4xf32>
}
func.func @main(%x: tensor<?x64x64x16xf32>, %n: index) -> tensor<?x64x64x4xf32> {
  %w = exec.weight 0 : tensor<1x5x5x16x4xf32>
  %bias = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %e = tensor.empty(%n) : tensor<?x64x64x4xf32>
  %0 = exec.conv %x, %w bias(%bias : tensor<4xf32>) outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>, groups = 1 : i64}
      : tensor<?x64x64x16xf32>, tensor<1x5x5x16x4xf32>, tensor<?x64x64x4xf32> -> tensor<?x64x64x4xf32>
  return %0 : tensor<?x64x64x4xf32>
}

// A filter of one tap across gains nothing, many outputs fill vectors by themselves.

// CHECK-LABEL: func.func @no_gain
// CHECK-COUNT-2: exec.conv {{.*}}strides = array<i64: 1, 1>
func.func @no_gain(%x: tensor<1x64x64x16xf32>) -> (tensor<1x64x64x4xf32>, tensor<1x64x64x16xf32>) {
  %w = exec.weight 0 : tensor<1x5x1x16x4xf32>
  %v = exec.weight 0 : tensor<1x5x5x16x16xf32>
  %e = tensor.empty() : tensor<1x64x64x4xf32>
  %f = tensor.empty() : tensor<1x64x64x16xf32>
  %0 = exec.conv %x, %w outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 2, 0, 2, 0>, groups = 1 : i64}
      : tensor<1x64x64x16xf32>, tensor<1x5x1x16x4xf32>, tensor<1x64x64x4xf32> -> tensor<1x64x64x4xf32>
  %1 = exec.conv %x, %v outs(%f) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 2, 2, 2, 2>, groups = 1 : i64}
      : tensor<1x64x64x16xf32>, tensor<1x5x5x16x16xf32>, tensor<1x64x64x16xf32> -> tensor<1x64x64x16xf32>
  return %0, %1 : tensor<1x64x64x4xf32>, tensor<1x64x64x16xf32>
}
