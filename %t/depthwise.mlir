
// A vector of channels of one input pixel serves all outputs that read it: the second one is used twice.
// CHECK: func.func private @k.body
// CHECK: %[[FIRST:.*]] = vector.load %{{.*}} : memref<2048xf32>, vector<8xf32>
// CHECK: math.fma %[[FIRST]]
// CHECK: %[[SECOND:.*]] = vector.load %{{.*}} : memref<2048xf32>, vector<8xf32>
// CHECK: math.fma %[[SECOND]]
// CHECK: math.fma %[[SECOND]]
exec.kernel @k(%x: tensor<1x16x16x8xf32>, %w: tensor<1x1x9x16xf32>) -> tensor<1x14x14x8xf32> {
  %e = tensor.empty() : tensor<1x14x14x8xf32>
  %0 = exec.conv %x, %w outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 8 : i64,
      packed = array<i64: 8, 3, 3, 1, 1>} : tensor<1x16x16x8xf32>, tensor<1x1x9x16xf32>, tensor<1x14x14x8xf32> -> tensor<1x14x14x8xf32>
  exec.yield %0 : tensor<1x14x14x8xf32>
}

