// RUN: nncc-opt %s --split-input-file --verify-diagnostics

func.func @too_few_bytes(%x: tensor<2xi8>) -> tensor<5xi4> {
  // expected-error@+1 {{'nn.unpack' op needs 'tensor<3xi8>' for 'tensor<5xi4>', got 'tensor<2xi8>' (C1)}}
  %0 = nn.unpack %x : tensor<2xi8> -> tensor<5xi4>
  return %0 : tensor<5xi4>
}

// -----

func.func @whole_bytes(%x: tensor<5xi8>) -> tensor<5xi8> {
  // expected-error@+1 {{'nn.pack' op needs elements of 4 or 2 bits, got 'tensor<5xi8>'}}
  %0 = nn.pack %x : tensor<5xi8> -> tensor<5xi8>
  return %0 : tensor<5xi8>
}

// -----

func.func @rounding(%x: tensor<5xf32>) -> tensor<5xf8E8M0FNU> {
  // expected-error@+2 {{rounds 'odd', not up, down or nearest (C4)}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.cast %x {to = f8E8M0FNU, rounding = "odd"} : tensor<5xf32> -> tensor<5xf8E8M0FNU>
  return %0 : tensor<5xf8E8M0FNU>
}
