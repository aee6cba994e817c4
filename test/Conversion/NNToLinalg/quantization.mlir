// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Sums of unsigned bytes: the kernels are told how to widen, and what lies outside.
// CHECK-LABEL: func.func @conv
// CHECK: %[[Z:c-128.*]] = arith.constant -128 : i8
// CHECK: exec.conv %arg0, %arg1 bias(%arg2 : tensor<2xi32>) outside(%[[Z]] : i8) outs({{.*}}) {dilations
// CHECK-SAME: groups = 1 : i64, input_unsigned, pads
func.func @conv(%x: tensor<1x8x8x3xui8>, %w: tensor<1x3x3x3x2xi8>, %b: tensor<2xi32>) -> tensor<1x8x8x2xi32> {
  %z = nn.constant dense<128> : tensor<1xui8>
  %0 = nn.conv %x, %w bias %b : tensor<2xi32> outside %z : tensor<1xui8> {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels_last} : tensor<1x8x8x3xui8>, tensor<1x3x3x3x2xi8> -> tensor<1x8x8x2xi32>
  return %0 : tensor<1x8x8x2xi32>
}

// CHECK-LABEL: func.func @matmul
// CHECK: exec.matmul %arg0, %arg1 outs({{.*}}) {rhs_unsigned}
func.func @matmul(%x: tensor<4x8xi8>, %w: tensor<8x2xui8>) -> tensor<4x2xi32> {
  %0 = nn.matmul %x, %w : tensor<4x8xi8>, tensor<8x2xui8> -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// CHECK-LABEL: func.func @requantize
// CHECK: arith.sitofp
// CHECK: arith.mulf
// CHECK: math.roundeven
// CHECK: arith.uitofp {{.*}} : i8 to f32
// CHECK: arith.cmpf olt, {{.*}}, %[[HIGH:.*]] : f32
// CHECK: arith.cmpf ogt
// CHECK: arith.fptosi
// CHECK: arith.trunci
func.func @requantize(%x: tensor<4xi32>, %f: tensor<f32>, %z: tensor<ui8>) -> tensor<4xui8> {
  %0 = nn.requantize %x, %f zero %z : tensor<ui8> to ui8 : tensor<4xi32>, tensor<f32> -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// The difference of integers is exact before it becomes a float.
// CHECK-LABEL: func.func @dequantize
// CHECK: arith.extsi
// CHECK: arith.subi {{.*}} : i32
// CHECK: arith.sitofp
// CHECK: arith.mulf
func.func @dequantize(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<i8>) -> tensor<4xf32> {
  %0 = nn.dequantize %x, %s zero %z : tensor<i8> : tensor<4xi8>, tensor<f32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
