// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// A negative index counts from the end; one out of range is a fault and reads element 0.
// CHECK-LABEL: func.func @gather(
// CHECK: arith.addi %{{.*}}, %c5
// CHECK: exec.fault %[[BAD:.*]], 1
// CHECK: arith.select %[[BAD]], %c0
func.func @gather(%x: tensor<5x4xf32>, %i: tensor<3xi64>) -> tensor<3x4xf32> {
  %0 = nn.gather %x, %i axis 0 : tensor<5x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @gather_elements(
// CHECK: arith.index_cast %{{.*}} : i32 to index
// CHECK: exec.fault
func.func @gather_elements(%x: tensor<2x3xf32>, %i: tensor<2x2xi32>) -> tensor<2x2xf32> {
  %0 = nn.gather_elements %x, %i axis 1 : tensor<2x3xf32>, tensor<2x2xi32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// CHECK-LABEL: func.func @gather_nd(
// CHECK-COUNT-2: exec.fault
func.func @gather_nd(%x: tensor<2x2xi32>, %i: tensor<2x2xi64>) -> tensor<2xi32> {
  %0 = nn.gather_nd %x, %i batch 0 : tensor<2x2xi32>, tensor<2x2xi64> -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// CHECK-LABEL: func.func @scatter_elements(
// CHECK: exec.grid()
// CHECK-SAME: outs(%arg0
// CHECK: exec.fault
// CHECK: arith.addf
func.func @scatter_elements(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>, %u: tensor<3x2xf32>) -> tensor<3x5xf32> {
  %0 = nn.scatter_elements %x, %i, %u "add" {axis = 1 : i64} : tensor<3x5xf32>, tensor<3x2xi64>, tensor<3x2xf32> -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @scatter_nd(
// CHECK: exec.grid()
// CHECK: exec.fault
// CHECK: memref.store
func.func @scatter_nd(%x: tensor<4x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf32>) -> tensor<4x4xf32> {
  %0 = nn.scatter_nd %x, %i, %u "none" : tensor<4x4xf32>, tensor<2x1xi64>, tensor<2x4xf32> -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
