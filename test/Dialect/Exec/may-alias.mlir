// RUN: nncc-opt %s --exec-form-kernels | FileCheck %s

// What the sum of a row compares with is read for every element: the sum may not grow where that is.
// CHECK: exec.kernel @k0_
// CHECK-SAME: attributes {may_alias = array<i64: -1>}
func.func @main(%x: tensor<8x4xi32>, %best: tensor<8xi32>) -> tensor<8xi32> {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<8xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<8xi32>) -> tensor<8xi32>
  %count = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0)>],
                           iterator_types = ["parallel", "reduction"]}
      ins(%x, %best : tensor<8x4xi32>, tensor<8xi32>) outs(%init : tensor<8xi32>) {
  ^bb0(%a: i32, %b: i32, %sum: i32):
    %same = arith.cmpi eq, %a, %b : i32
    %one = arith.extui %same : i1 to i32
    %next = arith.addi %sum, %one : i32
    linalg.yield %next : i32
  } -> tensor<8xi32>
  return %count : tensor<8xi32>
}
