// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %y: tensor<4xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{sizes 3 and 4 do not broadcast}}
  // expected-error @+1 {{'nn.add' op failed to infer returned types}}
  %0 = nn.add %x, %y : tensor<2x3xf32>, tensor<4xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2xf32>, %y: tensor<2xi32>) -> tensor<2xf32> {
  // expected-error @+2 {{element types differ: 'f32' and 'i32'}}
  // expected-error @+1 {{'nn.mul' op failed to infer returned types}}
  %0 = nn.mul %x, %y : tensor<2xf32>, tensor<2xi32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @+1 {{'nn.exp' op operand #0 must be ranked tensor of floating-point values, but got 'tensor<2xi32>'}}
  %0 = nn.exp %x : tensor<2xi32> -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{'nn.exp' op inferred type(s) 'tensor<2xf32>' are incompatible with return type(s) of operation 'tensor<3xf32>'}}
  // expected-error @+1 {{'nn.exp' op failed to infer returned types}}
  %0 = nn.exp %x : tensor<2xf32> -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+2 {{cannot take the bits of 'f32' for 'i16' (C1)}}
  // expected-error @+1 {{'nn.bitcast' op failed to infer returned types}}
  %0 = nn.bitcast %x {to = i16} : tensor<4xf32> -> tensor<4xi16>
  return
}
