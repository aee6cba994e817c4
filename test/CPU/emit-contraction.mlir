// RUN: split-file %s %t
// RUN: nncc-opt %t/product.mlir --cpu-emit-kernels="cpu=x86-64-v4 stage=vector" --canonicalize --cse | FileCheck %t/product.mlir
// RUN: nncc-opt %t/product.mlir --cpu-emit-kernels="cpu=x86-64 stage=vector" --canonicalize --cse | FileCheck %t/product.mlir --check-prefix=SSE
// RUN: nncc-opt %t/plain.mlir --cpu-emit-kernels="opt=0 stage=vector" --canonicalize --cse | FileCheck %t/plain.mlir
// RUN: nncc-opt %t/padded.mlir --cpu-emit-kernels="cpu=x86-64-v4 stage=vector" --canonicalize --cse | FileCheck %t/padded.mlir
// RUN: nncc-opt %t/depthwise.mlir --cpu-emit-kernels="cpu=x86-64-v3 stage=vector" --canonicalize --cse | FileCheck %t/depthwise.mlir
// RUN: nncc-opt %t/dynamic.mlir --cpu-emit-kernels="cpu=x86-64-v3 stage=vector" --canonicalize --cse | FileCheck %t/dynamic.mlir

//--- product.mlir

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
// SSE: scf.for {{.*}} -> (vector<4xf32>
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

//--- plain.mlir

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

//--- padded.mlir

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

//--- depthwise.mlir

// A vector of channels of one input pixel serves all outputs that read it: the second one is used twice.
// CHECK: func.func private @k.body
// CHECK: %[[FIRST:.*]] = vector.load %{{.*}} : memref<2048xf32>, vector<8xf32>
// CHECK: math.fma %[[FIRST]]
// CHECK: %[[SECOND:.*]] = vector.load %{{.*}} : memref<2048xf32>, vector<8xf32>
// CHECK: math.fma %[[SECOND]]
// CHECK: math.fma %[[SECOND]]
exec.kernel @k(%x: tensor<1x16x16x8xf32>, %w: tensor<1x1x9x16xf32>) -> tensor<1x14x14x8xf32> {
  %e = tensor.empty() : tensor<1x14x14x8xf32>
  %0 = exec.conv %x, %w outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 8 : i64,
      packed = array<i64: 8, 3, 3, 1, 1>} : tensor<1x16x16x8xf32>, tensor<1x1x9x16xf32>, tensor<1x14x14x8xf32> -> tensor<1x14x14x8xf32>
  exec.yield %0 : tensor<1x14x14x8xf32>
}

//--- dynamic.mlir

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
