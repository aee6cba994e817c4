// RUN: nncc-opt %s -split-input-file -exec-form-kernels | FileCheck %s

#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d3)>

// Bias, residual and relu follow the convolution into one kernel. The residual may be overwritten. What others need as well, is stored.
// CHECK-LABEL: exec.kernel @k0_conv_add_relu(
// CHECK-SAME:    %[[X:.*]]: tensor<1x8x8x16xf32>, %[[F:.*]]: tensor<1x1x1x16x16xf32>, %[[BIAS:.*]]: tensor<16xf32>,
// CHECK-SAME:    %[[R:.*]]: tensor<1x8x8x16xf32>) -> tensor<1x8x8x16xf32> attributes {may_alias = array<i64: 3>}
// CHECK:         exec.conv
// CHECK:         linalg.generic
// CHECK:         linalg.generic
// CHECK:         exec.yield
// CHECK-LABEL: exec.kernel @k1_conv_exp(
// CHECK-SAME:    -> (tensor<1x8x8x16xf32>, tensor<1x8x8x16xf32>) attributes {may_alias = array<i64: -1, -1>}
// CHECK-LABEL: func.func @main
// CHECK:         %[[A:.*]] = exec.launch @k0_conv_add_relu(%arg0, %arg1, %arg2, %arg3)
// CHECK:         %[[B:.*]]:2 = exec.launch @k1_conv_exp(%[[A]], %arg1)
// CHECK:         return %[[B]]#0, %[[B]]#1
func.func @main(%x: tensor<1x8x8x16xf32>, %f: tensor<1x1x1x16x16xf32>, %bias: tensor<16xf32>, %r: tensor<1x8x8x16xf32>)
    -> (tensor<1x8x8x16xf32>, tensor<1x8x8x16xf32>) {
  %zero = arith.constant 0.0 : f32
  %init = tensor.empty() : tensor<1x8x8x16xf32>
  %0 = exec.conv %x, %f outs(%init) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1}
      : tensor<1x8x8x16xf32>, tensor<1x1x1x16x16xf32>, tensor<1x8x8x16xf32> -> tensor<1x8x8x16xf32>
  %1 = linalg.generic {indexing_maps = [#map, #channel, #map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %bias, %r : tensor<1x8x8x16xf32>, tensor<16xf32>, tensor<1x8x8x16xf32>) outs(%init : tensor<1x8x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    %t = arith.addf %s, %c : f32
    linalg.yield %t : f32
  } -> tensor<1x8x8x16xf32>
  %2 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%1 : tensor<1x8x8x16xf32>) outs(%init : tensor<1x8x8x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<1x8x8x16xf32>
  %3 = exec.conv %2, %f outs(%init) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1}
      : tensor<1x8x8x16xf32>, tensor<1x1x1x16x16xf32>, tensor<1x8x8x16xf32> -> tensor<1x8x8x16xf32>
  %4 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%3 : tensor<1x8x8x16xf32>) outs(%init : tensor<1x8x8x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  } -> tensor<1x8x8x16xf32>
  return %3, %4 : tensor<1x8x8x16xf32>, tensor<1x8x8x16xf32>
}

// -----

#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#lane = affine_map<(d0, d1, d2) -> (0, 0, d2)>

