// A sum that something behind the product needs lies in the workspace: the product is a phase of its own, and the host asks what
// is there for its sizes.

// RUN: nncc-opt %s --gpu-emit-kernels="sm=75 stage=loops" | FileCheck %s

#same = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#pixel = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>

// CHECK-DAG: func.func @k$0(
// CHECK-DAG: func.func @k$1(
// CHECK-DAG: func.func @k$2(
// CHECK-DAG: func.func @k.0.shape(
// CHECK-DAG: func.func @k.1.shape(
// CHECK-DAG: func.func @k.workspace(
exec.kernel @k(%sums: tensor<1x8x8x1xi32>, %x: tensor<1x8x8x1xi8>, %w: tensor<1x3x3x1x16xi8>) -> tensor<1x8x8x16xi32> {
  %c0_i8 = arith.constant 0 : i8
  %0 = tensor.empty() : tensor<1x8x8x16xi32>
  %1 = linalg.generic {indexing_maps = [#pixel, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%sums : tensor<1x8x8x1xi32>) outs(%0 : tensor<1x8x8x16xi32>) {
  ^bb0(%in: i32, %out: i32):
    %4 = arith.muli %in, %in : i32
    linalg.yield %4 : i32
  } -> tensor<1x8x8x16xi32>
  %2 = exec.conv %x, %w outside(%c0_i8 : i8) outs(%0) {dilations = array<i64: 1, 1>, groups = 1 : i64, input_unsigned, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : tensor<1x8x8x1xi8>, tensor<1x3x3x1x16xi8>, tensor<1x8x8x16xi32> -> tensor<1x8x8x16xi32>
  %3 = linalg.generic {indexing_maps = [#same, #same, #same], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2, %1 : tensor<1x8x8x16xi32>, tensor<1x8x8x16xi32>) outs(%0 : tensor<1x8x8x16xi32>) {
  ^bb0(%in: i32, %in_2: i32, %out: i32):
    %4 = arith.subi %in, %in_2 : i32
    linalg.yield %4 : i32
  } -> tensor<1x8x8x16xi32>
  exec.yield %3 : tensor<1x8x8x16xi32>
}
