// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-integer-arithmetic,canonicalize))' | FileCheck %s

// As exporters write a convolution: all of it dequantised, and the result quantised. The bound of the relu is the end of the range.
// CHECK-LABEL: func.func @conv
// CHECK-DAG: %[[FACTOR:.*]] = nn.constant dense<2.000000e+00> : tensor<f32>
// CHECK-DAG: %[[WIDE:.*]] = nn.cast %arg1
// CHECK-DAG: %[[SUM:.*]] = nn.reduce "sum" %[[WIDE]] axes [1, 2, 3]
// CHECK: %[[BIAS:.*]] = nn.sub %arg2,
// CHECK: %[[C:.*]] = nn.conv %arg0, %arg1 bias %[[BIAS]] : tensor<4xi32> outside %{{.*}} : tensor<ui8>
// CHECK-SAME: tensor<1x3x8x8xui8>, tensor<4x3x3x3xi8> -> tensor<1x4x8x8xi32>
// CHECK: %[[R:.*]] = nn.requantize %[[C]], %[[FACTOR]] zero
// CHECK-NEXT: return %[[R]]
func.func @conv(%x: tensor<1x3x8x8xui8>, %w: tensor<4x3x3x3xi8>, %b: tensor<4xi32>) -> tensor<1x4x8x8xui8> {
  %sx = nn.constant dense<0.5> : tensor<f32>
  %zx = nn.constant dense<128> : tensor<ui8>
  %sw = nn.constant dense<0.25> : tensor<f32>
  %zw = nn.constant dense<0> : tensor<i8>
  %sb = nn.constant dense<0.125> : tensor<f32>
  %sy = nn.constant dense<0.0625> : tensor<f32>
  %zy = nn.constant dense<0> : tensor<ui8>
  %0 = nn.dequantize %x, %sx zero %zx : tensor<ui8> : tensor<1x3x8x8xui8>, tensor<f32> -> tensor<1x3x8x8xf32>
  %1 = nn.dequantize %w, %sw zero %zw : tensor<i8> : tensor<4x3x3x3xi8>, tensor<f32> -> tensor<4x3x3x3xf32>
  %2 = nn.dequantize %b, %sb : tensor<4xi32>, tensor<f32> -> tensor<4xf32>
  %3 = nn.conv %0, %1 bias %2 : tensor<4xf32> {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64} : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32> -> tensor<1x4x8x8xf32>
  %4 = nn.relu %3 : tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  %5 = nn.quantize %4, %sy zero %zy : tensor<ui8> to ui8 : tensor<1x4x8x8xf32>, tensor<f32> -> tensor<1x4x8x8xui8>
  return %5 : tensor<1x4x8x8xui8>
}

// A scale for each column, a zero point that is not the end of the range, and a bias of another scale.
// CHECK-LABEL: func.func @matmul
// CHECK: %[[S:.*]] = nn.mul %arg2, %{{.*}} : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
// CHECK: %[[M:.*]] = nn.matmul %arg0, %arg1 : tensor<4x8xui8>, tensor<8x2xi8> -> tensor<4x2xi32>
// CHECK: %[[D:.*]] = nn.dequantize %[[M]], %[[S]]
// CHECK: %[[A:.*]] = nn.add %[[D]], %arg3
// CHECK: %[[Q:.*]] = nn.quantize %[[A]]
// CHECK: return %[[Q]]
func.func @matmul(%x: tensor<4x8xui8>, %w: tensor<8x2xi8>, %sw: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<4x2xi8> {
  %sx = nn.constant dense<0.5> : tensor<f32>
  %zy = nn.constant dense<3> : tensor<i8>
  %0 = nn.dequantize %x, %sx : tensor<4x8xui8>, tensor<f32> -> tensor<4x8xf32>
  %1 = nn.dequantize %w, %sw : tensor<8x2xi8>, tensor<2xf32> -> tensor<8x2xf32>
  %2 = nn.matmul %0, %1 : tensor<4x8xf32>, tensor<8x2xf32> -> tensor<4x2xf32>
  %3 = nn.add %2, %b : tensor<4x2xf32>, tensor<2xf32> -> tensor<4x2xf32>
  %4 = nn.quantize %3, %sx zero %zy : tensor<i8> to i8 : tensor<4x2xf32>, tensor<f32> -> tensor<4x2xi8>
  return %4 : tensor<4x2xi8>
}

// Scales that differ along what is summed do not leave the sum.
// CHECK-LABEL: func.func @scales_along_sum
// CHECK: nn.matmul {{.*}} tensor<4x8xf32>, tensor<8x2xf32>
func.func @scales_along_sum(%x: tensor<4x8xui8>, %w: tensor<8x2xi8>, %sw: tensor<8x1xf32>) -> tensor<4x2xf32> {
  %sx = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.dequantize %x, %sx : tensor<4x8xui8>, tensor<f32> -> tensor<4x8xf32>
  %1 = nn.dequantize %w, %sw : tensor<8x2xi8>, tensor<8x1xf32> -> tensor<8x2xf32>
  %2 = nn.matmul %0, %1 : tensor<4x8xf32>, tensor<8x2xf32> -> tensor<4x2xf32>
  return %2 : tensor<4x2xf32>
}

// Data moves as integers, and what is quantised as it was needs no arithmetic.
// CHECK-LABEL: func.func @move
// CHECK-NEXT: %[[T:.*]] = nn.transpose %arg0 [1, 0] : tensor<2x3xi8> -> tensor<3x2xi8>
// CHECK-NEXT: return %[[T]]
func.func @move(%x: tensor<2x3xi8>) -> tensor<3x2xi8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<i8>
  %0 = nn.dequantize %x, %s zero %z : tensor<i8> : tensor<2x3xi8>, tensor<f32> -> tensor<2x3xf32>
  %1 = nn.transpose %0 [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %2 = nn.quantize %1, %s zero %z : tensor<i8> to i8 : tensor<3x2xf32>, tensor<f32> -> tensor<3x2xi8>
  return %2 : tensor<3x2xi8>
}

// With another scale it does.
// CHECK-LABEL: func.func @other_scale
// CHECK: nn.dequantize
// CHECK: nn.quantize
func.func @other_scale(%x: tensor<2x3xi8>) -> tensor<2x3xi8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %0 = nn.dequantize %x, %s : tensor<2x3xi8>, tensor<f32> -> tensor<2x3xf32>
  %1 = nn.quantize %0, %t to i8 : tensor<2x3xf32>, tensor<f32> -> tensor<2x3xi8>
  return %1 : tensor<2x3xi8>
}

