// RUN: nncc-opt %s --cpu-hoist-faults | FileCheck %s

// CHECK-LABEL: func.func @row
// CHECK:         %[[INDEX:.*]] = builtin.unrealized_conversion_cast %arg0
// CHECK:         %[[RUNS:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : index
// CHECK:         scf.if %[[RUNS]] {
// CHECK-NEXT:      %[[I:.*]] = memref.load %[[INDEX]][]
// CHECK-NEXT:      %[[BAD:.*]] = arith.cmpi uge, %[[I]]
// CHECK-NEXT:      exec.fault %[[BAD]], 1, %[[I]]
// CHECK:           scf.for
// CHECK-NEXT:        memref.store
func.func @row(%p: !llvm.ptr {llvm.noalias, llvm.readonly}, %to: memref<?xindex>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %index = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<index>
  scf.for %j = %c0 to %n step %c1 {
    %i = memref.load %index[] : memref<index>
    %bad = arith.cmpi uge, %i, %n : index
    exec.fault %bad, 1, %i : index
    memref.store %i, %to[%j] : memref<?xindex>
  }
  return
}

// What may be written in the loop is read in it; what differs is checked each time.

// CHECK-LABEL: func.func @stays
// CHECK:         scf.for
// CHECK-NEXT:      memref.load
// CHECK:           exec.fault
func.func @stays(%p: !llvm.ptr {llvm.readonly}, %to: memref<?xindex>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %index = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<index>
  scf.for %j = %c0 to %n step %c1 {
    %i = memref.load %index[] : memref<index>
    %bad = arith.cmpi uge, %i, %n : index
    exec.fault %bad, 1, %i : index
    memref.store %i, %to[%j] : memref<?xindex>
  }
  return
}
