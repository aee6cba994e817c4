// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-simplify,canonicalize,cse))' | FileCheck %s

// CHECK-LABEL: func.func @quotients
// CHECK: %[[C:.*]] = nn.constant dense<1.250000e-01>
// CHECK: nn.mul %arg0, %[[C]]
// CHECK: nn.div
func.func @quotients(%x: tensor<4xf32>) -> tensor<4xf32> {
  %eight = nn.constant dense<8.0> : tensor<f32>
  %ten = nn.constant dense<10.0> : tensor<f32>
  %0 = nn.div %x, %eight : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = nn.div %0, %ten : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func.func @softmax
// CHECK: %[[S:.*]] = nn.reduce "sum"
// CHECK: %[[R:.*]] = nn.reciprocal %[[S]] : tensor<4x1xf32>
// CHECK: nn.mul %{{.*}}, %[[R]]
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = nn.reduce "max" %x axes [1] keepdims : tensor<4x8xf32> -> tensor<4x1xf32>
  %1 = nn.sub %x, %0 : tensor<4x8xf32>, tensor<4x1xf32> -> tensor<4x8xf32>
  %2 = nn.exp %1 : tensor<4x8xf32> -> tensor<4x8xf32>
  %3 = nn.reduce "sum" %2 axes [1] keepdims : tensor<4x8xf32> -> tensor<4x1xf32>
  %4 = nn.div %2, %3 : tensor<4x8xf32>, tensor<4x1xf32> -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// Any sum may be subnormal: then its reciprocal is infinite, but a quotient is not.
// CHECK-LABEL: func.func @any_sum
// CHECK: nn.div
func.func @any_sum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = nn.reduce "sum" %x axes [1] keepdims : tensor<4x8xf32> -> tensor<4x1xf32>
  %1 = nn.div %x, %0 : tensor<4x8xf32>, tensor<4x1xf32> -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @gelu
// CHECK: %[[C:.*]] = nn.constant dense<0.707106769>
// CHECK: %[[P:.*]] = nn.mul %arg0, %[[C]]
// CHECK: nn.erf %[[P]]
func.func @gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %0 = nn.div %x, %root : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = nn.erf %0 : tensor<4xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func.func @nothing_moves
// CHECK-NEXT: return %arg0
func.func @nothing_moves(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %shape = nn.constant dense<[4, 8]> : tensor<2xi64>
  %zero = nn.constant dense<0> : tensor<1xi64>
  %end = nn.constant dense<100> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.expand %x, %shape : tensor<4x8xf32>, tensor<2xi64> -> tensor<4x8xf32>
  %1 = nn.slice %0, %zero, %end, %one axes [1] : tensor<4x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<4x8xf32>
  %2 = nn.concat %1 axis 0 : tensor<4x8xf32> -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @reversed
// CHECK: nn.slice
func.func @reversed(%x: tensor<8xf32>) -> tensor<8xf32> {
  %start = nn.constant dense<-1> : tensor<1xi64>
  %end = nn.constant dense<-100> : tensor<1xi64>
  %back = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.slice %x, %start, %end, %back axes [0] : tensor<8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
