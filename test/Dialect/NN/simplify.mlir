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

// What is picked of an argument is cast, not the argument: no kernel would have to do it before.
// CHECK-LABEL: func.func @cast_what_is_picked
// CHECK: %[[P:.*]] = nn.gather_nd %arg0, %arg1 batch 0 : tensor<1x8xi64>, tensor<1x1x8x2xi64> -> tensor<1x1x8xi64>
// CHECK: nn.cast %[[P]] {to = i1} : tensor<1x1x8xi64> -> tensor<1x1x8xi1>
// CHECK: %[[S:.*]] = nn.slice %arg2
// CHECK: nn.cast %[[S]] {to = f32}
func.func @cast_what_is_picked(%x: tensor<1x8xi64>, %i: tensor<1x1x8x2xi64>, %y: tensor<?xi32, #nn.dims<"n">>)
    -> (tensor<1x1x8xi1>, tensor<?xf32, #nn.dims<"n">>) {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %last = nn.constant dense<9223372036854775807> : tensor<1xi64>
  %one = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.cast %x {to = i1} : tensor<1x8xi64> -> tensor<1x8xi1>
  %1 = nn.gather_nd %0, %i batch 0 : tensor<1x8xi1>, tensor<1x1x8x2xi64> -> tensor<1x1x8xi1>
  %2 = nn.cast %y {to = f32} : tensor<?xi32, #nn.dims<"n">> -> tensor<?xf32, #nn.dims<"n">>
  %3 = nn.slice %2, %last, %zero, %one axes [0] : tensor<?xf32, #nn.dims<"n">>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<?xf32, #nn.dims<"n">>
  return %1, %3 : tensor<1x1x8xi1>, tensor<?xf32, #nn.dims<"n">>
}

// More is picked than there is, what is cast is used elsewhere, or a kernel computes it: the cast stays.
// CHECK-LABEL: func.func @cast_before
// CHECK: %[[A:.*]] = nn.cast %arg0
// CHECK: nn.gather %[[A]]
// CHECK: %[[B:.*]] = nn.cast %arg2
// CHECK: nn.gather %[[B]]
// CHECK: %[[C:.*]] = nn.cast
// CHECK: nn.gather %[[C]]
func.func @cast_before(%x: tensor<4xi64>, %i: tensor<5xi64>, %y: tensor<5xi64>)
    -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) {
  %0 = nn.cast %x {to = f32} : tensor<4xi64> -> tensor<4xf32>
  %1 = nn.gather %0, %i axis 0 : tensor<4xf32>, tensor<5xi64> -> tensor<5xf32>
  %2 = nn.cast %y {to = f32} : tensor<5xi64> -> tensor<5xf32>
  %3 = nn.gather %2, %i axis 0 : tensor<5xf32>, tensor<5xi64> -> tensor<5xf32>
  %4 = nn.add %y, %i : tensor<5xi64>, tensor<5xi64> -> tensor<5xi64>
  %5 = nn.cast %4 {to = f32} : tensor<5xi64> -> tensor<5xf32>
  %6 = nn.gather %5, %i axis 0 : tensor<5xf32>, tensor<5xi64> -> tensor<5xf32>
  return %1, %2, %3, %6 : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>
}
