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

// -----

// What both branches say of a result is known of it; a condition that is known leaves one branch.
// CHECK-LABEL: func.func @control
// CHECK-SAME: -> (tensor<4x?xf32>, tensor<4x3xf32>, tensor<?x4x2xf32, #nn.dims<"n", "", "">>)
// CHECK: nn.if %{{.*}} -> tensor<4x?xf32>
// CHECK: nn.relu %{{.*}} : tensor<4x3xf32> -> tensor<4x3xf32>
// CHECK-NOT: nn.if
// CHECK: nn.loop {{.*}} -> tensor<?x4x2xf32, #nn.dims<"n", "", "">>
func.func @control(%c: tensor<i1>, %s: tensor<?xf32, #nn.dims<"n">>, %x: tensor<4x2xf32>, %y: tensor<4x3xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x2xf32>) {
  %0 = nn.if %c : tensor<i1> -> tensor<?x?xf32> {
    nn.yield %x : tensor<4x2xf32>
  } else {
    nn.yield %y : tensor<4x3xf32>
  }
  %false = nn.constant dense<false> : tensor<i1>
  %1 = nn.if %false : tensor<i1> -> tensor<?x?xf32> {
    nn.yield %x : tensor<4x2xf32>
  } else {
    %2 = nn.relu %y : tensor<4x3xf32> -> tensor<?x?xf32>
    nn.yield %2 : tensor<?x?xf32>
  }
  %true = nn.constant dense<true> : tensor<i1>
  %n = nn.shape_of %s : tensor<?xf32, #nn.dims<"n">> -> tensor<1xi64>
  %3 = nn.loop trips %n : tensor<1xi64> -> tensor<?x?x2xf32> {
  ^bb0(%i: tensor<i64>):
    nn.yield %true, %x : tensor<i1>, tensor<4x2xf32>
  }
  return %0, %1, %3 : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x2xf32>
}

// -----

// As positions of a transformer come: so many rows of a table as there are tokens, added to these. The sum has the size of the tokens, and so
// has what follows.
// CHECK-LABEL: func.func @positions
// CHECK-SAME: -> tensor<?x?x4xf32, #nn.dims<"batch", "seq", "">>
// CHECK: nn.slice {{.*}} -> tensor<?x4xf32, #nn.dims<"min(512, seq)", "">>
func.func @positions(%x: tensor<?x?x4xf32, #nn.dims<"batch", "seq", "">>, %table: tensor<512x4xf32>) -> tensor<?x?x4xf32> {
  %0 = nn.constant dense<0> : tensor<1xi64>
  %1 = nn.constant dense<1> : tensor<1xi64>
  %shape = nn.shape_of %x : tensor<?x?x4xf32, #nn.dims<"batch", "seq", "">> -> tensor<3xi64>
  %n = nn.gather %shape, %1 axis 0 : tensor<3xi64>, tensor<1xi64> -> tensor<1xi64>
  %rows = nn.slice %table, %0, %n, %1 axes [0] : tensor<512x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<?x4xf32>
  %sum = nn.add %rows, %x : tensor<?x4xf32>, tensor<?x?x4xf32, #nn.dims<"batch", "seq", "">> -> tensor<?x?x4xf32>
  return %sum : tensor<?x?x4xf32>
}
