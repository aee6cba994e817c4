// RUN: nncc-opt %s --cpu-emit-kernels="opt=3 stage=vector" --canonicalize --cse | FileCheck %s

#all = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d1)>
#nc = affine_map<(d0, d1) -> (d0, d1)>
#n = affine_map<(d0, d1) -> (d0)>
#c = affine_map<(d0, d1) -> (d1)>

// Dims that are adjacent in all operands are one loop; what is left over by whole vectors is masked.

// CHECK-LABEL: func.func private @add.body
// CHECK-COUNT-3: memref.collapse_shape %{{.*}} {{\[\[}}0, 1, 2, 3]] : memref<2x3x5x7xf32> into memref<210xf32>
// CHECK:         scf.for %{{.*}} = %{{.*}} to %c208 step %c16
// CHECK-COUNT-2:   vector.load {{.*}} vector<16xf32>
// CHECK:           arith.addf {{.*}} : vector<16xf32>
// CHECK:           vector.store
// CHECK:         %[[MASK:.*]] = vector.constant_mask [2] : vector<16xi1>
// CHECK-COUNT-2: vector.maskedload %{{.*}}, %[[MASK]]
// CHECK:         vector.maskedstore %{{.*}}, %[[MASK]]
exec.kernel @add(%x: tensor<2x3x5x7xf32>, %y: tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32> {
  %init = tensor.empty() : tensor<2x3x5x7xf32>
  %0 = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %y : tensor<2x3x5x7xf32>, tensor<2x3x5x7xf32>) outs(%init : tensor<2x3x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x3x5x7xf32>
  exec.yield %0 : tensor<2x3x5x7xf32>
}

// A bias for each channel keeps rows, whose indices are counted up, and is the same for all lanes.

// CHECK-LABEL: func.func private @bias.body
// CHECK:         memref.collapse_shape %{{.*}} {{\[\[}}0], [1], [2, 3]]
// CHECK:         scf.for {{.*}} iter_args(%[[N:.*]] = %{{.*}}, %[[C:.*]] = %{{.*}}) -> (index, index)
// CHECK:           scf.for
// CHECK:             vector.load %{{.*}}[%[[N]], %[[C]], %{{.*}}]
// CHECK:             %[[BIAS:.*]] = memref.load %{{.*}}[%[[C]]]
// CHECK:             vector.broadcast %[[BIAS]] : f32 to vector<16xf32>
exec.kernel @bias(%x: tensor<2x3x5x7xf32>, %y: tensor<3xf32>) -> tensor<2x3x5x7xf32> {
  %init = tensor.empty() : tensor<2x3x5x7xf32>
  %0 = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %y : tensor<2x3x5x7xf32>, tensor<3xf32>) outs(%init : tensor<2x3x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x3x5x7xf32>
  exec.yield %0 : tensor<2x3x5x7xf32>
}

// A row is summed in four times sixteen lanes, which are added in a fixed order; the quotient is computed while the sum is in
// a register.

// CHECK-LABEL: func.func private @normalize.body
// CHECK:         scf.for
// CHECK:           %[[SUMS:.*]]:4 = scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK:           arith.addf %[[SUMS]]#0, %[[SUMS]]#1
// CHECK:           vector.shuffle {{.*}} [8, 9, 10, 11, 12, 13, 14, 15]
// CHECK:           %[[TOTAL:.*]] = arith.addf {{.*}} : f32
// CHECK:           scf.for
// CHECK:             vector.broadcast %[[TOTAL]]
// CHECK:             arith.divf
exec.kernel @normalize(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
  %zero = arith.constant 1.0 : f32
  %row = tensor.empty() : tensor<8xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%row : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [#nc, #n], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<8x128xf32>) outs(%fill : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  // Reductions keep their dim with size 1: the kernel looks through that.
  %kept = tensor.expand_shape %sum [[0, 1]] output_shape [8, 1] : tensor<8xf32> into tensor<8x1xf32>
  %init = tensor.empty() : tensor<8x128xf32>
  %0 = linalg.generic {indexing_maps = [#nc, affine_map<(d0, d1) -> (d0, 0)>, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%x, %kept : tensor<8x128xf32>, tensor<8x1xf32>) outs(%init : tensor<8x128xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8x128xf32>
  exec.yield %0 : tensor<8x128xf32>
}

// Sums of columns are vectors of sums.

// CHECK-LABEL: func.func private @columns.body
// CHECK:         scf.for
// CHECK:           %[[SUMS:.*]]:4 = scf.for
// CHECK:             vector.load %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x256xf32>, vector<16xf32>
// CHECK-COUNT-4:   vector.store %[[SUMS]]
exec.kernel @columns(%x: tensor<?x256xf32>) -> tensor<256xf32> {
  %zero = arith.constant 0.0 : f32
  %row = tensor.empty() : tensor<256xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%row : tensor<256xf32>) -> tensor<256xf32>
  %sum = linalg.generic {indexing_maps = [#nc, #c], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x256xf32>) outs(%fill : tensor<256xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<256xf32>
  exec.yield %sum : tensor<256xf32>
}

// A row whose number is data is read by whole vectors: its number, of 64 bits, is the same in all lanes. The check leaves the loop.

// CHECK-LABEL: func.func private @row.body
// CHECK:         %[[INDEX:.*]] = memref.load %{{.*}} : memref<8xi64>
// CHECK:         llvm.cmpxchg
// CHECK:         scf.for %{{.*}} = %c0 to %c256 step %c16
// CHECK-NEXT:      vector.load {{.*}} : memref<37x256xf32>, vector<16xf32>
// CHECK-NEXT:      vector.store
exec.kernel @row(%x: tensor<37x256xf32>, %i: tensor<8xi64>) -> tensor<8x256xf32> {
  %e = tensor.empty() : tensor<8x256xf32>
  %0 = linalg.generic {indexing_maps = [#n, #nc], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<8xi64>) outs(%e : tensor<8x256xf32>) {
  ^bb0(%in: i64, %out: f32):
    %size = arith.constant 37 : index
    %zero = arith.constant 0 : index
    %c = linalg.index 1 : index
    %1 = arith.index_cast %in : i64 to index
    %bad = arith.cmpi uge, %1, %size : index
    exec.fault %bad, 1, %1 : index
    %2 = arith.select %bad, %zero, %1 : index
    %3 = tensor.extract %x[%2, %c] : tensor<37x256xf32>
    linalg.yield %3 : f32
  } -> tensor<8x256xf32>
  exec.yield %0 : tensor<8x256xf32>
}
