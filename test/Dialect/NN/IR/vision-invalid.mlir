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

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %g: tensor<1x3x4x3xf32>) {
  // expected-error @+2 {{grid 'tensor<1x3x4x3xf32>' does not fit input 'tensor<1x2x5x6xf32>'}}
  // expected-error @+1 {{'nn.grid_sample' op failed to infer returned types}}
  %0 = nn.grid_sample "nearest" "zeros" %x, %g : tensor<1x2x5x6xf32>, tensor<1x3x4x3xf32> -> tensor<1x2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %g: tensor<1x3x4x2xf32>) {
  // expected-error @+2 {{mode is 'area', not nearest, linear or cubic}}
  // expected-error @+1 {{'nn.grid_sample' op failed to infer returned types}}
  %0 = nn.grid_sample "area" "zeros" %x, %g : tensor<1x2x5x6xf32>, tensor<1x3x4x2xf32> -> tensor<1x2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %g: tensor<1x3x4x2xf32>) {
  // expected-error @+2 {{padding is 'wrap', not zeros, border or reflection}}
  // expected-error @+1 {{'nn.grid_sample' op failed to infer returned types}}
  %0 = nn.grid_sample "nearest" "wrap" %x, %g : tensor<1x2x5x6xf32>, tensor<1x3x4x2xf32> -> tensor<1x2x3x4xf32>
  return
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %r: tensor<3x4xf32>, %i: tensor<3xi64>) {
  // expected-error @+2 {{has no bins, or a negative number of samples}}
  // expected-error @+1 {{'nn.roi_align' op failed to infer returned types}}
  %0 = nn.roi_align %x, %r, %i {height = 0 : i64, width = 3 : i64, samples = 0 : i64, scale = 1.0 : f64}
      : tensor<1x2x5x6xf32>, tensor<3x4xf32>, tensor<3xi64> -> tensor<3x2x0x3xf32>
  return
}

// -----

func.func @f(%x: tensor<1x5x5xf32>, %i: tensor<2xi64>, %b: tensor<2xi64>) {
  // expected-error @+2 {{has a stride or dilation of 0}}
  // expected-error @+1 {{'nn.fold_blocks' op failed to infer returned types}}
  %0 = nn.fold_blocks %x, %i, %b {strides = array<i64: 1, 0>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
      : tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64> -> tensor<1x?x?x?xf32>
  return
}
