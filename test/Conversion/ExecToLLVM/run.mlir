// RUN: nncc-opt %s -split-input-file -convert-exec-to-llvm | FileCheck %s

// A launch gets, behind the runtime's slot, addresses and dynamic sizes; what fails ends the run with its status.

// CHECK-NOT:   exec.kernel
// CHECK-LABEL: llvm.func @run(
// CHECK-SAME:    %[[FRAME:.*]]: !llvm.ptr) -> i32
// CHECK:         %[[SLOTS:.*]] = llvm.mlir.constant(6 : i64)
// CHECK:         %[[ARGS:.*]] = llvm.alloca %[[SLOTS]] x i64
// CHECK:         %[[INPUTS:.*]] = llvm.getelementptr %[[FRAME]][40]
// CHECK:         %[[TABLE:.*]] = llvm.load %[[INPUTS]]
// CHECK:         %[[FIRST:.*]] = llvm.getelementptr %[[TABLE]][0]
// CHECK:         %[[X:.*]] = llvm.load %[[FIRST]]
// CHECK:       ^bb1(%[[IN:.*]]: !llvm.ptr, %{{.*}}: i64):
// CHECK:         %[[SYMBOLS:.*]] = llvm.getelementptr %[[FRAME]][8]
// CHECK:         %[[NAMES:.*]] = llvm.load %[[SYMBOLS]]
// CHECK:         %[[SECOND:.*]] = llvm.getelementptr %[[NAMES]][8]
// CHECK:         %[[N:.*]] = llvm.load %[[SECOND]] : !llvm.ptr -> i64
// CHECK:         %[[ARENA:.*]] = llvm.getelementptr %[[FRAME]][24]
// CHECK:         %[[OFFSETS:.*]] = llvm.getelementptr %[[FRAME]][16]
// CHECK:         llvm.getelementptr %{{.*}}[24]
// CHECK:         %[[BUFFER:.*]] = llvm.getelementptr %{{.*}}[%{{.*}}] : (!llvm.ptr, i64) -> !llvm.ptr, i8
// CHECK:         %[[A1:.*]] = llvm.getelementptr %[[ARGS]][1]
// CHECK:         llvm.store %[[IN]], %[[A1]]
// CHECK:         %[[A2:.*]] = llvm.getelementptr %[[ARGS]][2]
// CHECK:         llvm.store %[[N]], %[[A2]]
// CHECK:         %[[A3:.*]] = llvm.getelementptr %[[ARGS]][3]
// CHECK:         llvm.store %[[N]], %[[A3]]
// CHECK:         %[[A4:.*]] = llvm.getelementptr %[[ARGS]][4]
// CHECK:         llvm.store %[[BUFFER]], %[[A4]]
// CHECK:         %[[A5:.*]] = llvm.getelementptr %[[ARGS]][5]
// CHECK:         llvm.store %[[N]], %[[A5]]
// CHECK:         %[[KERNEL:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         %[[STATUS:.*]] = llvm.call %{{.*}}(%[[FRAME]], %[[KERNEL]], %[[ARGS]])
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK:         %[[FAILED:.*]] = llvm.icmp "slt" %[[STATUS]], %[[ZERO]]
// CHECK:         llvm.cond_br %[[FAILED]], ^[[END:.*]](%[[STATUS]] : i32), ^
// CHECK:         llvm.getelementptr %{{.*}}[48]
// CHECK:         %[[OUT:.*]] = llvm.call %{{.*}}(%[[FRAME]], %{{.*}}, %[[ARGS]]) : {{.*}} -> !llvm.ptr
// CHECK:         %[[NULL:.*]] = llvm.mlir.zero
// CHECK:         llvm.icmp "eq" %[[OUT]], %[[NULL]]
// CHECK:         "llvm.intr.memcpy"(%[[OUT]], %[[BUFFER]], %{{.*}})
// CHECK:         llvm.return
// CHECK:       ^[[END]](%[[E:.*]]: i32):
// CHECK-NEXT:    llvm.return %[[E]] : i32
module attributes {exec.symbols = ["m", "n"], exec.plan = {slots = [], carries = 0 : i64}} {
  exec.kernel @k0(%x: tensor<8xf32>) -> tensor<8xf32> {
    exec.yield %x : tensor<8xf32>
  }
  exec.kernel @k1(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
    exec.yield %x : tensor<?xf32>
  }
  func.func @main(%arg: memref<?xf32>) {
    %n = exec.symbol "n"
    %x = exec.input %arg(%n) : memref<?xf32>
    %0 = exec.buffer slot 3(%n) : memref<?xf32>
    exec.launch @k1(%x, %n) outs(%0 : memref<?xf32>) : (memref<?xf32>, index) -> ()
    %1 = exec.output 0(%n) : memref<?xf32>
    exec.copy %0 to %1 : memref<?xf32> to memref<?xf32>
    return
  }
}

// -----

