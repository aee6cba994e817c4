// RUN: nncc-opt %s --nn-channels-last | FileCheck %s
// RUN: nncc-opt %s --nn-channels-last=propagate=false | FileCheck %s --check-prefix=ALONE

// A residual block of two convolutions has one transpose at each end.

// CHECK-LABEL: func.func @residual
// CHECK:         %[[X:.*]] = nn.transpose %arg0 [0, 2, 3, 1]
// CHECK:         %[[A:.*]] = nn.conv %[[X]]
// CHECK:         %[[R:.*]] = nn.relu %[[A]] : tensor<1x8x8x4xf32>
// CHECK:         %[[B:.*]] = nn.conv %[[R]]
// CHECK:         %[[SUM:.*]] = nn.add %[[B]], %[[R]]
// CHECK-NEXT:    %[[Y:.*]] = nn.transpose %[[SUM]] [0, 3, 1, 2]
// CHECK-NEXT:    return %[[Y]]

// ALONE-LABEL: func.func @residual
// ALONE:         nn.conv
// ALONE-NEXT:    nn.transpose %{{.*}} [0, 3, 1, 2]
// ALONE-NEXT:    nn.relu
func.func @residual(%x: tensor<1x4x8x8xf32>, %f: tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %0 = nn.conv %x, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.relu %0 : tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  %2 = nn.conv %1, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32> -> tensor<1x4x8x8xf32>
  %3 = nn.add %2, %1 : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  return %3 : tensor<1x4x8x8xf32>
}

// What broadcasts is transposed itself: it is small.

// CHECK-LABEL: func.func @broadcast
// CHECK:         nn.reshape %arg1
// CHECK:         nn.mul %arg0, %{{.*}} : tensor<1x8x8x4xf32>, tensor<1x1x1x4xf32>
// CHECK:         nn.transpose %{{.*}} [0, 3, 1, 2]
func.func @broadcast(%x: tensor<1x8x8x4xf32>, %scale: tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.mul %0, %scale : tensor<1x4x8x8xf32>, tensor<4x1x1xf32> -> tensor<1x4x8x8xf32>
  return %1 : tensor<1x4x8x8xf32>
}

// A transpose does not move behind an op that has another whole operand: that one would have to be transposed.

// CHECK-LABEL: func.func @no_gain
// CHECK-NEXT:    nn.transpose
// CHECK-NEXT:    nn.add
// CHECK-NEXT:    return
func.func @no_gain(%x: tensor<1x8x8x4xf32>, %y: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.add %0, %y : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  return %1 : tensor<1x4x8x8xf32>
}

// CHECK-LABEL: func.func @axes
// CHECK:         nn.concat %arg0, %arg0 axis 3
// CHECK:         nn.pool "max" {{.*}}channels_last{{.*}} -> tensor<1x7x7x8xf32>
// CHECK:         nn.reduce "mean" {{.*}} axes [1, 2] : tensor<1x7x7x8xf32> -> tensor<1x8xf32>
// CHECK-NOT:     nn.transpose
func.func @axes(%x: tensor<1x8x8x4xf32>) -> tensor<1x8xf32> {
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.concat %0, %0 axis 1 : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32> -> tensor<1x8x8x8xf32>
  %2 = nn.pool "max" %1 {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, ceil_mode = false, count_include_pad = false} : tensor<1x8x8x8xf32> -> tensor<1x8x7x7xf32>
  %3 = nn.reduce "mean" %2 axes [2, 3] : tensor<1x8x7x7xf32> -> tensor<1x8xf32>
  return %3 : tensor<1x8xf32>
}

// Pads and slices name the dims anew; flattening what pooling left needs no transpose.

// CHECK-LABEL: func.func @pad_slice
// CHECK:         nn.constant dense<[0, 1, 2, 0, 0, 3, 4, 0]>
// CHECK:         nn.slice {{.*}} axes [2, 3]
// CHECK:         nn.transpose %{{.*}} [0, 3, 1, 2]
func.func @pad_slice(%x: tensor<1x8x8x4xf32>) -> tensor<1x4x12x1xf32> {
  %pads = nn.constant dense<[0, 0, 1, 2, 0, 0, 3, 4]> : tensor<8xi64>
  %one = nn.constant dense<[1, 0]> : tensor<2xi64>
  %end = nn.constant dense<[2, 4]> : tensor<2xi64>
  %step = nn.constant dense<1> : tensor<2xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.pad %0, %pads "constant" : tensor<1x4x8x8xf32>, tensor<8xi64> -> tensor<1x4x12x14xf32>
  %2 = nn.slice %1, %one, %end, %step axes [3, 1] : tensor<1x4x12x14xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64> -> tensor<1x4x12x1xf32>
  return %2 : tensor<1x4x12x1xf32>
}

