// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1x4xi64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{axis 2 does not fit 'tensor<2x3xf32>' (C1)}}
  // expected-error @+1 {{'nn.resample' op failed to infer returned types}}
  %0 = nn.resample %x, %i axis 2 : tensor<2x3xf32>, tensor<1x4xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<4xi64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{needs a table of indices, got 'tensor<4xi64>' (C1)}}
  // expected-error @+1 {{'nn.resample' op failed to infer returned types}}
  %0 = nn.resample %x, %i axis 1 : tensor<2x3xf32>, tensor<4xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<2x4xi64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{needs weights for more than one index an element (C1)}}
  // expected-error @+1 {{'nn.resample' op failed to infer returned types}}
  %0 = nn.resample %x, %i axis 1 : tensor<2x3xf32>, tensor<2x4xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<2x4xi64>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+2 {{weights 'tensor<3x4xf32>' do not fit indices 'tensor<2x4xi64>' (C1)}}
  // expected-error @+1 {{'nn.resample' op failed to infer returned types}}
  %0 = nn.resample %x, %i weights %w : tensor<3x4xf32> axis 1 : tensor<2x3xf32>, tensor<2x4xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x0xf32>, %i: tensor<1x4xi64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{has nothing to take from the empty axis 1 (C2)}}
  // expected-error @+1 {{'nn.resample' op failed to infer returned types}}
  %0 = nn.resample %x, %i axis 1 : tensor<2x0xf32>, tensor<1x4xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
