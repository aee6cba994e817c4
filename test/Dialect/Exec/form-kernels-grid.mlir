// RUN: nncc-opt %s --exec-form-kernels | FileCheck %s

// A result that nothing uses is the grid's working memory. It is a buffer of the schedule, whose size may be known only at run time.
// CHECK: exec.kernel @[[KERNEL:.*]](%{{.*}}: tensor<?xf32>{{.*}}) -> (tensor<?xi64>, tensor<?xf32>)
// CHECK-LABEL: func.func @main
// CHECK: %[[BOTH:.*]]:2 = exec.launch @[[KERNEL]]
// CHECK: return %[[BOTH]]#1
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %places = tensor.empty(%n) : tensor<?xi64>
  %init = tensor.empty(%n) : tensor<?xf32>
  %r:2 = exec.grid (%n) ins(%x : tensor<?xf32>) outs(%places, %init : tensor<?xi64>, tensor<?xf32>) {
  ^bb0(%i: index, %in: memref<?xf32>, %place: memref<?xi64>, %out: memref<?xf32>):
    %v = memref.load %in[%i] : memref<?xf32>
    memref.store %v, %out[%i] : memref<?xf32>
    exec.yield
  } -> tensor<?xi64>, tensor<?xf32>
  return %r#1 : tensor<?xf32>
}
