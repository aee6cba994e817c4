// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Which axis is known only at run time: the dims before and behind it are products of what is selected then.
// CHECK-LABEL: func.func @cumulate
// CHECK: exec.check %{{.*}}, "an axis is out of range"
// CHECK: %[[OUTER:.*]] = arith.select
// CHECK: exec.scan(%{{.*}}, %{{.*}}) length %{{.*}} axis 1 ins(%{{.*}} : tensor<?x?x?xf32>) outs(%{{.*}} : tensor<?x?x?xf32>)
// CHECK-SAME: attributes {exclusive, neutral = 0.000000e+00 : f32} element {
// CHECK: arith.addf
func.func @cumulate(%x: tensor<4x9xf32>, %axis: tensor<i64>) -> tensor<4x9xf32> {
  %0 = nn.cumulate "sum" %x axis %axis exclusive : tensor<4x9xf32>, tensor<i64> -> tensor<4x9xf32>
  return %0 : tensor<4x9xf32>
}

// How many rows in order differ from the one before numbers the groups; the schedule reads how many there are in all.
// CHECK-LABEL: func.func @unique
// CHECK: %[[ORDER:.*]] = exec.sort() length %{{.*}} axis 0 ins(%[[X:.*]] : tensor<7x2xf32>) outs(%{{.*}} : tensor<7xi64>)
// CHECK: %[[SUMS:.*]] = exec.scan() length %{{.*}} axis 0 ins(%[[ORDER]], %[[X]] : tensor<7xi64>, tensor<7x2xf32>) outs(%{{.*}} : tensor<8xi64>)
// CHECK: tensor.extract %[[SUMS]]
// CHECK: tensor.empty(%{{.*}}) : tensor<?xi64>
// CHECK: exec.grid(%{{.*}}) ins(%[[ORDER]], %[[SUMS]] : tensor<7xi64>, tensor<8xi64>)
func.func @unique(%x: tensor<7x2xf32>) -> (tensor<?xi64>, tensor<7xi64>, tensor<?xi64>) {
  %f, %i, %c = nn.unique_rows %x : tensor<7x2xf32> -> tensor<?xi64>, tensor<7xi64>, tensor<?xi64>
  return %f, %i, %c : tensor<?xi64>, tensor<7xi64>, tensor<?xi64>
}

// A length beyond the axis is a fault of the run, and counts as the whole axis.
// CHECK-LABEL: func.func @reverse_sequence
// CHECK: %[[OUTSIDE:.*]] = arith.cmpi ugt, %[[LENGTH:.*]], %
// CHECK: exec.fault %[[OUTSIDE]], 2, %[[LENGTH]]
// CHECK: arith.select %[[OUTSIDE]]
func.func @reverse_sequence(%x: tensor<4x3xi8>, %n: tensor<3xi64>) -> tensor<4x3xi8> {
  %0 = nn.reverse_sequence %x, %n time 0 batch 1 : tensor<4x3xi8>, tensor<3xi64> -> tensor<4x3xi8>
  return %0 : tensor<4x3xi8>
}
