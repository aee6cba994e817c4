// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=50" | FileCheck %s

// 64 rows a block, 32 keys at once: 16 KB of queries, then scores, then values in 35,840 bytes of shared memory. No loop but that over keys, those over
// the depth and over the keys of a tile; in each step of these a thread adds 256 and 512 products. No score leaves the block. Before, the tiles that the
// mask hides from all rows are counted off; behind, they are done after all where a row saw nothing.

// CHECK-LABEL: module @attention.device
// CHECK:         func.func @attention(
// CHECK-SAME:      attributes {nncc.threads = 128 : i32, nvvm.minctasm = 2 : i32}
// CHECK-COUNT-8: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<3>
// CHECK:         scf.while
// CHECK:           llvm.load {{.*}} : !llvm.ptr<1> -> vector<4xf32>
// CHECK:           nvvm.barrier #nvvm.reduction<or>
// CHECK:         scf.while
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           nvvm.barrier
// CHECK-COUNT-4:   llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<3>
// CHECK-COUNT-4:   llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<3>
// CHECK:           nvvm.barrier
// CHECK:           scf.for {{.*}} iter_args
// CHECK-NOT:         scf.if
// CHECK-COUNT-256:   math.fma
// CHECK-NOT:         math.fma
// CHECK:             scf.yield
// CHECK-NOT:       scf.
// CHECK-COUNT-12:  nvvm.shfl.sync bfly
// CHECK:           nvvm.barrier
// CHECK-COUNT-16:  llvm.store {{.*}} : f32, !llvm.ptr<3>
// CHECK:           nvvm.bar.warp.sync
// CHECK:           scf.for {{.*}} iter_args
// CHECK-COUNT-512:   math.fma
// CHECK-NOT:         math.fma
// CHECK:             scf.yield
// CHECK:           scf.yield
// CHECK:         nvvm.barrier #nvvm.reduction<or>
// CHECK:         scf.condition
// CHECK-COUNT-8: llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
// CHECK-NOT:     llvm.store
// CHECK:       module @attention.host
// CHECK:         %[[BYTES:.*]] = arith.constant 35840 : i32
// CHECK:         %[[BLOCKS:.*]] = arith.constant 24 : i64
exec.kernel @attention(%q: tensor<1x128x12x64xf32>, %k: tensor<1x128x12x64xf32>, %v: tensor<1x128x12x64xf32>, %m: tensor<1x1x1x128xf32>) -> tensor<1x128x12x64xf32> {
  %e = tensor.empty() : tensor<1x128x12x64xf32>
  %0 = exec.attention %q, %k, %v masks(%m : tensor<1x1x1x128xf32>) outs(%e) {scale = 1.250000e-01 : f64, indexing_maps = [
      affine_map<(h, m, n, d, e) -> (0, m, h, d)>, affine_map<(h, m, n, d, e) -> (0, n, h, d)>, affine_map<(h, m, n, d, e) -> (0, n, h, e)>,
      affine_map<(h, m, n, d, e) -> (0, 0, 0, n)>, affine_map<(h, m, n, d, e) -> (0, m, h, e)>]}
    : tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32> -> tensor<1x128x12x64xf32>
  exec.yield %0 : tensor<1x128x12x64xf32>
}