// The bytes of each slot.
// CHECK-LABEL: llvm.func @sizes(
// CHECK-SAME:    %[[SYMBOLS:.*]]: !llvm.ptr, %[[BYTES:.*]]: !llvm.ptr)
// CHECK:         %[[A:.*]] = llvm.getelementptr %[[SYMBOLS]][0]
// CHECK:         %[[N:.*]] = llvm.load %[[A]] : !llvm.ptr -> i64
// CHECK:         %[[FIRST:.*]] = llvm.getelementptr %[[BYTES]][0]
// CHECK:         llvm.store %{{.*}}, %[[FIRST]] : i64, !llvm.ptr
// CHECK:         %[[SECOND:.*]] = llvm.getelementptr %[[BYTES]][1]
// CHECK:         llvm.store %[[N]], %[[SECOND]] : i64, !llvm.ptr
// CHECK:         llvm.return
module attributes {exec.symbols = ["n"]} {
  func.func @sizes() -> (index, index) {
    %n = exec.symbol "n"
    %c = arith.constant 64 : index
    return %c, %n : index, index
  }
}

// -----

// Memory of the run: a size that is negative or too large is asked for as -1, which the runtime refuses.
// CHECK-LABEL: llvm.func @run(
// CHECK:         llvm.intr.smul.with.overflow
// CHECK:         %[[BAD:.*]] = llvm.or
// CHECK:         %[[REFUSED:.*]] = llvm.mlir.constant(-1 : i64)
// CHECK:         llvm.select %[[BAD]], %[[REFUSED]]
// CHECK:         llvm.getelementptr %{{.*}}[16]
// CHECK:         %[[MARK:.*]] = llvm.call {{.*}} : !llvm.ptr, (!llvm.ptr) -> i64
// CHECK:         llvm.getelementptr %{{.*}}[40]
// CHECK:         llvm.call {{.*}} : !llvm.ptr, (!llvm.ptr, i32, !llvm.ptr, i64) -> !llvm.ptr
// CHECK:         llvm.getelementptr %{{.*}}[32]
// CHECK:         llvm.call %{{.*}}(%{{.*}}, %[[MARK]]) : !llvm.ptr, (!llvm.ptr, i64) -> ()
func.func @main(%size: memref<i64>) {
  %0 = memref.load %size[] : memref<i64>
  %n = arith.index_cast %0 : i64 to index
  %1 = exec.alloc(%n) : memref<?x4xf32>
  %mark = exec.mark
  %2 = exec.carry 0, %1 : memref<?x4xf32> -> memref<?x4xf32>
  exec.release %mark
  return
}

// -----

// A check ends the run with its message; constants are data of the module; control flow becomes branches.
// CHECK-DAG:   llvm.mlir.global internal constant @message_0("no\00")
// CHECK-DAG:   llvm.mlir.global internal constant @constant_0(dense<[3, 4]> : tensor<2xi64>) {{.*}} : !llvm.array<2 x i64>
// CHECK-DAG:   llvm.mlir.global internal constant @constant_1(7 : i64) {{.*}} : i64
// CHECK-LABEL: llvm.func @run(
// CHECK:         %[[K:.*]] = llvm.mlir.addressof @constant_0
// CHECK:         llvm.mlir.addressof @constant_1
// CHECK:         llvm.cond_br %{{.*}}, ^[[NEXT:.*]], ^[[FAIL:.*]]
// CHECK:       ^[[FAIL]]:
// CHECK:         %[[TEXT:.*]] = llvm.mlir.addressof @message_0
// CHECK:         llvm.getelementptr %{{.*}}[56]
// CHECK:         %[[STATUS:.*]] = llvm.call %{{.*}}(%{{.*}}, %[[TEXT]])
// CHECK:         llvm.br ^[[END:.*]](%[[STATUS]] : i32)
// CHECK:       ^[[NEXT]]:
// CHECK:         llvm.return
// CHECK:       ^[[END]](
memref.global "private" constant @constant_0 : memref<2xindex> = dense<[3, 4]>
memref.global "private" constant @constant_1 : memref<i64> = dense<7>
func.func @main() {
  %0 = memref.get_global @constant_0 : memref<2xindex>
  %1 = memref.get_global @constant_1 : memref<i64>
  %2 = memref.load %1[] : memref<i64>
  %i = arith.index_cast %2 : i64 to index
  %3 = memref.load %0[%i] : memref<2xindex>
  %4 = arith.cmpi eq, %3, %i : index
  exec.check %4, "no"
  return
}

// -----

// Weights are at their offsets.
// CHECK-LABEL: llvm.func @run(
// CHECK:         llvm.getelementptr %{{.*}}[32]
// CHECK:         %[[OFFSET:.*]] = llvm.mlir.constant(128 : i64)
// CHECK:         llvm.getelementptr %{{.*}}[%[[OFFSET]]]
module attributes {exec.weight_offsets = array<i64: 0, 128>} {
  func.func @main() {
    %0 = exec.weight 1 : memref<4xf32>
    %1 = exec.output 0() : memref<4xf32>
    exec.copy %0 to %1 : memref<4xf32> to memref<4xf32>
    return
  }
}
