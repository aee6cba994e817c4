// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{axis 2 does not fit 'tensor<2x3xf32>' (C1)}}
  // expected-error @+1 {{'nn.layer_norm' op failed to infer returned types}}
  %0 = nn.layer_norm %x axis 2 epsilon 1.0e-5 : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'tensor<2x3xf32>' does not broadcast to 'tensor<2x3xf32>' from axis 1 on (C2)}}
  // expected-error @+1 {{'nn.rms_norm' op failed to infer returned types}}
  %0 = nn.rms_norm %x scale %s : tensor<2x3xf32> axis 1 epsilon 1.0e-5 : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %b: tensor<3xf16>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'tensor<3xf16>' does not broadcast to 'tensor<2x3xf32>' from axis 1 on (C2)}}
  // expected-error @+1 {{'nn.layer_norm' op failed to infer returned types}}
  %0 = nn.layer_norm %x bias %b : tensor<3xf16> axis 1 epsilon 1.0e-5 : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{kind is 'quick', not erf or tanh}}
  // expected-error @+1 {{'nn.gelu' op failed to infer returned types}}
  %0 = nn.gelu "quick" %x : tensor<3xf32> -> tensor<3xf32>
  return %0 : tensor<3xf32>
}
