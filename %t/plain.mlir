
// Level 0: a tile is a row; one scalar sum.
// CHECK: func.func private @k.tiles.body
// CHECK: return %c3
// CHECK: func.func private @k.body
// CHECK: scf.for %{{.*}} = %c0 to %c5 step %c1 {
// CHECK:   scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args(%{{.*}}) -> (f32)
// CHECK:     memref.load
// CHECK:     memref.load
// CHECK:   memref.store
exec.kernel @k(%x: tensor<3x8xf32>, %w: tensor<8x5xf32>) -> tensor<3x5xf32> {
  %e = tensor.empty() : tensor<3x5xf32>
  %0 = exec.matmul %x, %w outs(%e) : tensor<3x8xf32>, tensor<8x5xf32>, tensor<3x5xf32> -> tensor<3x5xf32>
  exec.yield %0 : tensor<3x5xf32>
}

