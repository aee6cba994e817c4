// RUN: nncc-opt %s --exec-decompose-attention | FileCheck %s
// RUN: nncc-opt %s --exec-decompose-attention=all=false | FileCheck %s --check-prefix=KEEP

// Operands in the order of the products stay where they are.
// CHECK-LABEL: func.func @plain
// CHECK: %[[S:.*]] = exec.matmul %arg0, %arg1 outs(%{{.*}}) {transpose_rhs} : {{.*}} -> tensor<2x8x9xf32>
// CHECK: linalg.generic {{.*}} ins(%[[S]], %arg3 : tensor<2x8x9xf32>, tensor<9xf32>)
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.cmpf uno
// CHECK: exec.matmul %{{.*}}, %arg2 outs(%{{.*}}) : tensor<2x8x9xf32>, tensor<2x9x5xf32>
// CHECK-NEXT: return
// KEEP-LABEL: func.func @plain
// KEEP-NEXT: exec.attention
func.func @plain(%q: tensor<2x8x4xf32>, %k: tensor<2x9x4xf32>, %v: tensor<2x9x5xf32>, %m: tensor<9xf32>, %e: tensor<2x8x5xf32>)
    -> tensor<2x8x5xf32> {
  %0 = exec.attention %q, %k, %v masks(%m : tensor<9xf32>) outs(%e) {indexing_maps = [affine_map<(b, m, n, d, e) -> (b, m, d)>,
      affine_map<(b, m, n, d, e) -> (b, n, d)>, affine_map<(b, m, n, d, e) -> (b, n, e)>, affine_map<(b, m, n, d, e) -> (n)>,
      affine_map<(b, m, n, d, e) -> (b, m, e)>], scale = 0.125 : f64, nan_as_zero}
    : tensor<2x8x4xf32>, tensor<2x9x4xf32>, tensor<2x9x5xf32>, tensor<2x8x5xf32> -> tensor<2x8x5xf32>
  return %0 : tensor<2x8x5xf32>
}

// A row alone: lanes are better keys. The queries only change shape, keys and values are shared by heads, and the result is put in order.
// CHECK-LABEL: func.func @one_row
// CHECK: tensor.collapse_shape %arg0
// CHECK: tensor.expand_shape
// CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<?x2x4xf32>)
// CHECK: exec.matmul
// CHECK: exec.matmul
// CHECK: linalg.generic
// KEEP-LABEL: func.func @one_row
// KEEP-NOT: exec.attention
func.func @one_row(%q: tensor<1x6x4xf32>, %k: tensor<?x2x4xf32>, %v: tensor<?x2x5xf32>, %e: tensor<1x6x5xf32>) -> tensor<1x6x5xf32> {
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [affine_map<(h, m, n, d, e) -> (m, h, d)>,
      affine_map<(h, m, n, d, e) -> (n, h floordiv 3, d)>, affine_map<(h, m, n, d, e) -> (n, h floordiv 3, e)>,
      affine_map<(h, m, n, d, e) -> (m, h, e)>], scale = 0.125 : f64}
    : tensor<1x6x4xf32>, tensor<?x2x4xf32>, tensor<?x2x5xf32>, tensor<1x6x5xf32> -> tensor<1x6x5xf32>
  return %0 : tensor<1x6x5xf32>
}

// f16 is widened for the softmax and rounded for the product.
// CHECK-LABEL: func.func @halves
// CHECK: exec.matmul {{.*}} -> tensor<8x9xf32>
// CHECK: arith.truncf
// CHECK: exec.matmul {{.*}} -> tensor<8x5xf16>
// KEEP-LABEL: func.func @halves
// KEEP-NOT: exec.attention
func.func @halves(%q: tensor<8x4xf16>, %k: tensor<9x4xf16>, %v: tensor<9x5xf16>, %e: tensor<8x5xf16>) -> tensor<8x5xf16> {
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<8x4xf16>, tensor<9x4xf16>, tensor<9x5xf16>, tensor<8x5xf16> -> tensor<8x5xf16>
  return %0 : tensor<8x5xf16>
}
