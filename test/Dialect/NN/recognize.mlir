// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-recognize,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func.func @gelu_of_torch
// CHECK-NEXT: %[[R:.*]] = nn.gelu "erf" %arg0
// CHECK-NEXT: return %[[R]]
func.func @gelu_of_torch(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.div %x, %root : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %1 = nn.erf %0 : tensor<4x8xf32> -> tensor<4x8xf32>
  %2 = nn.add %1, %one : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %3 = nn.mul %half, %2 : tensor<f32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %4 = nn.mul %x, %3 : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// Factors in another order, the root of 2 as a factor, the half as a quotient.
// CHECK-LABEL: func.func @gelu_in_another_order
// CHECK-NEXT: nn.gelu "erf" %arg0
func.func @gelu_in_another_order(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %root = nn.constant dense<0.707106769> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.mul %root, %x : tensor<f32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %1 = nn.erf %0 : tensor<4x8xf32> -> tensor<4x8xf32>
  %2 = nn.add %one, %1 : tensor<1xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %3 = nn.mul %2, %x : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %4 = nn.div %3, %two : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @gelu_by_tanh
// CHECK-NEXT: nn.gelu "tanh" %arg0
func.func @gelu_by_tanh(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %c = nn.constant dense<0.044714998> : tensor<f32>
  %root = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.mul %x, %half : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %1 = nn.pow %x, %three : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %2 = nn.mul %1, %c : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %3 = nn.add %x, %2 : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %4 = nn.mul %3, %root : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %5 = nn.tanh %4 : tensor<4x8xf32> -> tensor<4x8xf32>
  %6 = nn.add %5, %one : tensor<4x8xf32>, tensor<f32> -> tensor<4x8xf32>
  %7 = nn.mul %0, %6 : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  return %7 : tensor<4x8xf32>
}

// sqrt(2 / pi) x (1 + 0.044715 x x).
// CHECK-LABEL: func.func @gelu_by_tanh_of_products
// CHECK-NEXT: nn.gelu "tanh" %arg0
func.func @gelu_by_tanh_of_products(%x: tensor<8xf32>) -> tensor<8xf32> {
  %c = nn.constant dense<0.044715> : tensor<f32>
  %root = nn.constant dense<0.79788456> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.mul %x, %x : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %1 = nn.mul %0, %c : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %2 = nn.add %1, %one : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %3 = nn.mul %x, %root : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %4 = nn.mul %3, %2 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %5 = nn.tanh %4 : tensor<8xf32> -> tensor<8xf32>
  %6 = nn.add %one, %5 : tensor<f32>, tensor<8xf32> -> tensor<8xf32>
  %7 = nn.mul %x, %6 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %8 = nn.mul %7, %half : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  return %8 : tensor<8xf32>
}

// The function of another x, and another number before it.
// CHECK-LABEL: func.func @no_gelu
// CHECK-NOT: nn.gelu
func.func @no_gelu(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %third = nn.constant dense<0.3> : tensor<f32>
  %0 = nn.div %x, %root : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %1 = nn.erf %0 : tensor<8xf32> -> tensor<8xf32>
  %2 = nn.add %1, %one : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %3 = nn.mul %half, %2 : tensor<f32>, tensor<8xf32> -> tensor<8xf32>
  %4 = nn.mul %y, %3 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %5 = nn.mul %third, %2 : tensor<f32>, tensor<8xf32> -> tensor<8xf32>
  %6 = nn.mul %x, %5 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  return %4, %6 : tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @silu
// CHECK-NEXT: %[[A:.*]] = nn.silu %arg0
// CHECK-NEXT: %[[B:.*]] = nn.silu %arg1
// CHECK-NEXT: nn.mul %[[A]], %[[B]]
func.func @silu(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.sigmoid %x : tensor<8xf32> -> tensor<8xf32>
  %1 = nn.mul %0, %x : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %2 = nn.neg %y : tensor<8xf32> -> tensor<8xf32>
  %3 = nn.exp %2 : tensor<8xf32> -> tensor<8xf32>
  %4 = nn.add %3, %one : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %5 = nn.div %y, %4 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %6 = nn.mul %1, %5 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  return %6 : tensor<8xf32>
}

// As importers of HardSigmoid write it, and as x * relu6(x + 3) / 6.
// CHECK-LABEL: func.func @hard_swish
// CHECK-NEXT: nn.hard_swish %arg0
// CHECK-NEXT: nn.hard_swish %arg1
// CHECK-NEXT: return
func.func @hard_swish(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %sixth = nn.constant dense<0.166666672> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.mul %x, %sixth : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %1 = nn.add %0, %half : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %2 = nn.max %1, %zero : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %3 = nn.min %2, %one : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %4 = nn.mul %x, %3 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %5 = nn.add %y, %three : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %6 = nn.min %5, %six : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %7 = nn.max %6, %zero : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  %8 = nn.mul %y, %7 : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %9 = nn.div %8, %six : tensor<8xf32>, tensor<f32> -> tensor<8xf32>
  return %4, %9 : tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @layer_norm_of_torch
// CHECK-NEXT: %[[R:.*]] = nn.layer_norm %arg0 scale %arg1 : tensor<8xf32> bias %arg2 : tensor<8xf32> axis 2 epsilon 9.99999974737875{{.*}}E-6
// CHECK-NEXT: return %[[R]]
func.func @layer_norm_of_torch(%x: tensor<2x4x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<2x4x8xf32> {
  %two = nn.constant dense<2.0> : tensor<f32>
  %epsilon = nn.constant dense<1.0e-05> : tensor<f32>
  %0 = nn.reduce "mean" %x axes [2] keepdims : tensor<2x4x8xf32> -> tensor<2x4x1xf32>
  %1 = nn.sub %x, %0 : tensor<2x4x8xf32>, tensor<2x4x1xf32> -> tensor<2x4x8xf32>
  %2 = nn.pow %1, %two : tensor<2x4x8xf32>, tensor<f32> -> tensor<2x4x8xf32>
  %3 = nn.reduce "mean" %2 axes [2] keepdims : tensor<2x4x8xf32> -> tensor<2x4x1xf32>
  %4 = nn.add %3, %epsilon : tensor<2x4x1xf32>, tensor<f32> -> tensor<2x4x1xf32>
  %5 = nn.sqrt %4 : tensor<2x4x1xf32> -> tensor<2x4x1xf32>
  %6 = nn.div %1, %5 : tensor<2x4x8xf32>, tensor<2x4x1xf32> -> tensor<2x4x8xf32>
  %7 = nn.mul %6, %s : tensor<2x4x8xf32>, tensor<8xf32> -> tensor<2x4x8xf32>
  %8 = nn.add %7, %b : tensor<2x4x8xf32>, tensor<8xf32> -> tensor<2x4x8xf32>
  return %8 : tensor<2x4x8xf32>
}

// Over two axes, a reciprocal of the root, and an addend that is no bias: it differs from row to row.
// CHECK-LABEL: func.func @layer_norm_and_residual
// CHECK: %[[N:.*]] = nn.layer_norm %arg0 axis 1 epsilon
// CHECK-NEXT: nn.add %[[N]], %arg1
func.func @layer_norm_and_residual(%x: tensor<2x4x8xf32>, %y: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %epsilon = nn.constant dense<1.0e-05> : tensor<f32>
  %0 = nn.reduce "mean" %x axes [1, 2] keepdims : tensor<2x4x8xf32> -> tensor<2x1x1xf32>
  %1 = nn.sub %x, %0 : tensor<2x4x8xf32>, tensor<2x1x1xf32> -> tensor<2x4x8xf32>
  %2 = nn.mul %1, %1 : tensor<2x4x8xf32>, tensor<2x4x8xf32> -> tensor<2x4x8xf32>
  %3 = nn.reduce "mean" %2 axes [1, 2] keepdims : tensor<2x4x8xf32> -> tensor<2x1x1xf32>
  %4 = nn.add %3, %epsilon : tensor<2x1x1xf32>, tensor<f32> -> tensor<2x1x1xf32>
  %5 = nn.sqrt %4 : tensor<2x1x1xf32> -> tensor<2x1x1xf32>
  %6 = nn.reciprocal %5 : tensor<2x1x1xf32> -> tensor<2x1x1xf32>
  %7 = nn.mul %1, %6 : tensor<2x4x8xf32>, tensor<2x1x1xf32> -> tensor<2x4x8xf32>
  %8 = nn.add %7, %y : tensor<2x4x8xf32>, tensor<2x4x8xf32> -> tensor<2x4x8xf32>
  return %8 : tensor<2x4x8xf32>
}

// CHECK-LABEL: func.func @rms_norm
// CHECK: nn.rms_norm %arg0 scale %arg1 : tensor<8xf32> axis 1 epsilon
// CHECK-NEXT: nn.rms_norm %arg0 axis 1 epsilon
func.func @rms_norm(%x: tensor<?x8xf32, #nn.dims<"n", "">>, %s: tensor<8xf32>)
    -> (tensor<?x8xf32, #nn.dims<"n", "">>, tensor<?x8xf32, #nn.dims<"n", "">>) {
  %two = nn.constant dense<2.0> : tensor<f32>
  %back = nn.constant dense<-0.5> : tensor<f32>
  %epsilon = nn.constant dense<1.0e-06> : tensor<1xf32>
  %0 = nn.pow %x, %two : tensor<?x8xf32, #nn.dims<"n", "">>, tensor<f32> -> tensor<?x8xf32, #nn.dims<"n", "">>
  %1 = nn.reduce "mean" %0 axes [1] keepdims : tensor<?x8xf32, #nn.dims<"n", "">> -> tensor<?x1xf32, #nn.dims<"n", "">>
  %2 = nn.add %1, %epsilon : tensor<?x1xf32, #nn.dims<"n", "">>, tensor<1xf32> -> tensor<?x1xf32, #nn.dims<"n", "">>
  %3 = nn.sqrt %2 : tensor<?x1xf32, #nn.dims<"n", "">> -> tensor<?x1xf32, #nn.dims<"n", "">>
  %4 = nn.reciprocal %3 : tensor<?x1xf32, #nn.dims<"n", "">> -> tensor<?x1xf32, #nn.dims<"n", "">>
  %5 = nn.mul %x, %4 : tensor<?x8xf32, #nn.dims<"n", "">>, tensor<?x1xf32, #nn.dims<"n", "">> -> tensor<?x8xf32, #nn.dims<"n", "">>
  %6 = nn.mul %s, %5 : tensor<8xf32>, tensor<?x8xf32, #nn.dims<"n", "">> -> tensor<?x8xf32, #nn.dims<"n", "">>
  %7 = nn.pow %2, %back : tensor<?x1xf32, #nn.dims<"n", "">>, tensor<f32> -> tensor<?x1xf32, #nn.dims<"n", "">>
  %8 = nn.mul %x, %7 : tensor<?x8xf32, #nn.dims<"n", "">>, tensor<?x1xf32, #nn.dims<"n", "">> -> tensor<?x8xf32, #nn.dims<"n", "">>
  return %6, %8 : tensor<?x8xf32, #nn.dims<"n", "">>, tensor<?x8xf32, #nn.dims<"n", "">>
}

// Over the channels of channels first: no trailing axes.
// CHECK-LABEL: func.func @norm_over_channels
// CHECK-NOT: nn.layer_norm
// CHECK-NOT: nn.rms_norm
func.func @norm_over_channels(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %epsilon = nn.constant dense<1.0e-05> : tensor<f32>
  %0 = nn.reduce "mean" %x axes [1] keepdims : tensor<2x4x8xf32> -> tensor<2x1x8xf32>
  %1 = nn.sub %x, %0 : tensor<2x4x8xf32>, tensor<2x1x8xf32> -> tensor<2x4x8xf32>
  %2 = nn.mul %1, %1 : tensor<2x4x8xf32>, tensor<2x4x8xf32> -> tensor<2x4x8xf32>
  %3 = nn.reduce "mean" %2 axes [1] keepdims : tensor<2x4x8xf32> -> tensor<2x1x8xf32>
  %4 = nn.add %3, %epsilon : tensor<2x1x8xf32>, tensor<f32> -> tensor<2x1x8xf32>
  %5 = nn.sqrt %4 : tensor<2x1x8xf32> -> tensor<2x1x8xf32>
  %6 = nn.div %1, %5 : tensor<2x4x8xf32>, tensor<2x1x8xf32> -> tensor<2x4x8xf32>
  return %6 : tensor<2x4x8xf32>
}
