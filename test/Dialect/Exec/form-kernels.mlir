// RUN: nncc-opt %s -split-input-file -exec-form-kernels=fuse=false | FileCheck %s

#map = affine_map<(d0) -> (d0)>

// CHECK-LABEL: exec.kernel @k0_exp(
// CHECK-SAME:    %[[X:.*]]: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: 0>}
// CHECK:         %[[INIT:.*]] = tensor.empty() : tensor<8xf32>
// CHECK:         %[[R:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<8xf32>) outs(%[[INIT]] : tensor<8xf32>)
// CHECK:         exec.yield %[[R]] : tensor<8xf32>
// CHECK-LABEL: func.func @main
// CHECK-NOT:     tensor.empty
// CHECK:         %[[L:.*]] = exec.launch @k0_exp(%{{.*}}) : (tensor<8xf32>) -> tensor<8xf32>
// CHECK:         return %[[L]]
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %init = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  } -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Sizes come in as arguments; a filled initial value is made inside; a value from around a body is an argument. The result of a grid
// starts as what the last argument holds.

// CHECK-LABEL: exec.kernel @k0_reduce_add(
// CHECK-SAME:    %[[X:.*]]: tensor<?x4xf32>, %[[N:.*]]: index) -> tensor<?xf32> attributes {may_alias = array<i64: -1>}
// CHECK:         %[[EMPTY:.*]] = tensor.empty(%[[N]]) : tensor<?xf32>
// CHECK:         %[[FILL:.*]] = linalg.fill
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<?x4xf32>) outs(%[[FILL]] : tensor<?xf32>)
// CHECK-LABEL: exec.kernel @k1_grid(
// CHECK-SAME:    %{{.*}}: index, %{{.*}}: index, %[[SUM:.*]]: tensor<?xf32>) -> tensor<?xf32>
// CHECK-SAME:    attributes {may_alias = array<i64: -1>, must_alias = array<i64: 2>}
// CHECK:         exec.grid({{.*}}) outs(%[[SUM]] : tensor<?xf32>)
// CHECK-LABEL: func.func @main
// CHECK:         %[[SYMBOL:.*]] = exec.symbol "n"
// CHECK-NEXT:    exec.launch @k0_reduce_add(%{{.*}}, %[[SYMBOL]]) : (tensor<?x4xf32>, index) -> tensor<?xf32>
// CHECK:         exec.launch @k1_grid
func.func @main(%x: tensor<?x4xf32>, %last: index) -> tensor<?xf32> {
  %n = exec.symbol "n"
  %zero = arith.constant 0.0 : f32
  %init = tensor.empty(%n) : tensor<?xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x4xf32>) outs(%fill : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %1 = exec.grid (%n) outs(%0 : tensor<?xf32>) {
  ^bb0(%i: index, %out: memref<?xf32>):
    memref.store %zero, %out[%last] : memref<?xf32>
    exec.yield
  } -> tensor<?xf32>
  return %1 : tensor<?xf32>
}
