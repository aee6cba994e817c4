// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// The batch is a loop of the kernel, its size a symbol.
// CHECK-LABEL: func.func @batched(
// CHECK: exec.symbol "b"
// CHECK: exec.matmul
func.func @batched(%a: tensor<?x3x4xf32, #nn.dims<"b", "", "">>, %b: tensor<?x4x5xf32, #nn.dims<"b", "", "">>) -> tensor<?x3x5xf32, #nn.dims<"b", "", "">> {
  %0 = nn.matmul %a, %b : tensor<?x3x4xf32, #nn.dims<"b", "", "">>, tensor<?x4x5xf32, #nn.dims<"b", "", "">> -> tensor<?x3x5xf32, #nn.dims<"b", "", "">>
  return %0 : tensor<?x3x5xf32, #nn.dims<"b", "", "">>
}

// One product of all rows.
// CHECK-LABEL: func.func @right_is_shared(
// CHECK: tensor.collapse_shape %{{.*}} : tensor<2x3x4xf32> into tensor<6x4xf32>
// CHECK: exec.matmul
// CHECK: tensor.expand_shape
func.func @right_is_shared(%a: tensor<2x3x4xf32>, %b: tensor<4x5xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.matmul %a, %b : tensor<2x3x4xf32>, tensor<4x5xf32> -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// CHECK-LABEL: func.func @batches_broadcast(
// CHECK: exec.matmul
func.func @batches_broadcast(%a: tensor<2x1x3x4xf32>, %b: tensor<5x4x6xf32>) -> tensor<2x5x3x6xf32> {
  %0 = nn.matmul %a, %b : tensor<2x1x3x4xf32>, tensor<5x4x6xf32> -> tensor<2x5x3x6xf32>
  return %0 : tensor<2x5x3x6xf32>
}

// CHECK-LABEL: func.func @integers(
// CHECK: exec.matmul
func.func @integers(%a: tensor<3x4xi32>, %b: tensor<4x5xi32>) -> tensor<3x5xi32> {
  %0 = nn.matmul %a, %b : tensor<3x4xi32>, tensor<4x5xi32> -> tensor<3x5xi32>
  return %0 : tensor<3x5xi32>
}
