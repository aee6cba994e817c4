
// Three rows of two vectors, in registers from the first product to the store; the bias is loaded once for all rows.
// CHECK: func.func private @k.body
// CHECK: %[[SUMS:.*]]:6 = scf.for %[[K:.*]] = %c0 to %c8 step %c1 iter_args(
// CHECK-SAME: -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK:   %[[W0:.*]] = vector.load %{{.*}} : memref<256xf32>, vector<16xf32>
// CHECK:   %[[W1:.*]] = vector.load %{{.*}} : memref<256xf32>, vector<16xf32>
// CHECK:   memref.load
// CHECK:   %[[X0:.*]] = vector.broadcast
// CHECK:   math.fma %[[X0]], %[[W0]]
// CHECK:   math.fma %[[X0]], %[[W1]]
// CHECK:   memref.load
// CHECK:   %[[X1:.*]] = vector.broadcast
// CHECK:   math.fma %[[X1]], %[[W0]]
// CHECK: %[[BIAS:.*]] = vector.load %{{.*}} : memref<32xf32>, vector<16xf32>
// CHECK: %[[FIRST:.*]] = arith.addf %[[SUMS]]#0, %[[BIAS]] : vector<16xf32>
// CHECK: vector.store %[[FIRST]]
// CHECK: %[[SECOND:.*]] = arith.addf %[[SUMS]]#2, %[[BIAS]] : vector<16xf32>
// CHECK-NOT: memref.alloc
// SSE: scf.for
// SSE-SAME: vector<4xf32>
// SSE-NOT: math.fma
exec.kernel @k(%x: tensor<3x8xf32>, %w: tensor<1x2x8x16xf32>, %bias: tensor<32xf32>) -> tensor<3x32xf32> {
  %e = tensor.empty() : tensor<3x32xf32>
  %0 = exec.matmul %x, %w outs(%e) {packed = array<i64: 8, 32>} : tensor<3x8xf32>, tensor<1x2x8x16xf32>, tensor<3x32xf32> -> tensor<3x32xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<3x32xf32>, tensor<32xf32>) outs(%e : tensor<3x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<3x32xf32>
  exec.yield %1 : tensor<3x32xf32>
}

