// RUN: nncc-opt %s -split-input-file -exec-plan-memory | FileCheck %s

// @over may write over its argument, @apart may not.

// Two buffers are alive at once and a third is not: it lies where the first was. The last result is an output.
// CHECK-LABEL: module attributes {exec.plan = {bound = 128 : i64, bytes = 128 : i64, carries = 0 : i64}}
// CHECK-LABEL: func.func @main(%arg0: memref<8xf32>) {
// CHECK:         %[[A:.*]] = exec.buffer offset [[OFFSET:[0-9]+]]() : memref<8xf32>
// CHECK:         exec.launch @apart(%arg0) outs(%[[A]] : memref<8xf32>)
// CHECK:         %[[B:.*]] = exec.buffer offset
// CHECK:         exec.launch @apart(%[[A]]) outs(%[[B]] : memref<8xf32>)
// CHECK:         %[[C:.*]] = exec.buffer offset [[OFFSET]]()
// CHECK:         exec.launch @apart(%[[B]]) outs(%[[C]] : memref<8xf32>)
// CHECK:         %[[OUT:.*]] = exec.output 0()
// CHECK:         exec.launch @apart(%[[C]]) outs(%[[OUT]] : memref<8xf32>)
// CHECK-NEXT:    return
exec.kernel @apart(%x: tensor<8xf32>) -> tensor<8xf32> {
  exec.yield %x : tensor<8xf32>
}
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = exec.launch @apart(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = exec.launch @apart(%0) : (tensor<8xf32>) -> tensor<8xf32>
  %2 = exec.launch @apart(%1) : (tensor<8xf32>) -> tensor<8xf32>
  %3 = exec.launch @apart(%2) : (tensor<8xf32>) -> tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

// Never over an input; over an operand that dies; not over one that is used again, or passed twice.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[A:.*]] = exec.output 0()
// CHECK:         exec.launch @over(%arg0, %arg0) outs(%[[A]] : memref<8xf32>)
// CHECK:         exec.launch @over(%[[A]], %arg0) outs(%[[A]] : memref<8xf32>)
// CHECK:         %[[B:.*]] = exec.buffer offset
// CHECK:         exec.launch @over(%[[A]], %arg0) outs(%[[B]] : memref<8xf32>)
// CHECK:         %[[C:.*]] = exec.output 1()
// CHECK:         exec.launch @over(%[[B]], %[[B]]) outs(%[[C]] : memref<8xf32>)
// CHECK:         return
exec.kernel @over(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: 0>} {
  exec.yield %x : tensor<8xf32>
}
func.func @main(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0 = exec.launch @over(%x, %x) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %1 = exec.launch @over(%0, %x) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %2 = exec.launch @over(%1, %x) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = exec.launch @over(%2, %2) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %1, %3 : tensor<8xf32>, tensor<8xf32>
}

// -----

// An input, a weight, a constant, a value returned twice and a view of it: all but one are copied. Nothing else needs memory.
// CHECK-LABEL: module attributes {exec.plan = {bound = 0 : i64, bytes = 0 : i64
// CHECK:         memref.global "private" constant @constant_0 : memref<2xi64> = dense<[3, 4]> {alignment = 64 : i64}
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    attributes {exec.results = [{nn.name = "a"}, {}, {}, {}, {}, {}]}
// CHECK:         %[[W:.*]] = exec.weight 3 : memref<4xf32>
// CHECK:         %[[K:.*]] = memref.get_global @constant_0 : memref<2xi64>
// CHECK:         %[[OUT3:.*]] = exec.output 3() : memref<8xf32>
// CHECK:         exec.launch @apart(%arg0) outs(%[[OUT3]] : memref<8xf32>)
// CHECK:         %[[VIEW:.*]] = exec.view %[[OUT3]]() : memref<8xf32> to memref<2x4xf32>
// CHECK:         %[[OUT0:.*]] = exec.output 0() : memref<8xf32>
// CHECK:         exec.copy %arg0 to %[[OUT0]]
// CHECK:         %[[OUT1:.*]] = exec.output 1() : memref<4xf32>
// CHECK:         exec.copy %[[W]] to %[[OUT1]]
// CHECK:         %[[OUT2:.*]] = exec.output 2() : memref<2xi64>
// CHECK:         exec.copy %[[K]] to %[[OUT2]]
// CHECK:         %[[OUT4:.*]] = exec.output 4() : memref<2x4xf32>
// CHECK:         exec.copy %[[VIEW]] to %[[OUT4]]
// CHECK:         %[[OUT5:.*]] = exec.output 5() : memref<8xf32>
// CHECK:         exec.copy %[[OUT3]] to %[[OUT5]]
// CHECK:         return
exec.kernel @apart(%x: tensor<8xf32>) -> tensor<8xf32> {
  exec.yield %x : tensor<8xf32>
}
func.func @main(%x: tensor<8xf32>) -> (tensor<8xf32> {nn.name = "a"}, tensor<4xf32>, tensor<2xi64>, tensor<8xf32>, tensor<2x4xf32>,
                                       tensor<8xf32>) {
  %w = exec.weight 3 : tensor<4xf32>
  %k = arith.constant dense<[3, 4]> : tensor<2xi64>
  %0 = exec.launch @apart(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %1 = tensor.expand_shape %0 [[0, 1]] output_shape [2, 4] : tensor<8xf32> into tensor<2x4xf32>
  return %x, %w, %k, %0, %1, %0 : tensor<8xf32>, tensor<4xf32>, tensor<2xi64>, tensor<8xf32>, tensor<2x4xf32>, tensor<8xf32>
}

// -----

// What the schedule makes itself, and reads. Sizes of 0 and rank 0 are as good as others.
// CHECK-LABEL: module attributes {exec.plan = {bound = 128 : i64, bytes = 128 : i64
// CHECK-LABEL: func.func @main(
// CHECK:         %[[N:.*]] = memref.load %arg0[] : memref<i64>
// CHECK:         %[[HOST:.*]] = exec.buffer offset {{.*}} : memref<2xi64>
// CHECK:         memref.store %[[N]], %[[HOST]][%{{.*}}] : memref<2xi64>
// CHECK:         memref.store %[[N]], %[[HOST]][%{{.*}}] : memref<2xi64>
// CHECK:         exec.buffer offset {{.*}} : memref<0x4xf32>
// CHECK:         exec.launch @none
// CHECK:         %[[OUT:.*]] = exec.output 0() : memref<i64>
// CHECK:         exec.launch @sum(%[[HOST]]) outs(%[[OUT]] : memref<i64>)
exec.kernel @none() -> (tensor<0x4xf32>, tensor<4xf32>) {
  %0 = tensor.empty() : tensor<0x4xf32>
  %1 = tensor.empty() : tensor<4xf32>
  exec.yield %0, %1 : tensor<0x4xf32>, tensor<4xf32>
}
exec.kernel @sum(%x: tensor<2xi64>) -> tensor<i64> {
  %0 = tensor.empty() : tensor<i64>
  exec.yield %0 : tensor<i64>
}
func.func @main(%x: tensor<i64>) -> tensor<i64> {
  %n = tensor.extract %x[] : tensor<i64>
  %host = tensor.from_elements %n, %n : tensor<2xi64>
  %0:2 = exec.launch @none() : () -> (tensor<0x4xf32>, tensor<4xf32>)
  %1 = exec.launch @sum(%host) : (tensor<2xi64>) -> tensor<i64>
  return %1 : tensor<i64>
}
