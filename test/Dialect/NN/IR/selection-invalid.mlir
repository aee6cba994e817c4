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
