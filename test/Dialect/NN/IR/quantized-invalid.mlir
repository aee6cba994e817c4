// RUN: nncc-opt --split-input-file --verify-diagnostics %s

func.func @to_i32(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xi32> {
  // expected-error@+2 {{quantises to 'i32', not to an integer of 8 or 16 bits (C1)}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.quantize %x, %s to i32 : tensor<4xf32>, tensor<f32> -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

func.func @other_zero_point(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<4xi8> {
  // expected-error@+2 {{quantises to 'i8' with a zero point of 'tensor<ui8>' (C1)}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.quantize %x, %s zero %z : tensor<ui8> to i8 : tensor<4xf32>, tensor<f32> -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @scales_do_not_fit(%x: tensor<1x4xi8>, %s: tensor<3x1xf32>) -> tensor<1x4xf32> {
  // expected-error@+2 {{has scales or zero points that do not broadcast against 'tensor<1x4xi8>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.dequantize %x, %s : tensor<1x4xi8>, tensor<3x1xf32> -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

func.func @no_sum(%x: tensor<4xi8>, %s: tensor<f32>) -> tensor<4xi8> {
  // expected-error@+2 {{needs i32 (C1), got 'tensor<4xi8>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.requantize %x, %s to i8 : tensor<4xi8>, tensor<f32> -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @mixed_products(%x: tensor<2x2xi8>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // expected-error@+2 {{element types differ: 'i8' and 'f32'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %y : tensor<2x2xi8>, tensor<2x2xf32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @other_scale_type(%x: tensor<4xf32>, %s: tensor<f64>) -> tensor<4xi8> {
  // expected-error@+2 {{divides 'f32' by a scale of 'f64' (C2)}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.quantize %x, %s to i8 : tensor<4xf32>, tensor<f64> -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @wide(%x: tensor<4xi64>, %s: tensor<f32>) -> tensor<4xf32> {
  // expected-error@+2 {{needs integers of 8, 16 or 32 bits (C1), got 'i64'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.dequantize %x, %s : tensor<4xi64>, tensor<f32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @other_type(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<4xf32> {
  // expected-error@+2 {{has 'i8' with a zero point of 'tensor<ui8>' (C1)}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.dequantize %x, %s zero %z : tensor<ui8> : tensor<4xi8>, tensor<f32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @too_many_dims(%x: tensor<4xi8>, %s: tensor<1x4xf32>) -> tensor<4xf32> {
  // expected-error@+2 {{has scales or zero points of more dims than 'tensor<4xi8>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.dequantize %x, %s : tensor<4xi8>, tensor<1x4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
