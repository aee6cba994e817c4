// RUN: nncc-opt %s --exec-plan-memory=separate | FileCheck %s

// Under AddressSanitizer each buffer is allocated by itself, in the run.

// CHECK: exec.plan = {bound = 0 : i64, bytes = 0 : i64
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = exec.alloc() : memref<8xf32>
// CHECK: exec.launch @k0_reverse(%arg0) outs(%[[A]]
// CHECK: %[[B:.*]] = exec.alloc() : memref<8xf32>
// CHECK: exec.launch @k0_reverse(%[[A]]) outs(%[[B]]
// CHECK: %[[Y:.*]] = exec.output 0()
// CHECK: exec.launch @k0_reverse(%[[B]]) outs(%[[Y]]
exec.kernel @k0_reverse(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = tensor.empty() : tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (7 - d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%0 : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<8xf32>
  exec.yield %1 : tensor<8xf32>
}
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = exec.launch @k0_reverse(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = exec.launch @k0_reverse(%0) : (tensor<8xf32>) -> tensor<8xf32>
  %2 = exec.launch @k0_reverse(%1) : (tensor<8xf32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}