// Batch and rows were joined for the matrix product: what follows works on the joined shape too, so that it is fused, and the result is
// given its shape behind it. Sizes do not come from tensors that then nobody needs.
// CHECK-LABEL: exec.kernel @k0_matmul_add(
// CHECK-SAME:    -> tensor<?x8xf32> attributes
// CHECK:         exec.matmul
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]}
// CHECK-LABEL: func.func @main
// CHECK:         %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
// CHECK:         %[[SUM:.*]] = exec.launch @k0_matmul_add(%[[FLAT]], %{{.*}}, %{{.*}}, %{{.*}})
// CHECK:         %[[R:.*]] = tensor.expand_shape %[[SUM]] {{\[\[}}0, 1], [2]] output_shape [%{{.*}}, %{{.*}}, 8]
// CHECK:         return %[[R]]
func.func @main(%arg: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %bias: tensor<1x1x8xf32>) -> tensor<?x?x8xf32> {
  %b = exec.symbol "b"
  %s = exec.symbol "s"
  %m = arith.muli %b, %s : index
  %x = exec.input %arg(%b, %s) : tensor<?x?x8xf32>
  %flat = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x?x8xf32> into tensor<?x8xf32>
  %init = tensor.empty(%m) : tensor<?x8xf32>
  %0 = exec.matmul %flat, %w outs(%init) : tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [%b, %s, 8] : tensor<?x8xf32> into tensor<?x?x8xf32>
  %start = tensor.empty(%b, %s) : tensor<?x?x8xf32>
  %2 = linalg.generic {indexing_maps = [#all, #lane, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%1, %bias, %x : tensor<?x?x8xf32>, tensor<1x1x8xf32>, tensor<?x?x8xf32>) outs(%start : tensor<?x?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32, %o: f32):
    %t = arith.addf %p, %q : f32
    %u = arith.addf %t, %r : f32
    linalg.yield %u : f32
  } -> tensor<?x?x8xf32>
  return %2 : tensor<?x?x8xf32>
}

// -----

#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#scalar = affine_map<(d0, d1, d2) -> ()>

// A reshape of dynamic sizes that went through one dim; a tensor of one number, which goes into the body.
// CHECK-LABEL: exec.kernel @k0_matmul_mul(
// CHECK-SAME:    %{{.*}}: tensor<?x8xf32>, %{{.*}}: tensor<8x8xf32>, %{{.*}}: index) -> tensor<?x8xf32>
// CHECK:         %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:         arith.mulf %{{.*}}, %[[HALF]]
// CHECK-LABEL: func.func @main
// CHECK:         %[[R:.*]] = exec.launch @k0_matmul_mul
// CHECK:         %[[E:.*]] = tensor.expand_shape %[[R]] {{\[\[}}0, 1], [2]]
// CHECK:         return %[[E]]
func.func @main(%arg: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
  %half = arith.constant dense<0.5> : tensor<f32>
  %eight = arith.constant 8 : index
  %b = exec.symbol "b"
  %s = exec.symbol "s"
  %m = arith.muli %b, %s : index
  %x = exec.input %arg(%m) : tensor<?x8xf32>
  %init = tensor.empty(%m) : tensor<?x8xf32>
  %0 = exec.matmul %x, %w outs(%init) : tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  %flat = tensor.collapse_shape %0 [[0, 1]] : tensor<?x8xf32> into tensor<?xf32>
  %wide = tensor.expand_shape %flat [[0, 1, 2]] output_shape [%b, %s, %eight] : tensor<?xf32> into tensor<?x?x?xf32>
  %1 = tensor.cast %wide : tensor<?x?x?xf32> to tensor<?x?x8xf32>
  %start = tensor.empty(%b, %s) : tensor<?x?x8xf32>
  %2 = linalg.generic {indexing_maps = [#all, #scalar, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%1, %half : tensor<?x?x8xf32>, tensor<f32>) outs(%start : tensor<?x?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x?x8xf32>
  return %2 : tensor<?x?x8xf32>
}

// -----

#two = affine_map<(d0, d1) -> (d0, d1)>
#three = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#lane = affine_map<(d0, d1) -> (d1)>
#last = affine_map<(d0, d1, d2) -> (d2)>

// Dims of size 1 go in front, so that the lanes stay what they are.
// CHECK-LABEL: exec.kernel @k0_matmul_add_mul(
// CHECK-SAME:    -> tensor<1x8xf32>
// CHECK-NOT:   exec.kernel
// CHECK:       tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2]]
func.func @main(%x: tensor<1x8xf32>, %w: tensor<8x8xf32>, %bias: tensor<8xf32>) -> tensor<1x1x8xf32> {
  %init = tensor.empty() : tensor<1x8xf32>
  %0 = exec.matmul %x, %w outs(%init) : tensor<1x8xf32>, tensor<8x8xf32>, tensor<1x8xf32> -> tensor<1x8xf32>
  %1 = linalg.generic {indexing_maps = [#two, #lane, #two], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<1x8xf32>, tensor<8xf32>) outs(%init : tensor<1x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  } -> tensor<1x8xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
  %start = tensor.empty() : tensor<1x1x8xf32>
  %3 = linalg.generic {indexing_maps = [#three, #last, #three], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2, %bias : tensor<1x1x8xf32>, tensor<8xf32>) outs(%start : tensor<1x1x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.mulf %p, %q : f32
    linalg.yield %t : f32
  } -> tensor<1x1x8xf32>
  return %3 : tensor<1x1x8xf32>
}
