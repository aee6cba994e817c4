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

// A cast to i1 tells 0 from the rest; what does not fit is not known.
// CHECK-LABEL: func.func @casts
// CHECK-DAG: %[[YES:.*]] = nn.constant dense<true> : tensor<1xi1>
// CHECK-DAG: %[[NO:.*]] = nn.constant dense<false> : tensor<1xi1>
// CHECK-DAG: %[[CAST:.*]] = nn.cast {{.*}} -> tensor<1xi8>
// CHECK: return %[[YES]], %[[NO]], %[[CAST]]
func.func @casts(%x: tensor<2x300xf32>) -> (tensor<1xi1>, tensor<1xi1>, tensor<1xi8>) {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %shape = nn.shape_of %x : tensor<2x300xf32> -> tensor<2xi64>
  %two = nn.gather %shape, %zero axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<1xi64>
  %many = nn.gather %shape, %one axis 0 : tensor<2xi64>, tensor<1xi64> -> tensor<1xi64>
  %0 = nn.cast %two {to = i1} : tensor<1xi64> -> tensor<1xi1>
  %1 = nn.not %0 : tensor<1xi1> -> tensor<1xi1>
  %2 = nn.cast %many {to = i8} : tensor<1xi64> -> tensor<1xi8>
  return %0, %1, %2 : tensor<1xi1>, tensor<1xi1>, tensor<1xi8>
}
