
// The lines of a block are copied with their surroundings; then a tap line is one run of 3 pixels x 4 channels, without checks.
// CHECK: func.func private @k.body
// CHECK: memref.store %cst
// CHECK: scf.if
// CHECK:   vector.load %{{.*}} : memref<4096xf32>, vector<16xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(
// CHECK:   scf.for %{{.*}} = %c0 to %c12 step %c1 iter_args(
// CHECK-NOT: scf.if
// CHECK:     math.fma
// CHECK:     scf.yield
exec.kernel @k(%x: tensor<1x32x32x4xf32>, %w: tensor<1x1x36x16xf32>) -> tensor<1x32x32x16xf32> {
  %e = tensor.empty() : tensor<1x32x32x16xf32>
  %0 = exec.conv %x, %w outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64,
      packed = array<i64: 1, 3, 3, 4, 16>} : tensor<1x32x32x4xf32>, tensor<1x1x36x16xf32>, tensor<1x32x32x16xf32> -> tensor<1x32x32x16xf32>
  exec.yield %0 : tensor<1x32x32x16xf32>
}

