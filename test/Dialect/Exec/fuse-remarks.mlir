// RUN: nncc-opt %s -split-input-file -exec-form-kernels --remarks-filter-missed=fusion -verify-diagnostics -mlir-print-op-on-diagnostic=false

#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>
#line = affine_map<(d0) -> (d0)>

// A column of factors would be computed again for each row, and a reduction is no tile.
func.func @rows(%x: tensor<64x100xf32>, %w: tensor<100x100xf32>, %c: tensor<100xf32>) -> (tensor<64x100xf32>, tensor<64xf32>) {
  %zero = arith.constant 0.0 : f32
  %init = tensor.empty() : tensor<64x100xf32>
  %i = tensor.empty() : tensor<100xf32>
  %e = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%c : tensor<100xf32>) outs(%i : tensor<100xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<100xf32>
  // expected-remark @below {{mul is not fused with exp: one of them has a loop that the other lacks}}
  %m = linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %e : tensor<64x100xf32>, tensor<100xf32>) outs(%init : tensor<64x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<64x100xf32>
  // expected-remark @below {{matmul is not fused with mul: computes an operand of the contraction}}
  %p = exec.matmul %m, %w outs(%init) : tensor<64x100xf32>, tensor<100x100xf32>, tensor<64x100xf32> -> tensor<64x100xf32>
  %rows = tensor.empty() : tensor<64xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%rows : tensor<64xf32>) -> tensor<64xf32>
  // expected-remark @below {{reduce_add is not fused with matmul: a reduction needs whole rows of the contraction's result}}
  %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<64x100xf32>) outs(%s0 : tensor<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<64xf32>
  return %p, %s : tensor<64x100xf32>, tensor<64xf32>
}

// -----

#line = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// One sum over a million elements has no rows; a grid is alone; what reads at computed positions needs the whole tensor.
func.func @alone(%x: tensor<1048576xf32>) -> (tensor<f32>, tensor<1048576xf32>) {
  %zero = arith.constant 0.0 : f32
  %i = tensor.empty() : tensor<1048576xf32>
  %e = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%x : tensor<1048576xf32>) outs(%i : tensor<1048576xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<1048576xf32>
  %s0 = tensor.empty() : tensor<f32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<f32>) -> tensor<f32>
  // expected-remark @below {{reduce_add is not fused with exp: too few rows would be left for the threads}}
  %s = linalg.generic {indexing_maps = [#line, #none], iterator_types = ["reduction"]}
      ins(%e : tensor<1048576xf32>) outs(%s1 : tensor<f32>) {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<f32>
  // expected-remark @below {{gather is not fused with exp: reads it at positions that it computes}}
  %g = linalg.generic {indexing_maps = [#line], iterator_types = ["parallel"]} outs(%i : tensor<1048576xf32>) {
  ^bb0(%o: f32):
    %p = linalg.index 0 : index
    %last = arith.constant 1048575 : index
    %q = arith.subi %last, %p : index
    %r = tensor.extract %e[%q] : tensor<1048576xf32>
    linalg.yield %r : f32
  } -> tensor<1048576xf32>
  // expected-remark @below {{grid is not fused with gather: an exec.grid is a kernel of its own}}
  // expected-remark @below {{grid is not fused with exp: an exec.grid is a kernel of its own}}
  %h = exec.grid () ins(%e : tensor<1048576xf32>) outs(%g : tensor<1048576xf32>) {
  ^bb0(%in: memref<1048576xf32>, %out: memref<1048576xf32>):
    exec.yield
  } -> tensor<1048576xf32>
  return %s, %h : tensor<f32>, tensor<1048576xf32>
}

// -----

#line = affine_map<(d0) -> (d0)>

// The schedule reads an element of the first before the second: they cannot be one kernel.
func.func @between(%x: tensor<8xf32>) -> tensor<8xf32> {
  %zero = arith.constant 0 : index
  %i = tensor.empty() : tensor<8xf32>
  %e = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%i : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  %first = tensor.extract %e[%zero] : tensor<8xf32>
  // expected-remark @below {{mul is not fused with exp: another kernel would have to run in between}}
  %m = linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%e : tensor<8xf32>) outs(%i : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %first : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  return %m : tensor<8xf32>
}
