// RUN: nncc-opt %s -exec-form-kernels --remarks-filter-missed=threads -verify-diagnostics -mlir-print-op-on-diagnostic=false

func.func @scatter(%x: tensor<8xf32>, %i: tensor<4xindex>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %n = arith.constant 8 : index
  %e = tensor.empty() : tensor<8xf32>
  // expected-remark @below {{grid runs on one thread of a CPU: what it does in one place depends on what it did in others}}
  %0 = exec.grid() ins(%i : tensor<4xindex>) outs(%x : tensor<8xf32>) {
  ^bb0(%at: memref<4xindex>, %out: memref<8xf32>):
    exec.yield
  } -> tensor<8xf32>
  // expected-remark @below {{grid runs on one thread of a CPU: its result starts with the elements of another tensor}}
  %1 = exec.grid(%n) ins(%i : tensor<4xindex>) outs(%0 : tensor<8xf32>) {
  ^bb0(%p: index, %at: memref<4xindex>, %out: memref<8xf32>):
    exec.yield
  } -> tensor<8xf32>
  %2 = exec.grid(%n) ins(%1 : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%p: index, %in: memref<8xf32>, %out: memref<8xf32>):
    exec.yield
  } -> tensor<8xf32>
  return %0, %1, %2 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}
