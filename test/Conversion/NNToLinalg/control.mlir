// RUN: nncc-opt %s -split-input-file -convert-nn-to-linalg -canonicalize -cse | FileCheck %s

// A branch is scf's; what it yields gets the type of the result.
// CHECK-LABEL: func.func @main(%arg0: tensor<i8>, %arg1: tensor<4xf32>, %arg2: tensor<2xf32>) -> tensor<?xf32>
// CHECK:         %[[C:.*]] = tensor.extract %arg0[] : tensor<i8>
// CHECK:         %[[BIT:.*]] = arith.cmpi ne, %[[C]], %{{.*}} : i8
// CHECK:         %[[R:.*]] = scf.if %[[BIT]] -> (tensor<?xf32>) {
// CHECK:           %[[NEG:.*]] = linalg.generic
// CHECK:           %[[A:.*]] = tensor.cast %[[NEG]] : tensor<4xf32> to tensor<?xf32>
// CHECK:           scf.yield %[[A]]
// CHECK:         } else {
// CHECK:           %[[B:.*]] = tensor.cast %arg2 : tensor<2xf32> to tensor<?xf32>
// CHECK:           scf.yield %[[B]]
func.func @main(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<2xf32>) -> tensor<?xf32> {
  %0 = nn.if %c : tensor<i1> -> tensor<?xf32> {
    %1 = nn.neg %x : tensor<4xf32> -> tensor<4xf32>
    nn.yield %1 : tensor<4xf32>
  } else {
    nn.yield %y : tensor<2xf32>
  }
  return %0 : tensor<?xf32>
}

// -----

// A number of trips alone gives scf.for. The stack is made before the loop, and each iteration fills its row of it in place.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[N:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK:         %[[TRIPS:.*]] = arith.maxsi %[[N]], %{{.*}} : index
// CHECK:         %[[STACK:.*]] = tensor.empty(%[[TRIPS]]) : tensor<?x3x4xf32>
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[TRIPS]] step %{{.*}} iter_args(%[[V:.*]] = %arg1, %[[S:.*]] = %[[STACK]])
// CHECK:           %[[NEG:.*]] = linalg.generic {{.*}} ins(%[[V]]
// CHECK:           %[[PUSHED:.*]] = exec.grid(%{{.*}}) ins(%[[NEG]] : tensor<3x4xf32>) outs({{.*}} : tensor<?x3x4xf32>) {
// CHECK:             memref.store %{{.*}}, %{{.*}}[%[[I]], %{{.*}}, %{{.*}}]
// CHECK:           scf.yield %[[NEG]]
func.func @main(%n: tensor<i64>, %x: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<?x3x4xf32>) {
  %true = nn.constant dense<true> : tensor<i1>
  %0:2 = nn.loop trips %n : tensor<i64> carries %x : tensor<3x4xf32> -> tensor<3x4xf32>, tensor<?x3x4xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<3x4xf32>):
    %1 = nn.neg %v : tensor<3x4xf32> -> tensor<3x4xf32>
    nn.yield %true, %1, %1 : tensor<i1>, tensor<3x4xf32>, tensor<3x4xf32>
  }
  return %0#0, %0#1 : tensor<3x4xf32>, tensor<?x3x4xf32>
}

// -----

// A condition gives scf.while. How many elements will be stacked is not known: each iteration makes a larger stack.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[R:.*]]:{{[0-9]+}} = scf.while (%[[I:.*]] = %c0, %[[GO:.*]] = %{{.*}}, %[[V:.*]] = %arg2, %[[S:.*]] = %{{.*}})
// CHECK:           %[[BELOW:.*]] = arith.cmpi slt, %[[I]], %{{.*}} : index
// CHECK:           %[[BOTH:.*]] = arith.andi %[[GO]], %[[BELOW]] : i1
// CHECK:           scf.condition(%[[BOTH]])
// CHECK:         } do {
// CHECK:           %[[COUNT:.*]] = arith.addi %{{.*}}, %c1 : index
// CHECK:           exec.grid(%[[COUNT]], %{{.*}}) ins(%{{.*}}, %{{.*}} : tensor<?x1x4xf32>, tensor<1x4xf32>) outs(%{{.*}} : tensor<?x1x4xf32>) {
// CHECK:             scf.if
// CHECK:           scf.yield %[[COUNT]]
func.func @main(%n: tensor<i64>, %c: tensor<i1>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  %0:2 = nn.loop trips %n : tensor<i64> while %c : tensor<i1> carries %x : tensor<4xf32> -> tensor<4xf32>, tensor<?x4xf32> {
  ^bb0(%i: tensor<i64>, %v: tensor<4xf32>):
    %1 = nn.neg %v : tensor<4xf32> -> tensor<4xf32>
    nn.yield %c, %1, %1 : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<?x4xf32>
}

// -----

// Elements of a shape that the loop finds: it is that of the first for all. What changes its size is not carried by scf.for, whose patterns
// would give it that of the initial value.
// CHECK-LABEL: func.func @main(
// CHECK:         scf.while
// CHECK:           exec.check %{{.*}}, "what a loop yields in two iterations differs in shape"
func.func @main(%n: tensor<i64>, %x: tensor<?xf32>) -> tensor<?x?xf32> {
  %true = nn.constant dense<true> : tensor<i1>
  %0 = nn.loop trips %n : tensor<i64> -> tensor<?x?xf32> {
  ^bb0(%i: tensor<i64>):
    nn.yield %true, %x : tensor<i1>, tensor<?xf32>
  }
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK:         %[[C:.*]] = tensor.extract %arg0[] : tensor<i8>
// CHECK:         %[[HOLDS:.*]] = arith.cmpi ne, %[[C]], %{{.*}} : i8
// CHECK:         %[[FALSE:.*]] = arith.cmpi eq, %[[HOLDS]], %false : i1
// CHECK:         exec.check %[[FALSE]], "not so"
func.func @main(%c: tensor<i1>) {
  nn.expect %c is false, "not so" : tensor<i1>
  return
}
