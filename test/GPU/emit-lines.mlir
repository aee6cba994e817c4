// RUN: nncc-opt %s --gpu-emit-kernels=stage=loops | FileCheck %s

// A line of three tiles: each block sorts one in shared memory and keeps its first five elements, then one phase merges these.

// CHECK-LABEL: module @largest.device
// CHECK:         func.func @largest$0({{.*}}) attributes {nncc.threads = 512 : i32}
// CHECK:           scf.for {{.*}} to %c11
// CHECK:             scf.for
// CHECK:               nvvm.barrier
// CHECK:               arith.cmpf ogt
// CHECK:         func.func @largest$1({{.*}}) attributes {nncc.threads = 256 : i32}
// CHECK-NOT:       nvvm.barrier
// CHECK:           scf.while
// CHECK:             arith.cmpf ogt
// CHECK-NOT:     func.func @largest$2
// CHECK-LABEL: module @largest.host
exec.kernel @largest(%x: tensor<3x5000xf32>) -> (tensor<3x5xi64>, tensor<3x5xf32>) {
  %rows = arith.constant 3 : index
  %length = arith.constant 5000 : index
  %o = tensor.empty() : tensor<3x5xi64>
  %v = tensor.empty() : tensor<3x5xf32>
  %0:2 = exec.sort (%rows) length %length axis 1 ins(%x : tensor<3x5000xf32>) outs(%o, %v : tensor<3x5xi64>, tensor<3x5xf32>) key {
  ^bb0(%row: index, %i: index, %in: memref<3x5000xf32>):
    %1 = memref.load %in[%row, %i] : memref<3x5000xf32>
    exec.yield %1 : f32
  } before {
  ^bb0(%row: index, %i: index, %j: index, %a: f32, %b: f32, %in: memref<3x5000xf32>):
    %1 = arith.cmpf ogt, %a, %b : f32
    exec.yield %1 : i1
  } -> tensor<3x5xi64>, tensor<3x5xf32>
  exec.yield %0#0, %0#1 : tensor<3x5xi64>, tensor<3x5xf32>
}

// Sums of tiles, sums before tiles, and the result. A line of one tile needs no more than the last.

// CHECK-LABEL: module @sums.device
// CHECK:         func.func @sums$0
// CHECK:         func.func @sums$1
// CHECK:         func.func @sums$2
// CHECK-NOT:     func.func @sums$3
exec.kernel @sums(%x: tensor<5000xi64>) -> tensor<5000xi64> {
  %length = arith.constant 5000 : index
  %e = tensor.empty() : tensor<5000xi64>
  %0 = exec.scan () length %length axis 0 ins(%x : tensor<5000xi64>) outs(%e : tensor<5000xi64>) attributes {neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<5000xi64>):
    %1 = memref.load %in[%i] : memref<5000xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %b : i64
    exec.yield %1 : i64
  } -> tensor<5000xi64>
  exec.yield %0 : tensor<5000xi64>
}

// CHECK-LABEL: module @short.device
// CHECK:         func.func @short(
// CHECK-NOT:     func.func @short$
// CHECK-LABEL: module @short.host
exec.kernel @short(%x: tensor<500xi64>) -> tensor<500xi64> {
  %length = arith.constant 500 : index
  %e = tensor.empty() : tensor<500xi64>
  %0 = exec.scan () length %length axis 0 ins(%x : tensor<500xi64>) outs(%e : tensor<500xi64>) attributes {neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<500xi64>):
    %1 = memref.load %in[%i] : memref<500xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %b : i64
    exec.yield %1 : i64
  } -> tensor<500xi64>
  exec.yield %0 : tensor<500xi64>
}

// A transposition reads rows, and writes rows, through 32 x 33 elements of shared memory.

// CHECK-LABEL: module @transpose.device
// CHECK:         func.func @transpose(
// CHECK:           memref.view {{.*}} to memref<1056xf32, 3>
// CHECK:           memref.store {{.*}} memref<1056xf32, 3>
// CHECK:           nvvm.barrier
// CHECK:           memref.load {{.*}} memref<1056xf32, 3>
// CHECK:           memref.store {{.*}} memref<64x96xf32>
exec.kernel @transpose(%x: tensor<96x64xf32>) -> tensor<64x96xf32> {
  %e = tensor.empty() : tensor<64x96xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(a, b) -> (b, a)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<96x64xf32>) outs(%e : tensor<64x96xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<64x96xf32>
  exec.yield %0 : tensor<64x96xf32>
}
