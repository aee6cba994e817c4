// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// The cell is the arithmetic of one unit. A length that is out of range is a fault.
// CHECK-LABEL: func.func @lstm
// CHECK-DAG: %[[T:.*]] = exec.symbol "t"
// CHECK: %[[LENGTHS:.*]] = linalg.generic
// CHECK:   %[[BAD:.*]] = arith.cmpi ugt, %{{.*}}, %[[T]]
// CHECK:   exec.fault %[[BAD]], 2
// CHECK: exec.recurrence(%{{.*}} : tensor<?x2x32xf32>) weights(%{{.*}} : tensor<1x8x32xf32>) parameters(%{{.*}} : tensor<1x3x8xf32>)
// CHECK-SAME: lengths(%[[LENGTHS]] : tensor<2xi32>)
// CHECK-SAME: gates = array<i64: 4>, hidden = 8 : i64
// CHECK: ^bb0(%[[XI:.*]]: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %[[SI:.*]]: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %[[PI:.*]]: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %[[C:.*]]: f32):
// CHECK:   %[[I:.*]] = arith.addf %[[XI]], %[[SI]]
// CHECK:   %[[PEEP:.*]] = arith.mulf %[[PI]], %[[C]]
// CHECK:   arith.addf %[[I]], %[[PEEP]]
// CHECK:   math.exp
// CHECK-COUNT-2: math.tanh
// CHECK:   exec.yield %{{.*}}, %{{.*}} : f32, f32
func.func @lstm(%x: tensor<?x2x32xf32, #nn.dims<"t", "", "">>, %r: tensor<1x8x32xf32>, %p: tensor<1x3x8xf32>, %n: tensor<2xi32>)
    -> tensor<?x1x2x8xf32, #nn.dims<"t", "", "", "">> {
  %0:3 = nn.recurrence "lstm" %x weights(%r) parameters(%p) lengths(%n)
      {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0.0, 0.0, 0.0>, beta = array<f32: 0.0, 0.0, 0.0>,
       reverse = array<i1: false>}
      : tensor<?x2x32xf32, #nn.dims<"t", "", "">> weights(tensor<1x8x32xf32>) parameters(tensor<1x3x8xf32>) lengths(tensor<2xi32>)
      -> tensor<?x1x2x8xf32, #nn.dims<"t", "", "", "">>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
  return %0#0 : tensor<?x1x2x8xf32, #nn.dims<"t", "", "", "">>
}

// A reset gate before the product makes two phases: z and r h, then h.
// CHECK-LABEL: func.func @gru
// CHECK: exec.recurrence({{.*}}gates = array<i64: 2, 1>
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %[[H:.*]]: f32):
// CHECK:   %[[RESET:.*]] = arith.mulf %{{.*}}, %[[H]]
// CHECK:   exec.yield %[[RESET]], %{{.*}} : f32, f32
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %[[H:.*]]: f32, %{{.*}}: f32, %[[Z:.*]]: f32):
// CHECK:   arith.subf %{{.*}}, %[[Z]]
// CHECK:   arith.mulf %[[Z]], %[[H]]
// CHECK:   exec.yield %{{.*}} : f32
func.func @gru(%x: tensor<5x1x24xf32>, %zr: tensor<1x8x16xf32>, %h: tensor<1x8x8xf32>) -> tensor<1x1x8xf32> {
  %0:2 = nn.recurrence "gru" %x weights(%zr, %h)
      {activations = ["sigmoid", "hardsigmoid"], alpha = array<f32: 0.0, 0.2>, beta = array<f32: 0.0, 0.5>, reverse = array<i1: false>}
      : tensor<5x1x24xf32> weights(tensor<1x8x16xf32>, tensor<1x8x8xf32>) -> tensor<5x1x1x8xf32>, tensor<1x1x8xf32>
  return %0#1 : tensor<1x1x8xf32>
}

// What goes into an activation is clipped. A batch that the initial state may lack is checked.
// CHECK-LABEL: func.func @clipped
// CHECK: exec.check %{{.*}}, "a recurrence has an initial state of a wrong size"
// CHECK: exec.recurrence
// CHECK: math.tanh
func.func @clipped(%x: tensor<5x?x8xf32, #nn.dims<"", "n", "">>, %r: tensor<1x8x8xf32>, %h: tensor<1x?x8xf32, #nn.dims<"", "m", "">>)
    -> tensor<1x?x8xf32, #nn.dims<"", "n", "">> {
  %0:2 = nn.recurrence "rnn" %x weights(%r) initial(%h)
      {activations = ["tanh"], alpha = array<f32: 0.0>, beta = array<f32: 0.0>, clip = 2.0 : f32, reverse = array<i1: false>}
      : tensor<5x?x8xf32, #nn.dims<"", "n", "">> weights(tensor<1x8x8xf32>) initial(tensor<1x?x8xf32, #nn.dims<"", "m", "">>)
      -> tensor<5x1x?x8xf32, #nn.dims<"", "", "n", "">>, tensor<1x?x8xf32, #nn.dims<"", "n", "">>
  return %0#1 : tensor<1x?x8xf32, #nn.dims<"", "n", "">>
}
