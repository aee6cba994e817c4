// RUN: nncc-opt %s --gpu-emit-kernels=stage=loops | FileCheck %s
// RUN: nncc-opt %s --gpu-emit-kernels=sm=50 | FileCheck %s --check-prefix=LLVM

// A thread has four neighbouring elements; the host says how many blocks there are.

// CHECK-LABEL: module @negate.device
// CHECK:         func.func @negate(%[[FAULT:.*]]: !llvm.ptr, %[[X:.*]]: !llvm.ptr {llvm.noalias, llvm.readonly}, %[[Y:.*]]: !llvm.ptr {llvm.noalias}, %[[WORKSPACE:.*]]: !llvm.ptr
// CHECK:           %[[BLOCK:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK:           scf.if
// CHECK:             %[[VECTOR:.*]] = vector.load {{.*}} {alignment = 16 : i64} : memref<1024xf32>, vector<4xf32>
// CHECK:             %[[NEGATED:.*]] = arith.negf %[[VECTOR]]
// CHECK:             vector.store %[[NEGATED]], {{.*}} {alignment = 16 : i64}
// CHECK-LABEL: module @negate.host
// CHECK:         func.func @negate.shape(%{{.*}}: !llvm.ptr, %[[LAUNCH:.*]]: !llvm.ptr)
// CHECK:           %[[ONE:.*]] = arith.constant 1 : i64
// CHECK:           llvm.store %[[ONE]], %[[LAUNCH]]
// LLVM:        llvm.func @negate({{.*}}) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 256, 1, 1>}
exec.kernel @negate(%x: tensor<4x16x16xf32>) -> tensor<4x16x16xf32> {
  %e = tensor.empty() : tensor<4x16x16xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b, c)>],
                       iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<4x16x16xf32>) outs(%e : tensor<4x16x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<4x16x16xf32>
  exec.yield %0 : tensor<4x16x16xf32>
}

// A row of softmax belongs to a warp, which keeps it in registers: it is read once and written once.

// CHECK-LABEL: module @softmax.device
// CHECK:         func.func @softmax(
// CHECK-COUNT-2:   vector.load {{.*}} memref<64x256xf32>, vector<4xf32>
// CHECK-NOT:       vector.load
// CHECK-COUNT-5:   nvvm.shfl.sync bfly
// CHECK:           arith.maximumf
// CHECK-NOT:       vector.load
// CHECK-COUNT-5:   nvvm.shfl.sync bfly
// CHECK-NOT:       vector.load
// CHECK-COUNT-2:   vector.store
// CHECK-NOT:       nvvm.barrier0
// CHECK-LABEL: module @softmax.host
exec.kernel @softmax(%x: tensor<64x256xf32>) -> tensor<64x256xf32> {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %row = tensor.empty() : tensor<64xf32>
  %whole = tensor.empty() : tensor<64x256xf32>
  %f0 = linalg.fill ins(%lowest : f32) outs(%row : tensor<64xf32>) -> tensor<64xf32>
  %max = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<64x256xf32>) outs(%f0 : tensor<64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.maximumf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<64xf32>
  %exp = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<64x256xf32>, tensor<64xf32>) outs(%whole : tensor<64x256xf32>) {
  ^bb0(%in: f32, %m: f32, %out: f32):
    %1 = arith.subf %in, %m : f32
    %2 = math.exp %1 : f32
    linalg.yield %2 : f32
  } -> tensor<64x256xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%row : tensor<64xf32>) -> tensor<64xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>], iterator_types = ["parallel", "reduction"]}
      ins(%exp : tensor<64x256xf32>) outs(%f1 : tensor<64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<64xf32>
  %div = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<64x256xf32>, tensor<64xf32>) outs(%whole : tensor<64x256xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %1 = arith.divf %in, %s : f32
    linalg.yield %1 : f32
  } -> tensor<64x256xf32>
  exec.yield %div : tensor<64x256xf32>
}

// What a result of a grid starts with is written by a phase of its own.

// CHECK-LABEL: module @scatter.device
// CHECK:         func.func @scatter$0(
// CHECK:           memref.load {{.*}} : memref<8xf32>
// CHECK:           memref.store {{.*}} : memref<8xf32>
// CHECK:         func.func @scatter$1(
// CHECK:           llvm.cmpxchg
// CHECK:           memref.store {{.*}} : memref<8xf32>
// CHECK-LABEL: module @scatter.host
// CHECK:         func.func @scatter.0.shape
// CHECK:         func.func @scatter.1.shape
exec.kernel @scatter(%x: tensor<8xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) -> tensor<8xf32> {
  %n = arith.constant 3 : index
  %0 = exec.grid (%n) ins(%i, %u : tensor<3xi64>, tensor<3xf32>) outs(%x : tensor<8xf32>) {
  ^bb0(%p: index, %index: memref<3xi64>, %update: memref<3xf32>, %out: memref<8xf32>):
    %size = arith.constant 8 : index
    %zero = arith.constant 0 : index
    %1 = memref.load %index[%p] : memref<3xi64>
    %2 = arith.index_cast %1 : i64 to index
    %bad = arith.cmpi uge, %2, %size : index
    exec.fault %bad, 1, %2 : index
    %3 = arith.select %bad, %zero, %2 : index
    %4 = memref.load %update[%p] : memref<3xf32>
    memref.store %4, %out[%3] : memref<8xf32>
    exec.yield
  } -> tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}

// Rows whose numbers are data are read by 128 bits, and a number is checked once, whatever the steps along its row. Numbers of 64 bits, one
// a row, make no vector shorter.

// CHECK-LABEL: module @rows.device
// CHECK:         llvm.cmpxchg
// CHECK-NOT:     llvm.cmpxchg
// CHECK:         vector.load {{.*}} : memref<37x256xf32>, vector<4xf32>
// CHECK-NOT:     llvm.cmpxchg
// CHECK:         vector.load {{.*}} : memref<37x256xf32>, vector<4xf32>
// CHECK-NOT:     llvm.cmpxchg
// CHECK-LABEL: module @rows.host
exec.kernel @rows(%x: tensor<37x256xf32>, %i: tensor<8xi64>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8x256xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r)>, affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]}
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
  %none = arith.constant 0.0 : f32
  %row = tensor.empty() : tensor<8xf32>
  %fill = linalg.fill ins(%none : f32) outs(%row : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>, affine_map<(r, c) -> (r)>], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<8x256xf32>) outs(%fill : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  exec.yield %sum : tensor<8xf32>
}

// Rows of six elements begin where accesses of 64 bits may, and those of 128 may not.

// CHECK-LABEL: module @odd_rows.device
// CHECK:         vector.load {{.*}} : memref<9x6xf32>, vector<2xf32>
// CHECK-LABEL: module @odd_rows.host
exec.kernel @odd_rows(%x: tensor<9x6xf32>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<8x4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(r, c) -> (r, c)>], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<8x4xf32>) {
  ^bb0(%out: f32):
    %one = arith.constant 1 : index
    %r = linalg.index 0 : index
    %c = linalg.index 1 : index
    %1 = arith.addi %r, %one : index
    %2 = tensor.extract %x[%1, %c] : tensor<9x6xf32>
    linalg.yield %2 : f32
  } -> tensor<8x4xf32>
  exec.yield %0 : tensor<8x4xf32>
}
