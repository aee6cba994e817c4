// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @+2 {{kind is 'median', not one of sum, mean, prod, max, min}}
  // expected-error @+1 {{'nn.reduce' op failed to infer returned types}}
  %0 = nn.reduce "median" %x axes [1] : tensor<2x3xf32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @+2 {{axes [2] do not fit 'tensor<2x3xf32>' (C1)}}
  // expected-error @+1 {{'nn.reduce' op failed to infer returned types}}
  %0 = nn.reduce "sum" %x axes [2] : tensor<2x3xf32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<1x1xi64>) -> tensor<?x?xf32> {
  // expected-error @+2 {{needs a list of axes, got 'tensor<1x1xi64>'}}
  // expected-error @+1 {{'nn.reduce_axes' op failed to infer returned types}}
  %0 = nn.reduce_axes "sum" %x, %a : tensor<2x3xf32>, tensor<1x1xi64> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x1xi64> {
  // expected-error @+2 {{axis 5 does not fit 'tensor<2x3xf32>' (C1)}}
  // expected-error @+1 {{'nn.arg_reduce' op failed to infer returned types}}
  %0 = nn.arg_reduce "max" %x axis 5 keepdims : tensor<2x3xf32> -> tensor<2x1xi64>
  return %0 : tensor<2x1xi64>
}

// -----

func.func @f(%x: tensor<2x0xf32>) -> tensor<2x1xi64> {
  // expected-error @+2 {{axis 1 of 'tensor<2x0xf32>' has no elements (C2)}}
  // expected-error @+1 {{'nn.arg_reduce' op failed to infer returned types}}
  %0 = nn.arg_reduce "max" %x axis 1 keepdims : tensor<2x0xf32> -> tensor<2x1xi64>
  return %0 : tensor<2x1xi64>
}
