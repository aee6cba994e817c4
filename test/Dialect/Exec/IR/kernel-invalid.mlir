// RUN: nncc-opt %s -split-input-file -verify-diagnostics

// An alias names an argument that has a buffer.

// expected-error @+1 {{has the alias 64, which is no argument with a buffer}}
exec.kernel @beyond(%x: tensor<8xf32>) -> tensor<8xf32> attributes {must_alias = array<i64: 64>} {
  exec.yield %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{has the alias 1, which is no argument with a buffer}}
exec.kernel @size(%x: tensor<8xf32>, %i: index) -> tensor<8xf32> attributes {may_alias = array<i64: 1>} {
  exec.yield %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{has the alias -2, which is no argument with a buffer}}
exec.kernel @negative(%x: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: -2>} {
  exec.yield %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{has 2 aliases for 1 results}}
exec.kernel @count(%x: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: 0, 0>} {
  exec.yield %x : tensor<8xf32>
}
