// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// Places outside give zero, and are clamped before anything is loaded.
// CHECK-LABEL: func.func @grid_sample
// CHECK: math.roundeven
// CHECK: arith.cmpi ult
// CHECK: arith.minsi
// CHECK: %[[ELEMENT:.*]] = memref.load
// CHECK: arith.select %{{.*}}, %[[ELEMENT]], %{{.*}} : f32
func.func @grid_sample(%x: tensor<1x2x5x6xf32>, %g: tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32> {
  %0 = nn.grid_sample "nearest" "zeros" %x, %g : tensor<1x2x5x6xf32>, tensor<1x3x4x2xf32> -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// The image of a region is checked; so is the number of samples that the region's size asks for.
// CHECK-LABEL: func.func @roi_align
// CHECK: exec.check %{{.*}}, "RoiAlign needs four numbers and an image for each region"
// CHECK: exec.fault %{{.*}}, 1,
// CHECK: exec.fault %{{.*}}, 2,
func.func @roi_align(%x: tensor<1x2x5x6xf32>, %r: tensor<?x4xf32, #nn.dims<"r", "">>, %i: tensor<?xi64, #nn.dims<"r">>)
    -> tensor<?x2x3x3xf32, #nn.dims<"r", "", "", "">> {
  %0 = nn.roi_align %x, %r, %i {height = 3 : i64, width = 3 : i64, samples = 0 : i64, scale = 1.0 : f64}
      : tensor<1x2x5x6xf32>, tensor<?x4xf32, #nn.dims<"r", "">>, tensor<?xi64, #nn.dims<"r">>
      -> tensor<?x2x3x3xf32, #nn.dims<"r", "", "", "">>
  return %0 : tensor<?x2x3x3xf32, #nn.dims<"r", "", "", "">>
}

// CHECK-LABEL: func.func @fold_blocks
// CHECK: exec.check %{{.*}}, "blocks do not fit the sizes of image and block"
// CHECK: exec.grid
func.func @fold_blocks(%x: tensor<1x5x5xf32>, %i: tensor<2xi64>, %b: tensor<2xi64>) -> tensor<1x?x?x?xf32> {
  %0 = nn.fold_blocks %x, %i, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
      : tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64> -> tensor<1x?x?x?xf32>
  return %0 : tensor<1x?x?x?xf32>
}
