// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[FIRST:.*]] = affine_map<(d0) -> (d0, 0)>
// CHECK-DAG: #[[SECOND:.*]] = affine_map<(d0) -> (d0, 1)>

// A loop nest, which is one kernel with what uses the rows. A negative index counts from the end; one out of range is a fault and reads
// element 0.
// CHECK-LABEL: func.func @gather(
// CHECK: linalg.generic {indexing_maps = [#[[ROWS]], #[[ALL]]]
// CHECK-SAME: ins(%arg1
// CHECK: ^bb0(%[[I:.*]]: i64
// CHECK: %[[COLUMN:.*]] = linalg.index 1
// CHECK: arith.index_cast %[[I]]
// CHECK: arith.addi %{{.*}}, %c5
// CHECK: exec.fault %[[BAD:.*]], 1
// CHECK: %[[ROW:.*]] = arith.select %[[BAD]], %c0
// CHECK: tensor.extract %arg0[%[[ROW]], %[[COLUMN]]]
func.func @gather(%x: tensor<5x16xf32>, %i: tensor<3xi64>) -> tensor<3x16xf32> {
  %0 = nn.gather %x, %i axis 0 : tensor<5x16xf32>, tensor<3xi64> -> tensor<3x16xf32>
  return %0 : tensor<3x16xf32>
}

// A copy of a few elements is no loop of vectors.
// CHECK-LABEL: func.func @gather_short(
// CHECK: exec.grid
// CHECK: exec.fault
// CHECK-NOT: scf.if
func.func @gather_short(%x: tensor<5x4xf32>, %i: tensor<3xi64>) -> tensor<3x4xf32> {
  %0 = nn.gather %x, %i axis 0 : tensor<5x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// Where there may be no element, none is read.
// CHECK-LABEL: func.func @gather_of_any(
// CHECK: exec.grid
// CHECK: exec.fault
// CHECK: scf.if
// CHECK: memref.load
func.func @gather_of_any(%x: tensor<?x4xf32, #nn.dims<"n", "">>, %i: tensor<3xi64>) -> tensor<3x4xf32> {
  %0 = nn.gather %x, %i axis 0 : tensor<?x4xf32, #nn.dims<"n", "">>, tensor<3xi64> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// CHECK-LABEL: func.func @gather_of_none(
// CHECK: exec.grid
// CHECK-NOT: tensor.extract
func.func @gather_of_none(%x: tensor<0x4xf32>, %i: tensor<3xi64>) -> tensor<3x4xf32> {
  %0 = nn.gather %x, %i axis 0 : tensor<0x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// Other dims of the indices are in range where both have the same; they may be larger than those of the input.
// CHECK-LABEL: func.func @gather_elements(
// CHECK: arith.index_cast %{{.*}} : i32 to index
// CHECK-COUNT-1: exec.fault
// CHECK-NOT: exec.fault
// CHECK-LABEL: func.func @gather_more_elements(
// CHECK-COUNT-2: exec.fault
func.func @gather_elements(%x: tensor<2x3xf32>, %i: tensor<2x2xi32>) -> tensor<2x2xf32> {
  %0 = nn.gather_elements %x, %i axis 1 : tensor<2x3xf32>, tensor<2x2xi32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
func.func @gather_more_elements(%x: tensor<2x3xf32>, %i: tensor<4x2xi32>) -> tensor<4x2xf32> {
  %0 = nn.gather_elements %x, %i axis 1 : tensor<2x3xf32>, tensor<4x2xi32> -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// CHECK-LABEL: func.func @gather_nd(
// CHECK: linalg.generic {indexing_maps = [#[[FIRST]], #[[SECOND]],
// CHECK-SAME: ins(%arg1, %arg1
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
// CHECK-NEXT: memref.store
// CHECK-NEXT: }
// CHECK-NEXT: } {exec.independent}
func.func @scatter_elements(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>, %u: tensor<3x2xf32>) -> tensor<3x5xf32> {
  %0 = nn.scatter_elements %x, %i, %u "add" {axis = 1 : i64} : tensor<3x5xf32>, tensor<3x2xi64>, tensor<3x2xf32> -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @scatter_nd(
// CHECK: exec.grid()
// CHECK: exec.fault
// CHECK: memref.store
// CHECK-NEXT: } {exec.independent}
// CHECK-NEXT: }
func.func @scatter_nd(%x: tensor<4x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf32>) -> tensor<4x4xf32> {
  %0 = nn.scatter_nd %x, %i, %u "none" : tensor<4x4xf32>, tensor<2x1xi64>, tensor<2x4xf32> -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
