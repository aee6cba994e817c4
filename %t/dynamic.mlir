
// Full tiles of 6 rows, then 4, 2 and 1: a dynamic size never costs a scalar loop.
// CHECK: func.func private @k.body
// CHECK: scf.for %{{.*}} step %c6
// CHECK: scf.if
// CHECK: scf.if
// CHECK: scf.if
// CHECK-NOT: memref.store
// CHECK: return
exec.kernel @k(%x: tensor<?x8xf32>, %w: tensor<1x1x8x16xf32>, %m: index) -> tensor<?x16xf32> {
  %e = tensor.empty(%m) : tensor<?x16xf32>
  %0 = exec.matmul %x, %w outs(%e) {packed = array<i64: 8, 16>} : tensor<?x8xf32>, tensor<1x1x8x16xf32>, tensor<?x16xf32> -> tensor<?x16xf32>
  exec.yield %0 : tensor<?x16xf32>
}
