// RUN: nncc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @lstm
// CHECK: nn.recurrence "lstm"
func.func @lstm(%x: tensor<?x2x32xf32, #nn.dims<"t", "", "">>, %r: tensor<1x8x32xf32>, %p: tensor<1x3x8xf32>)
    -> tensor<?x1x2x8xf32, #nn.dims<"t", "", "", "">> {
  %0:3 = nn.recurrence "lstm" %x weights(%r) parameters(%p)
      {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0.0, 0.0, 0.0>, beta = array<f32: 0.0, 0.0, 0.0>,
       reverse = array<i1: false>}
      : tensor<?x2x32xf32, #nn.dims<"t", "", "">> weights(tensor<1x8x32xf32>) parameters(tensor<1x3x8xf32>)
      -> tensor<?x1x2x8xf32, #nn.dims<"t", "", "", "">>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
  return %0#0 : tensor<?x1x2x8xf32, #nn.dims<"t", "", "", "">>
}

// -----

func.func @cell(%x: tensor<5x2x8xf32>, %r: tensor<1x8x8xf32>) {
  // expected-error@+2 {{there is no recurrence of 'qrnn'}}
  // expected-error@+1 {{'nn.recurrence' op failed to infer returned types}}
  %0:2 = nn.recurrence "qrnn" %x weights(%r)
      {activations = ["tanh"], alpha = array<f32: 0.0>, beta = array<f32: 0.0>, reverse = array<i1: false>}
      : tensor<5x2x8xf32> weights(tensor<1x8x8xf32>) -> tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
  return
}

// -----

func.func @activation(%x: tensor<5x2x8xf32>, %r: tensor<1x8x8xf32>) {
  // expected-error@+2 {{there is no activation "gelu"}}
  // expected-error@+1 {{'nn.recurrence' op failed to infer returned types}}
  %0:2 = nn.recurrence "rnn" %x weights(%r)
      {activations = ["gelu"], alpha = array<f32: 0.0>, beta = array<f32: 0.0>, reverse = array<i1: false>}
      : tensor<5x2x8xf32> weights(tensor<1x8x8xf32>) -> tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
  return
}

// -----

func.func @number_of_activations(%x: tensor<5x2x24xf32>, %r: tensor<1x8x24xf32>) {
  // expected-error@+2 {{a recurrence of 'gru_reset_after' needs 2 activations}}
  // expected-error@+1 {{'nn.recurrence' op failed to infer returned types}}
  %0:2 = nn.recurrence "gru_reset_after" %x weights(%r)
      {activations = ["tanh"], alpha = array<f32: 0.0>, beta = array<f32: 0.0>, reverse = array<i1: false>}
      : tensor<5x2x24xf32> weights(tensor<1x8x24xf32>) -> tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
  return
}

// -----

func.func @weights(%x: tensor<5x2x24xf32>, %r: tensor<1x8x24xf32>) {
  // expected-error@+2 {{a recurrence of 'gru' needs 2 weights of rank 3 and a known number of units}}
  // expected-error@+1 {{'nn.recurrence' op failed to infer returned types}}
  %0:2 = nn.recurrence "gru" %x weights(%r)
      {activations = ["sigmoid", "tanh"], alpha = array<f32: 0.0, 0.0>, beta = array<f32: 0.0, 0.0>, reverse = array<i1: false>}
      : tensor<5x2x24xf32> weights(tensor<1x8x24xf32>) -> tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
  return
}

// -----

func.func @initial(%x: tensor<5x2x8xf32>, %r: tensor<1x8x8xf32>, %h: tensor<1x3x8xf32>) {
  // expected-error@+2 {{an initial state of a recurrence is 'tensor<1x3x8xf32>', expected 'tensor<1x2x8xf32>'}}
  // expected-error@+1 {{'nn.recurrence' op failed to infer returned types}}
  %0:2 = nn.recurrence "rnn" %x weights(%r) initial(%h)
      {activations = ["tanh"], alpha = array<f32: 0.0>, beta = array<f32: 0.0>, reverse = array<i1: false>}
      : tensor<5x2x8xf32> weights(tensor<1x8x8xf32>) initial(tensor<1x3x8xf32>) -> tensor<5x1x2x8xf32>, tensor<1x2x8xf32>
  return
}
