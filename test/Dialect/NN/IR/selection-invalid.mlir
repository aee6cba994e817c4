// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %k: tensor<2xi64>) {
  // expected-error @+2 {{needs a k of one element, got 'tensor<2xi64>'}}
  // expected-error @+1 {{'nn.top_k' op failed to infer returned types}}
  %v, %i = nn.top_k %x, %k axis 1 : tensor<2x3xf32>, tensor<2xi64> -> tensor<2x?xf32>, tensor<2x?xi64>
  return
}

// -----

func.func @f(%x: tensor<2x3xf32>) {
  %k = nn.constant dense<4> : tensor<1xi64>
  // expected-error @+2 {{k is 4, the axis has 3 elements (C1)}}
  // expected-error @+1 {{'nn.top_k' op failed to infer returned types}}
  %v, %i = nn.top_k %x, %k axis 1 : tensor<2x3xf32>, tensor<1xi64> -> tensor<2x4xf32>, tensor<2x4xi64>
  return
}

// -----

func.func @f(%x: tensor<2x3x4xf32>) {
  // expected-error @+2 {{needs a matrix, got 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{'nn.unique_rows' op failed to infer returned types}}
  %a, %b, %c = nn.unique_rows %x : tensor<2x3x4xf32> -> tensor<?xi64>, tensor<2xi64>, tensor<?xi64>
  return
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<i64>) {
  // expected-error @+2 {{kind is 'mean', not sum or prod}}
  // expected-error @+1 {{'nn.cumulate' op failed to infer returned types}}
  %0 = nn.cumulate "mean" %x axis %a : tensor<2x3xf32>, tensor<i64> -> tensor<2x3xf32>
  return
}
