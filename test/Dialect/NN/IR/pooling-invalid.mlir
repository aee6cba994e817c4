// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32> {
  // expected-error @+2 {{kind is 'median', not max, average or sum}}
  // expected-error @+1 {{'nn.pool' op failed to infer returned types}}
  %0 = nn.pool "median" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32> -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32> {
  // expected-error @+2 {{a window of 1 dims does not fit 'tensor<1x4x5x5xf32>'}}
  // expected-error @+1 {{'nn.pool' op failed to infer returned types}}
  %0 = nn.pool "max" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32> -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32> {
  // expected-error @+2 {{strides and dilations must be positive}}
  // expected-error @+1 {{'nn.pool' op failed to infer returned types}}
  %0 = nn.pool "max" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 0, 1>} : tensor<1x4x5x5xf32> -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32> {
  // expected-error @+2 {{kernel sizes must be positive}}
  // expected-error @+1 {{'nn.pool' op failed to infer returned types}}
  %0 = nn.pool "max" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 0, 2>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32> -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x1x1xf32> {
  // expected-error @+2 {{a window of 9 does not fit a padded size of 5}}
  // expected-error @+1 {{'nn.pool' op failed to infer returned types}}
  %0 = nn.pool "max" %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1, 1>, kernel = array<i64: 9, 9>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32> -> tensor<1x4x1x1xf32>
  return %0 : tensor<1x4x1x1xf32>
}
