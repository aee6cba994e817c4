// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-infer-shapes))' --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @refine
// CHECK-SAME: -> tensor<4x?xf32, #nn.dims<"", "n">>
// CHECK: nn.relu %{{.*}} : tensor<4x?xf32, #nn.dims<"", "n">> -> tensor<4x?xf32, #nn.dims<"", "n">>
func.func @refine(%x: tensor<4x?xf32, #nn.dims<"", "n">>) -> tensor<?x?xf32> {
  %0 = nn.relu %x : tensor<4x?xf32, #nn.dims<"", "n">> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// LayerNormalization's function body counts axes from the back so.
// CHECK-LABEL: func.func @negated_length
// CHECK: nn.full %{{.*}} -> tensor<2xi64>
func.func @negated_length() -> tensor<?xi64> {
  %axis = nn.constant dense<-2> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %count = nn.neg %axis : tensor<1xi64> -> tensor<1xi64>
  %0 = nn.full %count, %one : tensor<1xi64>, tensor<1xi64> -> tensor<?xi64>
  return %0 : tensor<?xi64>
}
