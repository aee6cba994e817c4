// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Two taps an element, written out; rows of the tables are operands.
// CHECK-LABEL: func.func @linear(
// CHECK-NOT: exec.check
// CHECK: linalg.generic
// CHECK-SAME: ins(%arg1, %arg1, %arg2, %arg2 : tensor<2x4xi64>, tensor<2x4xi64>, tensor<2x4xf32>, tensor<2x4xf32>)
// CHECK-COUNT-2: tensor.extract %arg0
// CHECK: arith.addf
func.func @linear(%x: tensor<3x2xf32>, %indices: tensor<2x4xi64>, %weights: tensor<2x4xf32>) -> tensor<3x4xf32> {
  %0 = nn.resample %x, %indices weights %weights : tensor<2x4xf32> axis 1 : tensor<3x2xf32>, tensor<2x4xi64> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// Without weights elements of any type are moved. An index beyond an end takes the element there.
// CHECK-LABEL: func.func @nearest(
// CHECK: exec.check %{{.*}}, "an empty tensor cannot be resized"
// CHECK: %[[FRONT:.*]] = arith.maxsi %{{.*}}, %c0
// CHECK: arith.minsi %[[FRONT]]
// CHECK: tensor.extract
// CHECK-NEXT: linalg.yield
func.func @nearest(%x: tensor<?x2xi8, #nn.dims<"n", "">>, %indices: tensor<1x?xi64>) -> tensor<?x2xi8> {
  %0 = nn.resample %x, %indices axis 0 : tensor<?x2xi8, #nn.dims<"n", "">>, tensor<1x?xi64> -> tensor<?x2xi8>
  return %0 : tensor<?x2xi8>
}

// A wide filter is a reduction.
// CHECK-LABEL: func.func @antialiased(
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: tensor.extract
func.func @antialiased(%x: tensor<3x64xf16>, %indices: tensor<16x8xi64>, %weights: tensor<16x8xf32>) -> tensor<3x8xf16> {
  %0 = nn.resample %x, %indices weights %weights : tensor<16x8xf32> axis 1 : tensor<3x64xf16>, tensor<16x8xi64> -> tensor<3x8xf16>
  return %0 : tensor<3x8xf16>
}
