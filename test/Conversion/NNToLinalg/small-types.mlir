// RUN: nncc-opt %s --split-input-file --verify-diagnostics --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Inputs and outputs of 4 bits are bytes of two elements; inside, each has its own. A float of 8 bits is its bits.
// CHECK: exec.inputs = [{name = "x", type = tensor<?x3xi4, #nn.dims<"n", "">>}]
// CHECK-LABEL: func.func @main(%{{.*}}: tensor<?xi8>
// CHECK-SAME: -> (tensor<?xi8>, tensor<?x3xi8>)
// CHECK: %[[BYTES:.*]] = arith.ceildivsi
// CHECK: exec.input %{{.*}}(%[[BYTES]]) : tensor<?xi8>
// CHECK: linalg.generic
// CHECK: arith.shli
// CHECK: %[[SIGNED:.*]] = arith.shrsi
// CHECK: arith.sitofp %{{.*}} : i8 to f32
// CHECK: return %{{.*}}, %{{.*}} : tensor<?xi8>, tensor<?x3xi8>
func.func @main(%x: tensor<?x3xi4, #nn.dims<"n", "">> {nn.name = "x"})
    -> (tensor<?x3xi4, #nn.dims<"n", "">>, tensor<?x3xf8E4M3FN, #nn.dims<"n", "">>) {
  %0 = nn.cast %x {to = f8E4M3FN} : tensor<?x3xi4, #nn.dims<"n", "">> -> tensor<?x3xf8E4M3FN, #nn.dims<"n", "">>
  return %x, %0 : tensor<?x3xi4, #nn.dims<"n", "">>, tensor<?x3xf8E4M3FN, #nn.dims<"n", "">>
}

// -----

// Constants are unpacked while compiling: numbers and bits.
// CHECK-LABEL: func.func @constants
// CHECK-DAG: dense<[-8, 7, -1]> : tensor<3xi8>
// CHECK-DAG: dense<[15, 0, 1]> : tensor<3xi8>
// CHECK-DAG: dense<[56, -128]> : tensor<2xi8>
func.func @constants() -> (tensor<3xi4>, tensor<3xui4>, tensor<2xf8E4M3FN>) {
  %0 = nn.constant dense<[-8, 7, -1]> : tensor<3xi4>
  %1 = nn.constant dense<[15, 0, 1]> : tensor<3xui4>
  %2 = nn.constant dense<[1.0, -0.0]> : tensor<2xf8E4M3FN>
  return %0, %1, %2 : tensor<3xi4>, tensor<3xui4>, tensor<2xf8E4M3FN>
}

// -----

func.func @adds(%x: tensor<4xf8E5M2>) -> tensor<4xf8E5M2> {
  // expected-error@+1 {{tensors of 'f8E5M2' can only be moved and cast}}
  %0 = nn.add %x, %x : tensor<4xf8E5M2>, tensor<4xf8E5M2> -> tensor<4xf8E5M2>
  return %0 : tensor<4xf8E5M2>
}

// -----

// expected-error@+1 {{has an output of 'i4' whose size depends on data}}
func.func @main(%x: tensor<4xi4>, %i: tensor<?xi64, #nn.dims<"">>) -> tensor<?xi4, #nn.dims<"">> {
  %0 = nn.gather %x, %i axis 0 : tensor<4xi4>, tensor<?xi64, #nn.dims<"">> -> tensor<?xi4, #nn.dims<"">>
  return %0 : tensor<?xi4, #nn.dims<"">>
}
