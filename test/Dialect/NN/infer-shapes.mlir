// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-infer-shapes))' --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @refine
// CHECK-SAME: -> tensor<4x?xf32, #nn.dims<"", "n">>
// CHECK: nn.relu %{{.*}} : tensor<4x?xf32, #nn.dims<"", "n">> -> tensor<4x?xf32, #nn.dims<"", "n">>
func.func @refine(%x: tensor<4x?xf32, #nn.dims<"", "n">>) -> tensor<?x?xf32> {
  %0 = nn.relu %x : tensor<4x?xf32, #nn.dims<"", "n">> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}
