// RUN: nncc-opt %s -split-input-file -exec-plan-memory -cse -canonicalize | FileCheck %s

// Sizes of symbols: a slot for each buffer, and a function that computes the bytes of all, -1 when they overflow. Sizes that are computed in
// different ways are equal when they are the same polynomial: the second result goes over the first.
// CHECK-LABEL: module attributes {exec.plan = {carries = 0 : i64, slots = [array<i64: -1, {{[0-9]+}}, {{[0-9]+}}>, array<i64: 32, {{[0-9]+}}, {{[0-9]+}}>]}
// CHECK-LABEL: func.func @sizes() -> (index, index)
// CHECK-DAG:     %[[MINUS:.*]] = arith.constant -1 : index
// CHECK-DAG:     %[[N:.*]] = exec.symbol "n"
// CHECK:         %[[LOW:.*]], %[[HIGH:.*]] = arith.mulsi_extended %[[N]], %{{.*}} : index
// CHECK:         arith.cmpi ne, %[[HIGH]]
// CHECK:         %[[BYTES:.*]] = arith.select %{{.*}}, %[[MINUS]], %[[LOW]]
// CHECK:         return %[[BYTES]], %{{.*}}
// CHECK-LABEL: func.func @main(
// CHECK:         %[[N:.*]] = exec.symbol "n"
// CHECK:         %[[X:.*]] = exec.input %arg0(%[[N]]) : memref<?xf32>
// CHECK:         %[[TWICE:.*]] = arith.addi %[[N]], %[[N]]
// CHECK:         %[[A:.*]] = exec.buffer slot 0(%{{.*}}) : memref<?xf32>
// CHECK:         exec.launch @double(%[[X]], %[[TWICE]]) outs(%[[A]] : memref<?xf32>)
// CHECK:         exec.launch @over(%[[A]], %{{.*}}) outs(%[[A]] : memref<?xf32>)
// CHECK:         exec.buffer slot 1() : memref<8xf32>
module attributes {exec.symbols = ["n"]} {
  exec.kernel @double(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
    %0 = tensor.empty(%n) : tensor<?xf32>
    exec.yield %0 : tensor<?xf32>
  }
  exec.kernel @over(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> attributes {may_alias = array<i64: 0>} {
    %0 = tensor.empty(%n) : tensor<?xf32>
    exec.yield %0 : tensor<?xf32>
  }
  exec.kernel @fixed(%x: tensor<?xf32>) -> tensor<8xf32> {
    %0 = tensor.empty() : tensor<8xf32>
    exec.yield %0 : tensor<8xf32>
  }
  func.func @main(%arg: tensor<?xf32>) -> tensor<8xf32> {
    %n = exec.symbol "n"
    %x = exec.input %arg(%n) : tensor<?xf32>
    %two = arith.constant 2 : index
    %twice = arith.addi %n, %n : index
    %again = arith.muli %n, %two : index
    %0 = exec.launch @double(%x, %twice) : (tensor<?xf32>, index) -> tensor<?xf32>
    %1 = exec.launch @over(%0, %again) : (tensor<?xf32>, index) -> tensor<?xf32>
    %2 = exec.launch @fixed(%1) : (tensor<?xf32>) -> tensor<8xf32>
    %v = tensor.cast %2 : tensor<8xf32> to tensor<?xf32>
    %3 = exec.launch @fixed(%v) : (tensor<?xf32>) -> tensor<8xf32>
    return %3 : tensor<8xf32>
  }
}

// -----

// A size that the schedule reads is known only in the run: memory of the run. An output of such a size is asked for when it is known.
// CHECK-LABEL: module attributes {exec.plan = {bound = 64 : i64, bytes = 64 : i64
// CHECK-LABEL: func.func @main(
// CHECK:         exec.launch @count(%[[X:.*]]) outs(%[[C:.*]] : memref<i64>)
// CHECK:         %[[I:.*]] = memref.load %[[C]][]
// CHECK:         %[[N:.*]] = arith.index_cast %[[I]]
// CHECK:         %[[A:.*]] = exec.alloc(%[[N]]) : memref<?xi64>
// CHECK:         exec.launch @find(%[[X]], %[[N]]) outs(%[[A]] : memref<?xi64>)
// CHECK:         %[[OUT:.*]] = exec.output 0(%[[N]]) : memref<?xi64>
// CHECK:         exec.launch @find(%[[A]], %[[N]]) outs(%[[OUT]] : memref<?xi64>)
exec.kernel @count(%x: tensor<?xi64>) -> tensor<i64> {
  %0 = tensor.empty() : tensor<i64>
  exec.yield %0 : tensor<i64>
}
exec.kernel @find(%x: tensor<?xi64>, %n: index) -> tensor<?xi64> {
  %0 = tensor.empty(%n) : tensor<?xi64>
  exec.yield %0 : tensor<?xi64>
}
func.func @main(%arg: tensor<8xi64>) -> tensor<?xi64> {
  %x = tensor.cast %arg : tensor<8xi64> to tensor<?xi64>
  %0 = exec.launch @count(%x) : (tensor<?xi64>) -> tensor<i64>
  %1 = tensor.extract %0[] : tensor<i64>
  %n = arith.index_cast %1 : i64 to index
  %2 = exec.launch @find(%x, %n) : (tensor<?xi64>, index) -> tensor<?xi64>
  %3 = exec.launch @find(%2, %n) : (tensor<?xi64>, index) -> tensor<?xi64>
  return %3 : tensor<?xi64>
}
