// RUN: nncc-opt %s --cpu-emit-kernels="opt=0 stage=vector" | FileCheck %s
// RUN: nncc-opt %s --cpu-emit-kernels="opt=0" | FileCheck %s --check-prefix=LLVM

// A sum starts in the memory of the result, which the reshape behind it does not move.

// CHECK-LABEL: func.func private @sum.body
// CHECK-SAME:    %[[FAULT:.*]]: !llvm.ptr, %[[X:.*]]: !llvm.ptr {llvm.noalias, llvm.readonly}, %[[N:.*]]: index, %{{.*}}: index, %[[OUT:.*]]: !llvm.ptr {llvm.noalias}, %[[ROWS:.*]]: index, %{{.*}}: index, %{{.*}}: !llvm.ptr {llvm.noalias})
// CHECK-DAG:     %[[XS:.*]] = builtin.unrealized_conversion_cast %[[X]], %[[N]] : !llvm.ptr, index to memref<?x4xf32>
// CHECK-DAG:     %[[OUTS:.*]] = builtin.unrealized_conversion_cast %[[OUT]], %[[ROWS]] : !llvm.ptr, index to memref<?x1xf32>
// CHECK:         %[[SUM:.*]] = memref.reinterpret_cast %[[OUTS]] {{.*}} memref<?x1xf32> to memref<?xf32>
// CHECK:         scf.for
// CHECK-NEXT:      memref.store %{{.*}}, %[[SUM]]
// CHECK:         scf.for %[[I:.*]] = {{.*}} {
// CHECK-NEXT:      scf.for %[[J:.*]] = {{.*}} {
// CHECK-NEXT:        %[[A:.*]] = memref.load %[[XS]][%[[I]], %[[J]]]
// CHECK-NEXT:        %[[B:.*]] = memref.load %[[SUM]][%[[I]]]
// CHECK-NEXT:        %[[S:.*]] = arith.addf %[[A]], %[[B]]
// CHECK-NEXT:        memref.store %[[S]], %[[SUM]][%[[I]]]

// Slots: the fault word, the address and the dynamic dim of %x, %n, the address and the dynamic dim of the result.
// LLVM-LABEL: llvm.func @sum(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr)
// LLVM-COUNT-6: llvm.load
// LLVM:         llvm.call @sum.body
exec.kernel @sum(%x: tensor<?x4xf32>, %n: index) -> tensor<?x1xf32> {
  %zero = arith.constant 0.0 : f32
  %init = tensor.empty(%n) : tensor<?xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x4xf32>) outs(%fill : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %1 = tensor.expand_shape %0 [[0, 1]] output_shape [%n, 1] : tensor<?xf32> into tensor<?x1xf32>
  exec.yield %1 : tensor<?x1xf32>
}

// A result may share the memory of the argument that it overwrites: neither is noalias. The first fault wins.

// CHECK-LABEL: func.func private @zero_at.body
// CHECK-SAME:    %[[FAULT:.*]]: !llvm.ptr, %[[X:.*]]: !llvm.ptr {llvm.readonly}, %{{.*}}: index, %[[AT:.*]]: index, %[[OUT:.*]]: !llvm.ptr, %{{.*}}: index,
// CHECK:         scf.for
// CHECK:           memref.load
// CHECK:           memref.store
// CHECK:         scf.if
// CHECK:           llvm.cmpxchg %[[FAULT]]
// CHECK:           scf.if
// CHECK:             %[[VALUE:.*]] = llvm.getelementptr %[[FAULT]][8]
// CHECK:             llvm.store %{{.*}}, %[[VALUE]]
exec.kernel @zero_at(%x: tensor<?xf32>, %at: index) -> tensor<?xf32> attributes {may_alias = array<i64: 0>} {
  %zero = arith.constant 0.0 : f32
  %0 = exec.grid () outs(%x : tensor<?xf32>) {
  ^bb0(%out: memref<?xf32>):
    %c0 = arith.constant 0 : index
    %n = memref.dim %out, %c0 : memref<?xf32>
    %bad = arith.cmpi uge, %at, %n : index
    exec.fault %bad, 1, %at : index
    %clamped = arith.select %bad, %c0, %at : index
    memref.store %zero, %out[%clamped] : memref<?xf32>
    exec.yield
  } -> tensor<?xf32>
  exec.yield %0 : tensor<?xf32>
}
