// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize | FileCheck %s

// What inference knows to be equal is not compared.
// CHECK-LABEL: func.func @known
// CHECK-NOT: exec.check
// CHECK: exec.attention %{{.*}}, %arg1, %arg2 outs(%{{.*}})
func.func @known(%q: tensor<?x4xf32, #nn.dims<"s", "">>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>) -> tensor<?x5xf32, #nn.dims<"s", "">> {
  %0 = nn.attention %q, %k, %v {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<?x4xf32, #nn.dims<"s", "">>, tensor<9x4xf32>, tensor<9x5xf32> -> tensor<?x5xf32, #nn.dims<"s", "">>
  return %0 : tensor<?x5xf32, #nn.dims<"s", "">>
}

// Keys and values of sizes that may differ end the run.
// CHECK-LABEL: func.func @unknown
// CHECK: exec.check %{{.*}}, "sizes of an attention's operands differ"
// CHECK: exec.attention
func.func @unknown(%q: tensor<8x4xf32>, %k: tensor<?x4xf32, #nn.dims<"s", "">>, %v: tensor<?x5xf32, #nn.dims<"t", "">>) -> tensor<8x5xf32> {
  %0 = nn.attention %q, %k, %v {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<?x4xf32, #nn.dims<"s", "">>, tensor<?x5xf32, #nn.dims<"t", "">> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}
