// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %y: tensor<3x4xf64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{element types differ: 'f32' and 'f64'}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %0 = nn.matmul %x, %y : tensor<2x3xf32>, tensor<3x4xf64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<3xf32>, %y: tensor<3x4xf32>) -> tensor<4xf32> {
  // expected-error @+2 {{needs two matrices (C1), got 'tensor<3xf32>' and 'tensor<3x4xf32>'}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %0 = nn.matmul %x, %y : tensor<3xf32>, tensor<3x4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) -> tensor<2x5xf32> {
  // expected-error @+2 {{inner sizes differ (C1): 3 and 4}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %0 = nn.matmul %x, %y : tensor<2x3xf32>, tensor<4x5xf32> -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

func.func @f(%x: tensor<2x2x3xf32>, %y: tensor<3x3x5xf32>) -> tensor<2x2x5xf32> {
  // expected-error @+2 {{sizes 2 and 3 do not broadcast}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %0 = nn.matmul %x, %y : tensor<2x2x3xf32>, tensor<3x3x5xf32> -> tensor<2x2x5xf32>
  return %0 : tensor<2x2x5xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{needs square matrices, got 'tensor<2x3xf32>' (C1)}}
  // expected-error @+1 {{'nn.det' op failed to infer returned types}}
  %0 = nn.det %x : tensor<2x3xf32> -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<2x8x1xf32>, %n: tensor<i64>) {
  %axis = nn.constant dense<2> : tensor<i64>
  // expected-error @+2 {{axis 2 is none of a signal of 3 dims (C1)}}
  // expected-error @+1 {{'nn.dft' op failed to infer returned types}}
  %0 = nn.dft "forward" %x length %n axis %axis : tensor<2x8x1xf32>, tensor<i64>, tensor<i64> -> tensor<2x?x2xf32>
  return
}
