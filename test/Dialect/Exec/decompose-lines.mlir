// RUN: nncc-opt %s --exec-decompose-lines | FileCheck %s
// RUN: nncc-opt %s --exec-decompose-lines=on-host | FileCheck %s --check-prefix=HOST

// Where threads take a line each a scan is a loop that carries the sum, in its direction.

// HOST-LABEL: func @scan
// HOST: exec.scan

// CHECK-LABEL: func @scan
// CHECK: exec.grid(%[[N:.*]]) ins(%{{.*}} : tensor<?x?xi64>) outs(%{{.*}} : tensor<?x?xi64>) {
// CHECK: ^bb0(%[[ROW:.*]]: index, %[[IN:.*]]: memref<?x?xi64>, %[[OUT:.*]]: memref<?x?xi64>):
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (i64) {
// CHECK: %[[AT:.*]] = arith.subi %{{.*}}, %[[I]] : index
// CHECK: %[[V:.*]] = memref.load %[[IN]][%[[ROW]], %[[AT]]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[SUM]], %[[V]]
// CHECK: memref.store %[[NEXT]], %[[OUT]][%[[ROW]], %[[AT]]]
// CHECK: scf.yield %[[NEXT]]
func.func @scan(%x: tensor<?x?xi64>, %e: tensor<?x?xi64>, %n: index, %m: index) -> tensor<?x?xi64> {
  %0 = exec.scan (%n) length %m axis 1 ins(%x : tensor<?x?xi64>) outs(%e : tensor<?x?xi64>) attributes {neutral = 0 : i64, reverse} element {
  ^bb0(%row: index, %i: index, %in: memref<?x?xi64>):
    %1 = memref.load %in[%row, %i] : memref<?x?xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %b : i64
    exec.yield %1 : i64
  } -> tensor<?x?xi64>
  return %0 : tensor<?x?xi64>
}

// A sort keeps the numbers of the best in a heap, which is the result, and stores their keys in the end.

// CHECK-LABEL: func @sort
// CHECK: exec.grid() ins(%{{.*}} : tensor<9xf32>) outs(%{{.*}}, %{{.*}} : tensor<4xi64>, tensor<4xf32>) {
// CHECK: ^bb0(%[[IN:.*]]: memref<9xf32>, %[[ORDER:.*]]: memref<4xi64>, %[[KEYS:.*]]: memref<4xf32>):
// CHECK: memref.store %{{.*}}, %[[ORDER]]
// CHECK: arith.cmpf ogt
// CHECK: %[[KEY:.*]] = memref.load %[[IN]]
// CHECK: memref.store %{{.*}}, %[[KEYS]]
func.func @sort(%x: tensor<9xf32>, %o: tensor<4xi64>, %v: tensor<4xf32>) -> (tensor<4xi64>, tensor<4xf32>) {
  %length = arith.constant 9 : index
  %0:2 = exec.sort () length %length axis 0 ins(%x : tensor<9xf32>) outs(%o, %v : tensor<4xi64>, tensor<4xf32>) key {
  ^bb0(%i: index, %in: memref<9xf32>):
    %1 = memref.load %in[%i] : memref<9xf32>
    exec.yield %1 : f32
  } before {
  ^bb0(%i: index, %j: index, %a: f32, %b: f32, %in: memref<9xf32>):
    %1 = arith.cmpf ogt, %a, %b : f32
    exec.yield %1 : i1
  } -> tensor<4xi64>, tensor<4xf32>
  return %0#0, %0#1 : tensor<4xi64>, tensor<4xf32>
}

// In a program for a device those on the host only.

// HOST: exec.kernel @host
// HOST: exec.grid
// HOST: exec.kernel @device
// HOST: exec.scan
exec.kernel @host(%x: tensor<9xi64>) -> tensor<9xi64> attributes {host} {
  %length = arith.constant 9 : index
  %e = tensor.empty() : tensor<9xi64>
  %0 = exec.scan () length %length axis 0 ins(%x : tensor<9xi64>) outs(%e : tensor<9xi64>) attributes {neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<9xi64>):
    %1 = memref.load %in[%i] : memref<9xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %b : i64
    exec.yield %1 : i64
  } -> tensor<9xi64>
  exec.yield %0 : tensor<9xi64>
}
exec.kernel @device(%x: tensor<9xi64>) -> tensor<9xi64> {
  %length = arith.constant 9 : index
  %e = tensor.empty() : tensor<9xi64>
  %0 = exec.scan () length %length axis 0 ins(%x : tensor<9xi64>) outs(%e : tensor<9xi64>) attributes {neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<9xi64>):
    %1 = memref.load %in[%i] : memref<9xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %b : i64
    exec.yield %1 : i64
  } -> tensor<9xi64>
  exec.yield %0 : tensor<9xi64>
}
