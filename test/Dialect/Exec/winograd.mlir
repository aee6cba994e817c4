// RUN: nncc-opt %s --split-input-file --exec-winograd=always | FileCheck %s
// RUN: nncc-opt %s --split-input-file --exec-winograd | FileCheck %s --check-prefix=FASTER

// 8 x 8 results are 2 x 2 tiles; 36 products take what 144 did. What follows is done to the results before they are stored.

// CHECK-LABEL: func.func private @weights
// CHECK:         %[[TAPS:.*]] = tensor.expand_shape {{.*}} into tensor<9x256xf32>
// CHECK:         %[[G:.*]] = exec.matmul %{{.*}}, %[[TAPS]] {{.*}} : tensor<36x9xf32>, tensor<9x256xf32>
// CHECK:         return %{{.*}}, %{{.*}} : tensor<1x3x3x16x16xf32>, tensor<36x16x16xf32>

// CHECK-LABEL: func.func @main
// CHECK:         %[[W:.*]] = exec.weight 1 : tensor<36x16x16xf32>
// CHECK:         %[[V:.*]] = exec.grid(%c1{{.*}}, %c2{{.*}}, %c2{{.*}}) ins(%arg0 : tensor<1x8x8x16xf32>) outs(%{{.*}} : tensor<36x4x16xf32>)
// CHECK:           scf.for
// CHECK-COUNT-36:    vector.maskedload
// CHECK-COUNT-36:    vector.store
// CHECK:         %[[M:.*]] = exec.matmul %[[V]], %[[W]]
// CHECK:         exec.grid(%c1{{.*}}, %c2{{.*}}, %c2{{.*}}) ins(%[[M]], %arg1, %arg2 : tensor<36x4x16xf32>, tensor<16xf32>, tensor<1x8x8x16xf32>)
// CHECK-COUNT-36:    vector.load
// CHECK-COUNT-16:    arith.maximumf
// CHECK-NOT:     exec.conv
// CHECK-NOT:     linalg.generic

// FASTER-LABEL: func.func @main
// FASTER:         exec.conv
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#batch_of_1 = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3)>
func.func private @weights() -> tensor<1x3x3x16x16xf32> {
  %w = arith.constant dense<1.0> : tensor<1x3x3x16x16xf32>
  return %w : tensor<1x3x3x16x16xf32>
}
func.func @main(%x: tensor<1x8x8x16xf32>, %bias: tensor<16xf32>, %rest: tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32> {
  %w = exec.weight 0 : tensor<1x3x3x16x16xf32>
  %e = tensor.empty() : tensor<1x8x8x16xf32>
  %0 = exec.conv %x, %w bias(%bias : tensor<16xf32>) outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
      : tensor<1x8x8x16xf32>, tensor<1x3x3x16x16xf32>, tensor<1x8x8x16xf32> -> tensor<1x8x8x16xf32>
  %1 = linalg.generic {indexing_maps = [#batch_of_1, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %rest : tensor<1x8x8x16xf32>, tensor<1x8x8x16xf32>) outs(%e : tensor<1x8x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %zero = arith.constant 0.0 : f32
    %s = arith.addf %a, %b : f32
    %r = arith.maximumf %s, %zero : f32
    linalg.yield %r : f32
  } -> tensor<1x8x8x16xf32>
  return %1 : tensor<1x8x8x16xf32>
}

// -----

// 20 and 17 channels are 32 each between the transforms, the last 12 and 15 of them zeros, also in the filter.

// CHECK-LABEL: func.func private @weights
// CHECK:         exec.grid(%c36{{.*}}, %c32{{.*}}) ins(%{{.*}} : tensor<36x20x17xf32>) outs(%{{.*}} : tensor<36x32x32xf32>)
// CHECK:           vector.maskedload
// CHECK:           vector.store

// CHECK-LABEL: func.func @main
// CHECK:         exec.grid({{.*}} ins(%arg0 : tensor<1x8x8x20xf32>) outs(%{{.*}} : tensor<36x4x32xf32>)
// CHECK:           scf.for
// CHECK-COUNT-36:    vector.maskedload
// CHECK-COUNT-36:    vector.store
// CHECK:           vector.create_mask %c4
// CHECK-COUNT-36:  vector.maskedload
// CHECK-COUNT-36:  vector.store
// CHECK:         exec.matmul {{.*}} : tensor<36x4x32xf32>, tensor<36x32x32xf32>
// CHECK:         exec.grid({{.*}} ins(%{{.*}}, %arg1 : tensor<36x4x32xf32>, tensor<17xf32>) outs(%{{.*}} : tensor<1x8x8x17xf32>)
// CHECK:           scf.for
// CHECK-COUNT-16:    vector.store
// CHECK:           vector.create_mask %c1
// CHECK-COUNT-16:  vector.maskedstore
func.func private @weights() -> tensor<1x3x3x20x17xf32> {
  %w = arith.constant dense<1.0> : tensor<1x3x3x20x17xf32>
  return %w : tensor<1x3x3x20x17xf32>
}
func.func @main(%x: tensor<1x8x8x20xf32>, %bias: tensor<17xf32>) -> tensor<1x8x8x17xf32> {
  %w = exec.weight 0 : tensor<1x3x3x20x17xf32>
  %e = tensor.empty() : tensor<1x8x8x17xf32>
  %0 = exec.conv %x, %w bias(%bias : tensor<17xf32>) outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
      : tensor<1x8x8x20xf32>, tensor<1x3x3x20x17xf32>, tensor<1x8x8x17xf32> -> tensor<1x8x8x17xf32>
  return %0 : tensor<1x8x8x17xf32>
}
