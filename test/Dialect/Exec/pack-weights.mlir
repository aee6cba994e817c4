// RUN: nncc-opt %s --allow-unregistered-dialect --exec-pack-weights --canonicalize --cse | FileCheck %s

// A matrix, the same transposed, a filter, a depthwise filter; the last weight has another reader and stays.
// CHECK-LABEL: func.func private @weights()
// CHECK-SAME: -> (tensor<3xf32>, tensor<1x2x64x16xf32>, tensor<1x1x64x16xf32>, tensor<2x1x18x16xf32>, tensor<1x2x9x16xf32>)
// CHECK: %[[MATRIX:.*]] = "test.matrix"()
// CHECK: %[[PACKED:.*]] = linalg.generic
// CHECK:   %[[PANEL:.*]] = linalg.index 1
// CHECK:   %[[DEPTH:.*]] = linalg.index 2
// CHECK:   %[[LANE:.*]] = linalg.index 3
// CHECK:   %[[FIRST:.*]] = arith.muli %[[PANEL]], %c16
// CHECK:   %[[COLUMN:.*]] = arith.addi %[[FIRST]], %[[LANE]]
// CHECK:   %[[EXISTS:.*]] = arith.cmpi ult, %[[COLUMN]], %c20
// CHECK:   %[[INSIDE:.*]] = arith.minui %[[COLUMN]], %c19
// CHECK:   %[[ELEMENT:.*]] = tensor.extract %{{.*}}[%{{.*}}, %[[DEPTH]], %[[INSIDE]]]
// CHECK:   arith.select %[[EXISTS]], %[[ELEMENT]], %cst
// CHECK: return %{{.*}}, %[[PACKED]], %{{.*}}, %{{.*}}, %{{.*}} :
func.func private @weights() -> (tensor<64x20xf32>, tensor<9x64xf32>, tensor<2x3x3x2x16xf32>, tensor<20x3x3x1x1xf32>,
                                 tensor<3xf32>) {
  %0 = "test.matrix"() : () -> tensor<64x20xf32>
  %1 = "test.transposed"() : () -> tensor<9x64xf32>
  %2 = "test.filter"() : () -> tensor<2x3x3x2x16xf32>
  %3 = "test.depthwise"() : () -> tensor<20x3x3x1x1xf32>
  %4 = "test.other"() : () -> tensor<3xf32>
  return %0, %1, %2, %3, %4 : tensor<64x20xf32>, tensor<9x64xf32>, tensor<2x3x3x2x16xf32>, tensor<20x3x3x1x1xf32>, tensor<3xf32>
}

// CHECK-LABEL: func.func @main
// CHECK: %[[OTHER:.*]] = exec.weight 0 : tensor<3xf32>
// CHECK: %[[A:.*]] = exec.weight 1 : tensor<1x2x64x16xf32>
// CHECK: exec.matmul %{{.*}}, %[[A]] outs(%{{.*}}) {packed = array<i64: 64, 20>}
// CHECK: %[[B:.*]] = exec.weight 2 : tensor<1x1x64x16xf32>
// CHECK: exec.matmul %{{.*}}, %[[B]] outs(%{{.*}}) {packed = array<i64: 64, 9>}
// CHECK: %[[C:.*]] = exec.weight 3 : tensor<2x1x18x16xf32>
// CHECK: exec.conv %{{.*}}, %[[C]] outs(%{{.*}}) {{.*}}packed = array<i64: 2, 3, 3, 2, 16>
// CHECK: %[[D:.*]] = exec.weight 4 : tensor<1x2x9x16xf32>
// CHECK: exec.conv %{{.*}}, %[[D]] outs(%{{.*}}) {{.*}}packed = array<i64: 20, 3, 3, 1, 1>
// CHECK: return {{.*}}%[[OTHER]]
func.func @main(%x: tensor<8x64xf32>, %image: tensor<1x5x5x4xf32>, %deep: tensor<1x5x5x20xf32>)
    -> (tensor<8x20xf32>, tensor<8x9xf32>, tensor<1x3x3x32xf32>, tensor<1x3x3x20xf32>, tensor<3xf32>) {
  %a = exec.weight 0 : tensor<64x20xf32>
  %b = exec.weight 1 : tensor<9x64xf32>
  %c = exec.weight 2 : tensor<2x3x3x2x16xf32>
  %d = exec.weight 3 : tensor<20x3x3x1x1xf32>
  %other = exec.weight 4 : tensor<3xf32>
  %e0 = tensor.empty() : tensor<8x20xf32>
  %0 = exec.matmul %x, %a outs(%e0) : tensor<8x64xf32>, tensor<64x20xf32>, tensor<8x20xf32> -> tensor<8x20xf32>
  %e1 = tensor.empty() : tensor<8x9xf32>
  %1 = exec.matmul %x, %b outs(%e1) {transpose_rhs} : tensor<8x64xf32>, tensor<9x64xf32>, tensor<8x9xf32> -> tensor<8x9xf32>
  %e2 = tensor.empty() : tensor<1x3x3x32xf32>
  %2 = exec.conv %image, %c outs(%e2) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
    groups = 2 : i64} : tensor<1x5x5x4xf32>, tensor<2x3x3x2x16xf32>, tensor<1x3x3x32xf32> -> tensor<1x3x3x32xf32>
  %e3 = tensor.empty() : tensor<1x3x3x20xf32>
  %3 = exec.conv %deep, %d outs(%e3) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
    groups = 20 : i64} : tensor<1x5x5x20xf32>, tensor<20x3x3x1x1xf32>, tensor<1x3x3x20xf32> -> tensor<1x3x3x20xf32>
  return %0, %1, %2, %3, %other : tensor<8x20xf32>, tensor<8x9xf32>, tensor<1x3x3x32xf32>, tensor<1x3x3x20xf32>, tensor<3xf32>
}
