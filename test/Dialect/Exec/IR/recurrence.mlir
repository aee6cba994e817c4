// RUN: nncc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// Two directions of a plain layer, a length for each row.
// CHECK-LABEL: func.func @plain
// CHECK: exec.recurrence(%{{.*}} : tensor<?x?x16xf32>) weights(%{{.*}} : tensor<2x8x8xf32>)
// CHECK-SAME: initial(%{{.*}} : tensor<2x?x8xf32>) lengths(%{{.*}} : tensor<?xi32>) outs
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32):
// CHECK: exec.yield %{{.*}} : f32
func.func @plain(%x: tensor<?x?x16xf32>, %r: tensor<2x8x8xf32>, %h: tensor<2x?x8xf32>, %n: tensor<?xi32>,
                 %y0: tensor<?x2x?x8xf32>, %h0: tensor<2x?x8xf32>) -> tensor<?x2x?x8xf32> {
  %y, %last = exec.recurrence (%x : tensor<?x?x16xf32>) weights(%r : tensor<2x8x8xf32>) initial(%h : tensor<2x?x8xf32>)
      lengths(%n : tensor<?xi32>) outs(%y0, %h0 : tensor<?x2x?x8xf32>, tensor<2x?x8xf32>)
      attributes {gates = array<i64: 1>, hidden = 8 : i64, reverse = array<i1: false, true>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    %0 = arith.addf %input, %sum : f32
    exec.yield %0 : f32
  } -> tensor<?x2x?x8xf32>, tensor<2x?x8xf32>
  return %y : tensor<?x2x?x8xf32>
}

// -----

func.func @weights(%x: tensor<5x1x8xf32>, %r: tensor<1x8x16xf32>, %y0: tensor<5x1x1x8xf32>, %h0: tensor<1x1x8xf32>) {
  // expected-error@+1 {{'exec.recurrence' op has weights of 'tensor<1x8x16xf32>', expected 'tensor<1x8x8xf32>'}}
  %y, %last = exec.recurrence (%x : tensor<5x1x8xf32>) weights(%r : tensor<1x8x16xf32>)
      outs(%y0, %h0 : tensor<5x1x1x8xf32>, tensor<1x1x8xf32>)
      attributes {gates = array<i64: 1>, hidden = 8 : i64, reverse = array<i1: false>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    exec.yield %sum : f32
  } -> tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
  return
}

// -----

func.func @arguments(%x: tensor<5x1x8xf32>, %r: tensor<1x8x8xf32>, %y0: tensor<5x1x1x8xf32>, %h0: tensor<1x1x8xf32>) {
  // expected-error@+1 {{'exec.recurrence' op has a phase of 2 arguments, expected 3}}
  %y, %last = exec.recurrence (%x : tensor<5x1x8xf32>) weights(%r : tensor<1x8x8xf32>)
      outs(%y0, %h0 : tensor<5x1x1x8xf32>, tensor<1x1x8xf32>)
      attributes {gates = array<i64: 1>, hidden = 8 : i64, reverse = array<i1: false>} {
  ^bb0(%sum: f32, %state: f32):
    exec.yield %sum : f32
  } -> tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
  return
}

// -----

func.func @phases(%x: tensor<5x1x8xf32>, %r: tensor<1x8x8xf32>, %y0: tensor<5x1x1x8xf32>, %h0: tensor<1x1x8xf32>) {
  // expected-error@+1 {{'exec.recurrence' op needs a region and weights for each of its one or two phases}}
  %y, %last = exec.recurrence (%x : tensor<5x1x8xf32>) weights(%r : tensor<1x8x8xf32>)
      outs(%y0, %h0 : tensor<5x1x1x8xf32>, tensor<1x1x8xf32>)
      attributes {gates = array<i64: 1, 1>, hidden = 8 : i64, reverse = array<i1: false>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    exec.yield %sum : f32
  } -> tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
  return
}

// -----

func.func @arithmetic(%x: tensor<5x1x8xf32>, %r: tensor<1x8x8xf32>, %y0: tensor<5x1x1x8xf32>, %h0: tensor<1x1x8xf32>) {
  %y, %last = exec.recurrence (%x : tensor<5x1x8xf32>) weights(%r : tensor<1x8x8xf32>)
      outs(%y0, %h0 : tensor<5x1x1x8xf32>, tensor<1x1x8xf32>)
      attributes {gates = array<i64: 1>, hidden = 8 : i64, reverse = array<i1: false>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    // expected-error@+1 {{'tensor.empty' op is no arithmetic of one unit}}
    %0 = tensor.empty() : tensor<4xf32>
    exec.yield %sum : f32
  } -> tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
  return
}
