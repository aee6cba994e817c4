// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @transpose(
// CHECK: linalg.generic
// CHECK-NEXT: ^bb0
// CHECK-NEXT: linalg.yield
func.func @transpose(%x: tensor<2x3x4xf32>) -> tensor<3x4x2xf32> {
  %0 = nn.transpose %x [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  return %0 : tensor<3x4x2xf32>
}

// Each operand is copied to its place; its size is an expression of symbols.
// CHECK-LABEL: func.func @concat(
// CHECK: %[[N:.*]] = exec.symbol "n"
// CHECK: arith.addi %[[N]], %c3
func.func @concat(%x: tensor<2x?xf32, #nn.dims<"", "n">>, %y: tensor<2x3xf32>) -> tensor<2x?xf32, #nn.dims<"", "n + 3">> {
  %0 = nn.concat %x, %y axis 1 : tensor<2x?xf32, #nn.dims<"", "n">>, tensor<2x3xf32> -> tensor<2x?xf32, #nn.dims<"", "n + 3">>
  return %0 : tensor<2x?xf32, #nn.dims<"", "n + 3">>
}

// CHECK-LABEL: func.func @slice_backwards(
// CHECK: linalg.generic
// CHECK: %[[PLACE:.*]] = affine.apply #[[BACK:.*]]()
// CHECK: tensor.extract %arg0[%[[PLACE]]]
func.func @slice_backwards(%x: tensor<6xf32>) -> tensor<3xf32> {
  %start = nn.constant dense<-1> : tensor<1xi64>
  %end = nn.constant dense<-7> : tensor<1xi64>
  %step = nn.constant dense<-2> : tensor<1xi64>
  %0 = nn.slice %x, %start, %end, %step axes [0] : tensor<6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// The range is clamped, and a step of 0 refused, in the schedule.
// CHECK-LABEL: func.func @slice_when_it_runs(
// CHECK-COUNT-3: tensor.extract
// CHECK: exec.check %{{.*}}, "a slice has a step of 0"
// CHECK: arith.maxsi
// CHECK: arith.minsi
func.func @slice_when_it_runs(%x: tensor<6xf32>, %start: tensor<1xi64>, %end: tensor<1xi64>, %step: tensor<1xi64>) -> tensor<?xf32> {
  %0 = nn.slice %x, %start, %end, %step axes [0] : tensor<6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func.func @pad_by_reflection(
// CHECK: arith.remsi %{{.*}}, %c6
func.func @pad_by_reflection(%x: tensor<4xi32>) -> tensor<7xi32> {
  %pads = nn.constant dense<[1, 2]> : tensor<2xi64>
  %0 = nn.pad %x, %pads "reflect" : tensor<4xi32>, tensor<2xi64> -> tensor<7xi32>
  return %0 : tensor<7xi32>
}

// CHECK-LABEL: func.func @tile(
// CHECK: linalg.generic
// CHECK: tensor.collapse_shape %{{.*}} : tensor<2x2x3x3xf32> into tensor<4x9xf32>
func.func @tile(%x: tensor<2x3xf32>) -> tensor<4x9xf32> {
  %repeats = nn.constant dense<[2, 3]> : tensor<2xi64>
  %0 = nn.tile %x, %repeats : tensor<2x3xf32>, tensor<2xi64> -> tensor<4x9xf32>
  return %0 : tensor<4x9xf32>
}

// CHECK-LABEL: func.func @expand_when_it_runs(
// CHECK: exec.check %{{.*}}, "sizes of the operands do not broadcast"
// CHECK: exec.check %{{.*}}, "a tensor is to have a negative size"
// CHECK: linalg.generic
func.func @expand_when_it_runs(%x: tensor<3x1xf32>, %shape: tensor<2xi64>) -> tensor<3x?xf32> {
  %0 = nn.expand %x, %shape : tensor<3x1xf32>, tensor<2xi64> -> tensor<3x?xf32>
  return %0 : tensor<3x?xf32>
}

// The number of elements is ceil((limit - start) / delta), of a NaN none.
// CHECK-LABEL: func.func @range(
// CHECK: arith.divf
// CHECK: math.ceil
// CHECK: arith.maxsi
// CHECK: tensor.empty
// CHECK: linalg.index 0
func.func @range(%start: tensor<f32>, %limit: tensor<f32>, %delta: tensor<f32>) -> tensor<?xf32> {
  %0 = nn.range %start, %limit, %delta : tensor<f32>, tensor<f32>, tensor<f32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
