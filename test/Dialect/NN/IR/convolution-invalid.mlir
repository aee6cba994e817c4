// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<1x4xf32>, %w: tensor<2x4xf32>) -> tensor<1x2xf32> {
  // expected-error @+2 {{needs 1 to 3 spatial dims in input and filter, got 'tensor<1x4xf32>' and 'tensor<2x4xf32>'}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4xf32>, tensor<2x4xf32> -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>, %w: tensor<2x4x3x3xf64>) -> tensor<1x2x3x3xf32> {
  // expected-error @+2 {{element types differ: 'f32' and 'f64'}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32>, tensor<2x4x3x3xf64> -> tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>, %w: tensor<2x4x3x3xf32>) -> tensor<1x2x3x3xf32> {
  // expected-error @+2 {{groups must be positive (C1), got 0}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 0 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32>, tensor<2x4x3x3xf32> -> tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>, %w: tensor<2x3x3x3xf32>) -> tensor<1x2x3x3xf32> {
  // expected-error @+2 {{has 4 channels, but a filter for 3 in each of 1 groups (C1)}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32>, tensor<2x3x3x3xf32> -> tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xf32>, %w: tensor<3x2x3x3xf32>) -> tensor<1x3x3x3xf32> {
  // expected-error @+2 {{3 output channels do not make 2 groups (C1)}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 2 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xf32>, tensor<3x2x3x3xf32> -> tensor<1x3x3x3xf32>
  return %0 : tensor<1x3x3x3xf32>
}

// -----

func.func @f(%x: tensor<1x4x2x2xf32>, %w: tensor<3x4x3x3xf32>) -> tensor<1x3x1x1xf32> {
  // expected-error @+2 {{a window of 3 does not fit a padded size of 2}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x2x2xf32>, tensor<3x4x3x3xf32> -> tensor<1x3x1x1xf32>
  return %0 : tensor<1x3x1x1xf32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xui8>, %w: tensor<2x4x3x3xi8>, %b: tensor<2xf32>) -> tensor<1x2x3x3xi32> {
  // expected-error @+2 {{has a bias of 'f32' for sums of 'i32'}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w bias %b : tensor<2xf32> {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xui8>, tensor<2x4x3x3xi8> -> tensor<1x2x3x3xi32>
  return %0 : tensor<1x2x3x3xi32>
}

// -----

func.func @f(%x: tensor<1x4x5x5xui8>, %w: tensor<2x4x3x3xi8>, %z: tensor<i8>) -> tensor<1x2x3x3xi32> {
  // expected-error @+2 {{pads 'tensor<1x4x5x5xui8>' with 'tensor<i8>'}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %0 = nn.conv %x, %w outside %z : tensor<i8> {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<1x4x5x5xui8>, tensor<2x4x3x3xi8> -> tensor<1x2x3x3xi32>
  return %0 : tensor<1x2x3x3xi32>
}
