// RUN: nncc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @masked
// CHECK: exec.attention %{{.*}}, %{{.*}}, %{{.*}} masks(%{{.*}} : tensor<8x?xf32>) outs(%{{.*}}) {indexing_maps = [{{.*}}], nan_as_zero, scale = 1.000000e+00 : f64}
func.func @masked(%q: tensor<8x4xf32>, %k: tensor<?x4xf32>, %v: tensor<?x5xf32>, %m: tensor<8x?xf32>, %e: tensor<8x5xf32>) -> tensor<8x5xf32> {
  %0 = exec.attention %q, %k, %v masks(%m : tensor<8x?xf32>) outs(%e) {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>,
      affine_map<(m, n, d, e) -> (n, d)>, affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, n)>,
      affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64, nan_as_zero}
    : tensor<8x4xf32>, tensor<?x4xf32>, tensor<?x5xf32>, tensor<8x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @integers(%q: tensor<8x4xi32>, %k: tensor<9x4xi32>, %v: tensor<9x5xi32>, %e: tensor<8x5xi32>) -> tensor<8x5xi32> {
  // expected-error @+1 {{computes with floats, not 'i32'}}
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<8x4xi32>, tensor<9x4xi32>, tensor<9x5xi32>, tensor<8x5xi32> -> tensor<8x5xi32>
  return %0 : tensor<8x5xi32>
}

// -----

func.func @divided_result(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %e: tensor<8x5xf32>) -> tensor<8x5xf32> {
  // expected-error @+1 {{index 0 of map 3 is no dim, no number, and no batch dim divided by one}}
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m mod 2, e)>], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<8x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @too_few_maps(%q: tensor<8x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %e: tensor<8x5xf32>) -> tensor<8x5xf32> {
  // expected-error @+1 {{needs maps}}
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [], scale = 1.0 : f64}
    : tensor<8x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<8x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @number_out_of_range(%q: tensor<8x2x4xf32>, %k: tensor<9x4xf32>, %v: tensor<9x5xf32>, %e: tensor<8x5xf32>) -> tensor<8x5xf32> {
  // expected-error @+1 {{index 1 of map 0 is out of range}}
  %0 = exec.attention %q, %k, %v outs(%e) {indexing_maps = [affine_map<(m, n, d, e) -> (m, 2, d)>, affine_map<(m, n, d, e) -> (n, d)>,
      affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>], scale = 1.0 : f64}
    : tensor<8x2x4xf32>, tensor<9x4xf32>, tensor<9x5xf32>, tensor<8x5xf32> -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}
