// RUN: nncc-opt %s --cpu-emit-kernels="cpu=x86-64-v4 stage=vector" | FileCheck %s
// RUN: nncc-opt %s --cpu-emit-kernels="cpu=x86-64-v3"

// A tile is 64 rows of one head. Queries are transposed once; keys are broadcast from where they lie, 12 heads of 64 elements apart; the softmax
// goes over keys with rows as lanes; values are broadcast like keys; results are transposed in the end.
// CHECK-LABEL: func.func private @heads.tiles.body
// CHECK: return %c24
// CHECK-LABEL: func.func private @heads.body
// CHECK-COUNT-8: vector.shuffle
// CHECK: arith.mulf {{.*}} : vector<16xf32>
// CHECK: scf.for {{.*}} iter_args
// CHECK:   memref.load
// CHECK:   math.fma
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>)
// CHECK:   arith.cmpf ogt
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>)
// CHECK:   math.exp {{.*}} : vector<16xf32>
// CHECK: math.fma
// CHECK: arith.divf {{.*}} : vector<16xf32>
// CHECK-COUNT-8: vector.shuffle
// CHECK-NOT: math.fma
exec.kernel @heads(%q: tensor<128x12x64xf32>, %k: tensor<100x12x64xf32>, %v: tensor<100x12x64xf32>) -> tensor<128x12x64xf32> {
  %e = tensor.empty() : tensor<128x12x64xf32>
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [affine_map<(h, m, n, d, e) -> (m, h, d)>, affine_map<(h, m, n, d, e) -> (n, h, d)>,
      affine_map<(h, m, n, d, e) -> (n, h, e)>, affine_map<(h, m, n, d, e) -> (m, h, e)>], scale = 0.125 : f64}
    : tensor<128x12x64xf32>, tensor<100x12x64xf32>, tensor<100x12x64xf32>, tensor<128x12x64xf32> -> tensor<128x12x64xf32>
  exec.yield %0 : tensor<128x12x64xf32>
}
