// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %i: tensor<2xi64>) -> tensor<2xf32> {
  // expected-error @+2 {{needs input and indices of one rank, at least 1, got 'tensor<2x3xf32>' and 'tensor<2xi64>'}}
  // expected-error @+1 {{'nn.gather_elements' op failed to infer returned types}}
  %0 = nn.gather_elements %x, %i axis 0 : tensor<2x3xf32>, tensor<2xi64> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<2xi64>) -> tensor<2x2xf32> {
  // expected-error @+2 {{axis 2 is not in [-2, 1] of a tensor of rank 2}}
  // expected-error @+1 {{'nn.gather' op failed to infer returned types}}
  %0 = nn.gather %x, %i axis 2 : tensor<2x3xf32>, tensor<2xi64> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<4x3xi64>) -> tensor<4xf32> {
  // expected-error @+2 {{index tuples of 3 with 0 batch dims do not fit 'tensor<2x3xf32>'}}
  // expected-error @+1 {{'nn.gather_nd' op failed to infer returned types}}
  %0 = nn.gather_nd %x, %i batch 0 : tensor<2x3xf32>, tensor<4x3xi64> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{reduction is 'xor', not none, add, mul, max or min}}
  // expected-error @+1 {{'nn.scatter_elements' op failed to infer returned types}}
  %0 = nn.scatter_elements %x, %i, %u "xor" {axis = 1 : i64} : tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<2x2xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{needs updates like the indices, of the input's type, got 'tensor<2x2xf32>' for 'tensor<1x2xi64>'}}
  // expected-error @+1 {{'nn.scatter_elements' op failed to infer returned types}}
  %0 = nn.scatter_elements %x, %i, %u "add" {axis = 1 : i64} : tensor<2x3xf32>, tensor<1x2xi64>, tensor<2x2xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1x1xi64>, %u: tensor<1x4xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{needs updates that fit input and indices, got 'tensor<1x4xf32>'}}
  // expected-error @+1 {{'nn.scatter_nd' op failed to infer returned types}}
  %0 = nn.scatter_nd %x, %i, %u "add" : tensor<2x3xf32>, tensor<1x1xi64>, tensor<1x4xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
