// RUN: nncc-opt %s -split-input-file -exec-plan-memory -canonicalize -cse | FileCheck %s

// What both branches compute goes to one buffer, here an output; what only one computes is chosen by the branch, and copied out.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[OUT:.*]] = exec.output 0() : memref<8xf32>
// CHECK:         %[[R:.*]] = scf.if
// CHECK:           exec.launch @a(%arg1) outs(%[[OUT]] : memref<8xf32>)
// CHECK:           scf.yield %arg1
// CHECK:         } else {
// CHECK:           exec.launch @b(%arg1) outs(%[[OUT]] : memref<8xf32>)
// CHECK:           %[[B:.*]] = exec.buffer
// CHECK:           exec.launch @b(%[[OUT]]) outs(%[[B]] : memref<8xf32>)
// CHECK:           scf.yield %[[B]]
// CHECK:         %[[SECOND:.*]] = exec.output 1()
// CHECK:         exec.copy %[[R]] to %[[SECOND]]
exec.kernel @a(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = tensor.empty() : tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}
exec.kernel @b(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = tensor.empty() : tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}
func.func @main(%c: tensor<i1>, %x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %condition = tensor.extract %c[] : tensor<i1>
  %0:2 = scf.if %condition -> (tensor<8xf32>, tensor<8xf32>) {
    %1 = exec.launch @a(%x) : (tensor<8xf32>) -> tensor<8xf32>
    scf.yield %1, %x : tensor<8xf32>, tensor<8xf32>
  } else {
    %1 = exec.launch @b(%x) : (tensor<8xf32>) -> tensor<8xf32>
    %2 = exec.launch @b(%1) : (tensor<8xf32>) -> tensor<8xf32>
    scf.yield %1, %2 : tensor<8xf32>, tensor<8xf32>
  }
  return %0#0, %0#1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// A kernel that may write over what the iteration got needs one buffer, another one two by turns; what is handed on as it is needs none.
// The initial value of the first is copied, since it is an input.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[IN:.*]] = exec.output 0() : memref<8xf32>
// CHECK:         exec.copy %arg0 to %[[IN]]
// CHECK:         %[[A:.*]] = exec.buffer
// CHECK:         exec.copy %arg0 to %[[A]]
// CHECK:         %[[B:.*]] = exec.buffer
// CHECK:         %[[R:.*]]:2 = scf.for {{.*}} iter_args(%[[NOW:.*]] = %[[A]], %[[SPARE:.*]] = %[[B]])
// CHECK:           exec.launch @over(%[[IN]], %arg1) outs(%[[IN]] : memref<8xf32>)
// CHECK:           exec.launch @apart(%[[NOW]]) outs(%[[SPARE]] : memref<8xf32>)
// CHECK:           scf.yield %[[SPARE]], %[[NOW]]
// CHECK:         %[[OUT:.*]] = exec.output 1()
// CHECK:         exec.copy %[[R]]#0 to %[[OUT]]
exec.kernel @over(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: 0>} {
  %0 = tensor.empty() : tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}
exec.kernel @apart(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = tensor.empty() : tensor<8xf32>
  exec.yield %0 : tensor<8xf32>
}
func.func @main(%x: tensor<8xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %many = arith.constant 10 : index
  %0:3 = scf.for %i = %zero to %many step %one iter_args(%a = %x, %b = %x, %c = %y) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
    %1 = exec.launch @over(%a, %c) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    %2 = exec.launch @apart(%b) : (tensor<8xf32>) -> tensor<8xf32>
    scf.yield %1, %2, %c : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  }
  return %0#0, %0#1 : tensor<8xf32>, tensor<8xf32>
}

// -----

// A value that grows is carried by copies in growing buffers; what an iteration allocates is given back at its end.
// CHECK-LABEL: module attributes {exec.plan = {bound = 0 : i64, bytes = 0 : i64, carries = 1 : i64}}
// CHECK-LABEL: func.func @main(
// CHECK:         %[[X:.*]] = exec.view %arg0(%{{.*}}) : memref<8xf32> to memref<?xf32>
// CHECK:         %[[START:.*]] = exec.carry 0, %[[X]]
// CHECK:         %[[R:.*]]:3 = scf.while (%{{.*}} = %{{.*}}, %[[NOW:.*]] = %[[START]])
// CHECK:           %[[MARK:.*]] = exec.mark
// CHECK:           scf.condition(%{{.*}}) %{{.*}}, %[[NOW]], %[[MARK]]
// CHECK:         } do {
// CHECK:         ^bb0(%{{.*}}: index, %[[GOT:.*]]: memref<?xf32>, %[[M:.*]]: index):
// CHECK:           %[[SIZE:.*]] = memref.dim %[[GOT]]
// CHECK:           %[[MORE:.*]] = arith.addi %[[SIZE]]
// CHECK:           %[[NEXT:.*]] = exec.alloc(%{{.*}}) : memref<?xf32>
// CHECK:           exec.launch @grow(%[[GOT]], %[[MORE]]) outs(%[[NEXT]] : memref<?xf32>)
// CHECK:           %[[CARRIED:.*]] = exec.carry 0, %[[NEXT]]
// CHECK:           exec.release %[[M]]
// CHECK:           scf.yield %{{.*}}, %[[CARRIED]]
exec.kernel @grow(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %0 = tensor.empty(%n) : tensor<?xf32>
  exec.yield %0 : tensor<?xf32>
}
func.func @main(%arg: tensor<8xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %many = arith.constant 10 : index
  %x = tensor.cast %arg : tensor<8xf32> to tensor<?xf32>
  %0:2 = scf.while (%i = %zero, %v = %x) : (index, tensor<?xf32>) -> (index, tensor<?xf32>) {
    %more = arith.cmpi slt, %i, %many : index
    scf.condition(%more) %i, %v : index, tensor<?xf32>
  } do {
  ^bb0(%i: index, %v: tensor<?xf32>):
    %n = tensor.dim %v, %zero : tensor<?xf32>
    %m = arith.addi %n, %one : index
    %1 = exec.launch @grow(%v, %m) : (tensor<?xf32>, index) -> tensor<?xf32>
    %next = arith.addi %i, %one : index
    scf.yield %next, %1 : index, tensor<?xf32>
  }
  return %0#1 : tensor<?xf32>
}