// CHECK-LABEL: func.func @flatten
// CHECK-NOT:     nn.transpose
// CHECK:         nn.reshape %arg0
func.func @flatten(%x: tensor<1x1x1x8xf32>) -> tensor<1x8xf32> {
  %shape = nn.constant dense<[1, 8]> : tensor<2xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x1x1x8xf32> -> tensor<1x8x1x1xf32>
  %1 = nn.reshape %0, %shape : tensor<1x8x1x1xf32>, tensor<2xi64> -> tensor<1x8xf32>
  return %1 : tensor<1x8xf32>
}

// A shuffle of channels stays among them; phases of a transposed convolution become places, their channels adjacent all along.

// CHECK-LABEL: func.func @shuffle
// CHECK:         nn.reshape %arg0, {{.*}} -> tensor<1x8x8x2x3xf32>
// CHECK-NEXT:    nn.transpose %{{.*}} [0, 1, 2, 4, 3]
// CHECK:         nn.reshape {{.*}} -> tensor<1x8x8x6xf32>
// CHECK-NEXT:    nn.transpose %{{.*}} [0, 3, 1, 2]
func.func @shuffle(%x: tensor<1x8x8x6xf32>) -> tensor<1x6x8x8xf32> {
  %apart = nn.constant dense<[1, 2, 3, 8, 8]> : tensor<5xi64>
  %joined = nn.constant dense<[1, 6, 8, 8]> : tensor<4xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x6xf32> -> tensor<1x6x8x8xf32>
  %1 = nn.reshape %0, %apart : tensor<1x6x8x8xf32>, tensor<5xi64> -> tensor<1x2x3x8x8xf32>
  %2 = nn.transpose %1 [0, 2, 1, 3, 4] : tensor<1x2x3x8x8xf32> -> tensor<1x3x2x8x8xf32>
  %3 = nn.reshape %2, %joined : tensor<1x3x2x8x8xf32>, tensor<4xi64> -> tensor<1x6x8x8xf32>
  return %3 : tensor<1x6x8x8xf32>
}

// CHECK-LABEL: func.func @phases
// CHECK:         nn.reshape %arg0, {{.*}} -> tensor<1x8x8x2x2x3xf32>
// CHECK-NEXT:    nn.transpose %{{.*}} [0, 1, 3, 2, 4, 5]
// CHECK:         nn.reshape {{.*}} -> tensor<1x16x16x3xf32>
// CHECK-NEXT:    nn.transpose %{{.*}} [0, 3, 1, 2]
func.func @phases(%x: tensor<1x8x8x12xf32>) -> tensor<1x3x16x16xf32> {
  %apart = nn.constant dense<[1, 2, 2, 3, 8, 8]> : tensor<6xi64>
  %joined = nn.constant dense<[1, 3, 16, 16]> : tensor<4xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x12xf32> -> tensor<1x12x8x8xf32>
  %1 = nn.reshape %0, %apart : tensor<1x12x8x8xf32>, tensor<6xi64> -> tensor<1x2x2x3x8x8xf32>
  %2 = nn.transpose %1 [0, 3, 4, 1, 5, 2] : tensor<1x2x2x3x8x8xf32> -> tensor<1x3x8x2x8x2xf32>
  %3 = nn.reshape %2, %joined : tensor<1x3x8x2x8x2xf32>, tensor<4xi64> -> tensor<1x3x16x16xf32>
  return %3 : tensor<1x3x16x16xf32>
}

// The same of a batch whose size is not known, beside what has its channels first: one transpose is left.
// CHECK-LABEL: func.func @phases_of_a_batch
// CHECK:         nn.transpose %{{.*}} [0, 1, 3, 2, 4, 5]
// CHECK:         %[[P:.*]] = nn.reshape {{.*}} -> tensor<?x16x16x3xf32
// CHECK-NEXT:    nn.concat %[[P]], %arg1 axis 3
// CHECK-NEXT:    nn.transpose %{{.*}} [0, 3, 1, 2]
// CHECK-NEXT:    return
func.func @phases_of_a_batch(%x: tensor<?x8x8x12xf32, #nn.dims<"n", "", "", "">>, %y: tensor<?x16x16x3xf32, #nn.dims<"n", "", "", "">>)
    -> tensor<?x6x16x16xf32, #nn.dims<"n", "", "", "">> {
  %apart = nn.constant dense<[0, 2, 2, 3, 8, 8]> : tensor<6xi64>
  %joined = nn.constant dense<[0, 3, 16, 16]> : tensor<4xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<?x8x8x12xf32, #nn.dims<"n", "", "", "">> -> tensor<?x12x8x8xf32, #nn.dims<"n", "", "", "">>
  %1 = nn.reshape %0, %apart : tensor<?x12x8x8xf32, #nn.dims<"n", "", "", "">>, tensor<6xi64> -> tensor<?x2x2x3x8x8xf32, #nn.dims<"n", "", "", "", "", "">>
  %2 = nn.transpose %1 [0, 3, 4, 1, 5, 2] : tensor<?x2x2x3x8x8xf32, #nn.dims<"n", "", "", "", "", "">> -> tensor<?x3x8x2x8x2xf32, #nn.dims<"n", "", "", "", "", "">>
  %3 = nn.reshape %2, %joined : tensor<?x3x8x2x8x2xf32, #nn.dims<"n", "", "", "", "", "">>, tensor<4xi64> -> tensor<?x3x16x16xf32, #nn.dims<"n", "", "", "">>
  %4 = nn.transpose %y [0, 3, 1, 2] : tensor<?x16x16x3xf32, #nn.dims<"n", "", "", "">> -> tensor<?x3x16x16xf32, #nn.dims<"n", "", "", "">>
  %5 = nn.concat %3, %4 axis 1 : tensor<?x3x16x16xf32, #nn.dims<"n", "", "", "">>, tensor<?x3x16x16xf32, #nn.dims<"n", "", "", "">> -> tensor<?x6x16x16xf32, #nn.dims<"n", "", "", "">>
  return %5 : tensor<?x6x16x16xf32, #nn.dims<"n", "", "", "">>
}

