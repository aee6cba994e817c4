// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Axes that are kept come back as a reshape.
// CHECK-LABEL: func.func @sum_keepdims(
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "reduction"]
// CHECK: arith.addf
// CHECK: tensor.expand_shape %{{.*}} output_shape [%{{.*}}, 1]
func.func @sum_keepdims(%x: tensor<?x4xf32, #nn.dims<"n", "">>) -> tensor<?x1xf32, #nn.dims<"n", "">> {
  %0 = nn.reduce "sum" %x axes [1] keepdims : tensor<?x4xf32, #nn.dims<"n", "">> -> tensor<?x1xf32, #nn.dims<"n", "">>
  return %0 : tensor<?x1xf32, #nn.dims<"n", "">>
}

// CHECK-LABEL: func.func @max_of_nothing(
// CHECK: %[[LEAST:.*]] = arith.constant 0xFF800000 : f32
// CHECK: linalg.fill ins(%[[LEAST]] : f32)
func.func @max_of_nothing(%x: tensor<2x0xf32>) -> tensor<2xf32> {
  %0 = nn.reduce "max" %x axes [1] : tensor<2x0xf32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Accumulated in f32, rounded once.
// CHECK-LABEL: func.func @mean_of_small_floats(
// CHECK: linalg.generic
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.divf
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @mean_of_small_floats(%x: tensor<2x8xf16>) -> tensor<2xf16> {
  %0 = nn.reduce "mean" %x axes [1] : tensor<2x8xf16> -> tensor<2xf16>
  return %0 : tensor<2xf16>
}

// CHECK-LABEL: func.func @axes_when_it_runs(
// CHECK: tensor.extract
// CHECK: exec.check %{{.*}}, "an axis of a reduction is out of range"
// CHECK: exec.grid
func.func @axes_when_it_runs(%x: tensor<3x2xf32>, %axes: tensor<1xi64>) -> tensor<?x?xf32> {
  %0 = nn.reduce_axes "sum" %x, %axes : tensor<3x2xf32>, tensor<1xi64> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// First the best element, then where it is: of equal ones the last, of NaNs any.
// CHECK-LABEL: func.func @arg_max(
// CHECK: arith.maximumf
// CHECK: linalg.index 1
// CHECK: arith.cmpf oeq
// CHECK: arith.cmpf uno
// CHECK: arith.maxsi
func.func @arg_max(%x: tensor<2x3x4xf32>) -> tensor<2x1x4xi64> {
  %0 = nn.arg_reduce "max" %x axis 1 keepdims last : tensor<2x3x4xf32> -> tensor<2x1x4xi64>
  return %0 : tensor<2x1x4xi64>
}
