// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Sines and cosines are tables; half of the spectrum has 5 elements.
// CHECK-LABEL: func.func @dft
// CHECK: math.cos
// CHECK: math.sin
// CHECK: exec.grid({{.*}}) ins({{.*}} : tensor<2x8x1x1xf32>, tensor<8xf64>, tensor<8xf64>) outs({{.*}} : tensor<2x5x1x2xf32>)
func.func @dft(%x: tensor<2x8x1xf32>) -> tensor<2x5x2xf32> {
  %n = nn.constant dense<8> : tensor<i64>
  %axis = nn.constant dense<1> : tensor<i64>
  %0 = nn.dft "half" %x length %n axis %axis : tensor<2x8x1xf32>, tensor<i64>, tensor<i64> -> tensor<2x5x2xf32>
  return %0 : tensor<2x5x2xf32>
}

// CHECK-LABEL: func.func @det
// CHECK: exec.grid(%{{.*}}) outs({{.*}} : tensor<6x3x3xf64>, tensor<6xf32>)
func.func @det(%x: tensor<2x3x3x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.det %x : tensor<2x3x3x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