// relu6 after the sums becomes bounds on integers: 6 / 0.03125 is 192; 0 is the zero point.
// CHECK-LABEL: func.func @bounds
// CHECK-DAG: %[[HIGH:.*]] = nn.constant dense<202> : tensor<ui8>
// CHECK-DAG: %[[LOW:.*]] = nn.constant dense<10> : tensor<ui8>
// CHECK: %[[R:.*]] = nn.requantize
// CHECK: %[[A:.*]] = nn.max %[[R]], %[[LOW]]
// CHECK: %[[B:.*]] = nn.min %[[A]], %[[HIGH]]
// CHECK: return %[[B]]
func.func @bounds(%x: tensor<4xi32>) -> tensor<4xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %sy = nn.constant dense<0.03125> : tensor<f32>
  %zy = nn.constant dense<10> : tensor<ui8>
  %0 = nn.dequantize %x, %s : tensor<4xi32>, tensor<f32> -> tensor<4xf32>
  %1 = nn.max %0, %zero : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %2 = nn.min %1, %six : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %3 = nn.quantize %2, %sy zero %zy : tensor<ui8> to ui8 : tensor<4xf32>, tensor<f32> -> tensor<4xui8>
  return %3 : tensor<4xui8>
}

// CHECK-LABEL: func.func @mean
// CHECK: %[[F:.*]] = nn.constant dense<1.562500e-02> : tensor<f32>
// CHECK: nn.sub
// CHECK: %[[S:.*]] = nn.reduce "sum" {{.*}} axes [1, 2] keepdims : tensor<1x8x8x4xi32>
// CHECK: nn.requantize %[[S]], %[[F]]
func.func @mean(%x: tensor<1x8x8x4xui8>) -> tensor<1x1x1x4xui8> {
  %s = nn.constant dense<0.3> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %0 = nn.dequantize %x, %s zero %z : tensor<ui8> : tensor<1x8x8x4xui8>, tensor<f32> -> tensor<1x8x8x4xf32>
  %1 = nn.reduce "mean" %0 axes [1, 2] keepdims : tensor<1x8x8x4xf32> -> tensor<1x1x1x4xf32>
  %2 = nn.quantize %1, %s zero %z : tensor<ui8> to ui8 : tensor<1x1x1x4xf32>, tensor<f32> -> tensor<1x1x1x4xui8>
  return %2 : tensor<1x1x1x4xui8>
}

// CHECK-LABEL: func.func @reshaped_constant
// CHECK-NEXT: %[[C:.*]] = nn.constant dense<2> : tensor<i8>
// CHECK-NEXT: return %[[C]]
func.func @reshaped_constant() -> tensor<i8> {
  %c = nn.constant dense<2> : tensor<1xi8>
  %shape = nn.constant dense<> : tensor<0xi64>
  %0 = nn.reshape %c, %shape : tensor<1xi8>, tensor<0xi64> -> tensor<i8>
  return %0 : tensor<i8>
}