// Vectors and scalars have no channels to move.
// CHECK-LABEL: func.func @few_dims
// CHECK:         nn.add %arg0, %arg1 : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
func.func @few_dims(%x: tensor<4xf32>, %y: tensor<f32>) -> tensor<4xf32> {
  %0 = nn.add %x, %y : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// The rows of the first matrix behind the convolutions take their order.

// CHECK-LABEL: func.func @flatten_into_matrix
// CHECK-DAG:     nn.transpose %{{.*}} [1, 2, 0, 3] : tensor<4x8x8x10xf32> -> tensor<8x8x4x10xf32>
// CHECK-DAG:     %[[X:.*]] = nn.reshape %arg0, %{{.*}} -> tensor<1x256xf32>
// CHECK:         nn.matmul %[[X]]
func.func @flatten_into_matrix(%x: tensor<1x8x8x4xf32>) -> tensor<1x10xf32> {
  %w = nn.weight "m.onnx"[0, 10240] : tensor<256x10xf32>
  %shape = nn.constant dense<[1, 256]> : tensor<2xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.reshape %0, %shape : tensor<1x4x8x8xf32>, tensor<2xi64> -> tensor<1x256xf32>
  %2 = nn.matmul %1, %w : tensor<1x256xf32>, tensor<256x10xf32> -> tensor<1x10xf32>
  return %2 : tensor<1x10xf32>
}

// A matrix that is no constant would have to be transposed in every run.

// CHECK-LABEL: func.func @flatten_before_input
// CHECK:         %[[T:.*]] = nn.transpose %arg0 [0, 3, 1, 2]
// CHECK:         nn.reshape %[[T]]
func.func @flatten_before_input(%x: tensor<1x8x8x4xf32>, %w: tensor<256x10xf32>) -> tensor<1x10xf32> {
  %shape = nn.constant dense<[1, 256]> : tensor<2xi64>
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xf32> -> tensor<1x4x8x8xf32>
  %1 = nn.reshape %0, %shape : tensor<1x4x8x8xf32>, tensor<2xi64> -> tensor<1x256xf32>
  %2 = nn.matmul %1, %w : tensor<1x256xf32>, tensor<256x10xf32> -> tensor<1x10xf32>
  return %2 : tensor<1x10xf32>
}

// What is quantised keeps its layout.

// CHECK-LABEL: func.func @quantised
// CHECK:         nn.dequantize %arg0
// CHECK-NEXT:    return
func.func @quantised(%x: tensor<1x8x8x4xi8>, %s: tensor<f32>) -> tensor<1x8x8x4xf32> {
  %0 = nn.transpose %x [0, 3, 1, 2] : tensor<1x8x8x4xi8> -> tensor<1x4x8x8xi8>
  %1 = nn.dequantize %0, %s : tensor<1x4x8x8xi8>, tensor<f32> -> tensor<1x4x8x8xf32>
  %2 = nn.transpose %1 [0, 2, 3, 1] : tensor<1x4x8x8xf32> -> tensor<1x8x8x4xf32>
  return %2 : tensor<1x8x8x4xf32>
}

// With three dims, there and back are one permutation: what moves no elements stays where it is.

// CHECK-LABEL: func.func @three_dims
// CHECK:         nn.transpose %arg0 [0, 2, 1]
// CHECK:         nn.sub
func.func @three_dims(%x: tensor<3x5x1xf32>, %y: tensor<3x1x1xf32>) -> tensor<3x1x5xf32> {
  %0 = nn.transpose %x [0, 2, 1] : tensor<3x5x1xf32> -> tensor<3x1x5xf32>
  %1 = nn.sub %0, %y : tensor<3x1x5xf32>, tensor<3x1x1xf32> -> tensor<3x1x5xf32>
  return %1 : tensor<3x1x5xf32>
}
