// RUN: nncc-opt %s -split-input-file -exec-form-kernels | FileCheck %s

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Softmax: the maximum, the exponentials and their sum share the rows. The argument may be overwritten.
// CHECK-LABEL: exec.kernel @k0_reduce_max_exp_reduce_add_div(
// CHECK-SAME:    %{{.*}}: tensor<64x100xf32>) -> tensor<64x100xf32> attributes {may_alias = array<i64: 0>}
// CHECK-NOT:   exec.kernel
// CHECK:       func.func @main
// CHECK-NEXT:    exec.launch @k0_reduce_max_exp_reduce_add_div(%{{.*}}) : (tensor<64x100xf32>) -> tensor<64x100xf32>
// CHECK-NEXT:    return
func.func @main(%x: tensor<64x100xf32>) -> tensor<64x100xf32> {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %rows = tensor.empty() : tensor<64xf32>
  %init = tensor.empty() : tensor<64x100xf32>
  %m0 = linalg.fill ins(%lowest : f32) outs(%rows : tensor<64xf32>) -> tensor<64xf32>
  %m = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<64x100xf32>) outs(%m0 : tensor<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.maximumf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<64xf32>
  %e = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<64x100xf32>, tensor<64xf32>) outs(%init : tensor<64x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  } -> tensor<64x100xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%rows : tensor<64xf32>) -> tensor<64xf32>
  %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<64x100xf32>) outs(%s0 : tensor<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<64xf32>
  %q = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%e, %s : tensor<64x100xf32>, tensor<64xf32>) outs(%init : tensor<64x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<64x100xf32>
  return %q : tensor<64x100xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>

// Elementwise operations and a transposition share all loops; a reshape that only drops a dim of size 1 is inside.
// CHECK-LABEL: exec.kernel @k0_exp_transpose_log(
// CHECK-SAME:    -> tensor<4x8xf32> attributes {may_alias = array<i64: -1>}
// CHECK:         tensor.collapse_shape
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    exec.launch
// CHECK-NEXT:    return
func.func @main(%x: tensor<8x4xf32>) -> tensor<4x8xf32> {
  %a0 = tensor.empty() : tensor<8x4x1xf32>
  %b0 = tensor.empty() : tensor<4x8xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<8x4xf32>) outs(%a0 : tensor<8x4x1xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = math.exp %p : f32
    linalg.yield %r : f32
  } -> tensor<8x4x1xf32>
  %v = tensor.collapse_shape %a [[0], [1, 2]] : tensor<8x4x1xf32> into tensor<8x4xf32>
  %t = linalg.generic {indexing_maps = [#turned, #all], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<8x4xf32>) outs(%b0 : tensor<4x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  } -> tensor<4x8xf32>
  %l = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<4x8xf32>) outs(%b0 : tensor<4x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %r = math.log %p : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %l : tensor<4x8xf32>
}

// -----

#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
#kept = affine_map<(d0, d1) -> (0, d1)>
#one = affine_map<(d0, d1) -> ()>

// The sums of the columns would all have to be kept while the sum of everything is made; that a reshape is between them changes nothing.
// CHECK-LABEL: exec.kernel @k0_reduce_add_div(
// CHECK:       exec.kernel @k1_reduce_add(
func.func @main(%x: tensor<?x?xf32>, %n: index, %m: index) -> tensor<f32> {
  %zero = arith.constant 0.0 : f32
  %columns = tensor.empty(%m) : tensor<?xf32>
  %init = tensor.empty(%n, %m) : tensor<?x?xf32>
  %scalar = tensor.empty() : tensor<f32>
  %s0 = linalg.fill ins(%zero : f32) outs(%columns : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x?xf32>) outs(%s0 : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %e = tensor.expand_shape %s [[0, 1]] output_shape [1, %m] : tensor<?xf32> into tensor<1x?xf32>
  %q = linalg.generic {indexing_maps = [#all, #kept, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %e : tensor<?x?xf32>, tensor<1x?xf32>) outs(%init : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %t0 = linalg.fill ins(%zero : f32) outs(%scalar : tensor<f32>) -> tensor<f32>
  %t = linalg.generic {indexing_maps = [#all, #one], iterator_types = ["reduction", "reduction"]}
      ins(%q : tensor<?x?xf32>) outs(%t0 : tensor<f32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  return %t : tensor<f32>
}
