// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  // expected-error @+2 {{permutation [0, 0] does not fit rank 2}}
  // expected-error @+1 {{'nn.transpose' op failed to infer returned types}}
  %0 = nn.transpose %x [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<2x1xi64>) -> tensor<6xf32> {
  // expected-error @+2 {{needs a shape of known length, got 'tensor<2x1xi64>'}}
  // expected-error @+1 {{'nn.reshape' op failed to infer returned types}}
  %0 = nn.reshape %x, %s : tensor<2x3xf32>, tensor<2x1xi64> -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %y: tensor<2x3x1xf32>) -> tensor<4x3xf32> {
  // expected-error @+2 {{cannot concatenate 'tensor<2x3xf32>' and 'tensor<2x3x1xf32>'}}
  // expected-error @+1 {{'nn.concat' op failed to infer returned types}}
  %0 = nn.concat %x, %y axis 0 : tensor<2x3xf32>, tensor<2x3x1xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error @+2 {{cannot concatenate 'tensor<2x3xf32>' and 'tensor<2x4xf32>' along axis 0}}
  // expected-error @+1 {{'nn.concat' op failed to infer returned types}}
  %0 = nn.concat %x, %y axis 0 : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<2xi64>, %e: tensor<1xi64>) -> tensor<?x3xf32> {
  // expected-error @+2 {{needs as many starts, ends and steps as axes: 1}}
  // expected-error @+1 {{'nn.slice' op failed to infer returned types}}
  %0 = nn.slice %x, %s, %e, %e axes [0] : tensor<2x3xf32>, tensor<2xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<2xi64>) -> tensor<?x3xf32> {
  // expected-error @+2 {{slices axis 0 twice}}
  // expected-error @+1 {{'nn.slice' op failed to infer returned types}}
  %0 = nn.slice %x, %s, %s, %s axes [0, 0] : tensor<2x3xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %p: tensor<3xi64>) -> tensor<?x?xf32> {
  // expected-error @+2 {{3 pads do not fit 'tensor<2x3xf32>'}}
  // expected-error @+1 {{'nn.pad' op failed to infer returned types}}
  %0 = nn.pad %x, %p "edge" : tensor<2x3xf32>, tensor<3xi64> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %p: tensor<4xi64>) -> tensor<?x?xf32> {
  // expected-error @+2 {{mode is 'mirror', not constant, reflect, edge or wrap}}
  // expected-error @+1 {{'nn.pad' op failed to infer returned types}}
  %0 = nn.pad %x, %p "mirror" : tensor<2x3xf32>, tensor<4xi64> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %r: tensor<3xi64>) -> tensor<?x?xf32> {
  // expected-error @+2 {{3 repeats do not fit 'tensor<2x3xf32>'}}
  // expected-error @+1 {{'nn.tile' op failed to infer returned types}}
  %0 = nn.tile %x, %r : tensor<2x3xf32>, tensor<3xi64> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @f(%x: tensor<f32>, %y: tensor<f64>) -> tensor<?xf32> {
  // expected-error @+2 {{needs three scalars of one type}}
  // expected-error @+1 {{'nn.range' op failed to infer returned types}}
  %0 = nn.range %x, %x, %y : tensor<f32>, tensor<f32>, tensor<f64> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @f(%x: tensor<4x3xf32>, %n: tensor<2xi64>) {
  // expected-error @+2 {{has 2 lengths for 3 sequences}}
  // expected-error @+1 {{'nn.reverse_sequence' op failed to infer returned types}}
  %0 = nn.reverse_sequence %x, %n time 0 batch 1 : tensor<4x3xf32>, tensor<2xi64> -> tensor<4x3xf32>
  return
}
