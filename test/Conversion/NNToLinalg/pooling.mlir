// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// What is outside is -inf, so that it is never the maximum.
// CHECK-LABEL: func.func @max(
// CHECK: %[[OUTSIDE:.*]] = arith.constant 0xFF800000 : f32
// CHECK: scf.yield %[[OUTSIDE]] : f32
// CHECK: linalg.generic
// CHECK-SAME: "reduction", "reduction"]
// CHECK: arith.maximumf
func.func @max(%x: tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32> {
  %0 = nn.pool "max" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : tensor<1x3x6x6xf32> -> tensor<1x3x6x6xf32>
  return %0 : tensor<1x3x6x6xf32>
}

// The divisor is how much of the window is inside.
// CHECK-LABEL: func.func @average_of_what_is_inside(
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK: linalg.index 2
// CHECK: linalg.index 3
// CHECK: arith.divf
func.func @average_of_what_is_inside(%x: tensor<1x3x6x6xf32>) -> tensor<1x3x3x3xf32> {
  %0 = nn.pool "average" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>, strides = array<i64: 2, 2>} : tensor<1x3x6x6xf32> -> tensor<1x3x3x3xf32>
  return %0 : tensor<1x3x3x3xf32>
}

// CHECK-LABEL: func.func @average_of_all(
// CHECK: %[[AREA:.*]] = arith.constant 4.000000e+00 : f32
// CHECK-NOT: linalg.index
// CHECK: arith.divf %{{.*}}, %[[AREA]] : f32
func.func @average_of_all(%x: tensor<1x3x6x6xf32>) -> tensor<1x3x5x5xf32> {
  %0 = nn.pool "average" %x {ceil_mode = false, count_include_pad = true, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x3x6x6xf32> -> tensor<1x3x5x5xf32>
  return %0 : tensor<1x3x5x5xf32>
}

// CHECK-LABEL: func.func @where_the_maximum_is(
// CHECK: exec.grid(%{{.*}}, %{{.*}}, %{{.*}}) ins(%{{.*}} : tensor<1x1x5x5xf32>)
// CHECK: scf.for
// CHECK: arith.cmpf olt
// CHECK: memref.store %{{.*}} : memref<1x1x4x4xi64>
func.func @where_the_maximum_is(%x: tensor<1x1x5x5xf32>) -> tensor<1x1x4x4xi64> {
  %0 = nn.max_pool_indices %x {ceil_mode = false, column_major = false, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x1x5x5xf32> -> tensor<1x1x4x4xi64>
  return %0 : tensor<1x1x4x4xi64>
}
