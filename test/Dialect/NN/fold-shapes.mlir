// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-fold-shapes))' | FileCheck %s

// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %[[S:.*]] = nn.constant dense<[4, 3, 5]> : tensor<3xi64>
// CHECK-NEXT: return %[[S]]
func.func @chain(%x: tensor<2x3xf32>) -> tensor<3xi64> {
  %c = nn.constant dense<[5]> : tensor<1xi64>
  %two = nn.constant dense<[2, 1, 1]> : tensor<3xi64>
  %0 = nn.shape_of %x : tensor<2x3xf32> -> tensor<2xi64>
  %1 = nn.concat %0, %c axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<3xi64>
  %2 = nn.mul %1, %two : tensor<3xi64>, tensor<3xi64> -> tensor<3xi64>
  return %2 : tensor<3xi64>
}

// A size known only as a symbol is no number.
// CHECK-LABEL: func.func @symbolic
// CHECK: nn.shape_of
func.func @symbolic(%x: tensor<?xf32, #nn.dims<"n">>) -> tensor<1xi64> {
  %0 = nn.shape_of %x : tensor<?xf32, #nn.dims<"n">> -> tensor<1xi64>
  return %0 : tensor<1xi64>
}
