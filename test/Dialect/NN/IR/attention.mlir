// RUN: nncc-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @sizes
// CHECK: nn.attention %arg0, %arg1, %arg2 {indexing_maps = [{{.*}}], scale = 5.000000e-01 : f64}
func.func @sizes(%q: tensor<?x6x4xf32, #nn.dims<"s", "", "">>, %k: tensor<2x9x4xf32>, %v: tensor<2x9x5xf32>) -> tensor<6x?x5xf32, #nn.dims<"", "s", "">> {
  %0 = nn.attention %q, %k, %v {indexing_maps = [
      affine_map<(h, m, n, d, e) -> (m, h, d)>, affine_map<(h, m, n, d, e) -> (h floordiv 3, n, d)>,
      affine_map<(h, m, n, d, e) -> (h floordiv 3, n, e)>, affine_map<(h, m, n, d, e) -> (h, m, e)>], scale = 0.5 : f64}
    : tensor<?x6x4xf32, #nn.dims<"s", "", "">>, tensor<2x9x4xf32>, tensor<2x9x5xf32> -> tensor<6x?x5xf32, #nn.dims<"", "s", "">>
  return %0 : tensor<6x?x5xf32, #nn.dims<"", "s", "">>
}

// -----

func.func @f(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>) -> tensor<8x5xf32> {
  // expected-error @+2 {{map 1 lacks dim 2 (C1)}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (0, n)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @f(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<7x5xf32>) -> tensor<8x5xf32> {
  // expected-error @+2 {{dim 1 has sizes 9 and 7 (C1)}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<9x4xf32>, tensor<7x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @f(%q: tensor<6x8x4xf32>, %k: tensor<2x9x4xf32>, %v: tensor<3x9x5xf32>) -> tensor<6x8x5xf32> {
  // expected-error @+2 {{dim 0 divided by 3 needs the size that it indexes (C1)}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {indexing_maps = [
      affine_map<(h, m, n, d, e) -> (h, m, d)>, affine_map<(h, m, n, d, e) -> (h floordiv 3, n, d)>,
      affine_map<(h, m, n, d, e) -> (h floordiv 3, n, e)>, affine_map<(h, m, n, d, e) -> (h, m, e)>], scale = 0.5 : f64}
    : tensor<6x8x4xf32>, tensor<2x9x4xf32>, tensor<3x9x5xf32> -> tensor<6x8x5xf32>
  return %0 : tensor<6x8x5xf32>
}

// -----

func.func @f(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf16>) -> tensor<8x5xf32> {
  // expected-error @+2 {{needs tensors of one element type (C1)}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {indexing_maps = [], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf16> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @f(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>) -> tensor<8x5xf32> {
  // expected-error @+2 {{needs a map for each operand and the result, all of the same dims (C1)}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {indexing_maps = [], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}
