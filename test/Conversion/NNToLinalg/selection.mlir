// RUN: nncc-opt %s --convert-nn-to-linalg --canonicalize --cse | FileCheck %s

// k is an input: the schedule reads and checks it; no line of the result is longer.
// CHECK-LABEL: func.func @top_k
// CHECK: %[[K:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK: arith.cmpi ule, %[[K]]
// CHECK: exec.check %{{.*}}, "TopK: k is not between 0 and the size of the axis"
// CHECK-DAG: tensor.empty(%[[K]]) : tensor<4x?xf32>
// CHECK-DAG: tensor.empty(%[[K]]) : tensor<4x?xi64>
// CHECK: exec.sort(%{{.*}}) length %{{.*}} axis 1 ins(%{{.*}} : tensor<4x9xf32>) outs(%{{.*}}, %{{.*}} : tensor<4x?xi64>, tensor<4x?xf32>)
func.func @top_k(%x: tensor<4x9xf32>, %k: tensor<1xi64>) -> (tensor<4x?xf32>, tensor<4x?xi64>) {
  %v, %i = nn.top_k %x, %k axis -1 : tensor<4x9xf32>, tensor<1xi64> -> tensor<4x?xf32>, tensor<4x?xi64>
  return %v, %i : tensor<4x?xf32>, tensor<4x?xi64>
}

// Blocks are counted, the schedule reads how many there are, then each block writes.
// CHECK-LABEL: func.func @non_zero
// CHECK: %[[COUNTS:.*]] = exec.grid(%[[BLOCKS:.*]]) ins(%[[FLAT:.*]] : tensor<10000xf32>) outs(%{{.*}} : tensor<157xi64>)
// CHECK: %[[SUMS:.*]] = exec.scan() length %{{.*}} axis 0 ins(%[[COUNTS]] : tensor<157xi64>) outs(%{{.*}} : tensor<158xi64>)
// CHECK: %[[LAST:.*]] = tensor.extract %[[SUMS]]
// CHECK: %[[TOTAL:.*]] = arith.index_cast %[[LAST]]
// CHECK: %[[INIT:.*]] = tensor.empty(%[[TOTAL]]) : tensor<2x?xi64>
// CHECK: exec.grid(%[[BLOCKS]]) ins(%[[FLAT]], %[[SUMS]] : {{.*}}) outs(%[[INIT]] : tensor<2x?xi64>)
func.func @non_zero(%x: tensor<100x100xf32>) -> tensor<2x?xi64> {
  %0 = nn.non_zero %x : tensor<100x100xf32> -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// CHECK-LABEL: func.func @non_max_suppression
// CHECK: exec.check %{{.*}}, "iou_threshold of NonMaxSuppression is not between 0 and 1"
// CHECK: exec.grid(%{{.*}}) ins({{.*}}) outs(%{{.*}}, %{{.*}} : tensor<6x40xi64>, tensor<6xi64>)
// CHECK: tensor.extract
// CHECK: outs(%{{.*}} : tensor<?x3xi64>)
func.func @non_max_suppression(%b: tensor<2x40x4xf32>, %s: tensor<2x3x40xf32>, %m: tensor<i64>, %t: tensor<1xf32>) -> tensor<?x3xi64> {
  %0 = nn.non_max_suppression %b, %s max %m iou %t : tensor<2x40x4xf32>, tensor<2x3x40xf32>, tensor<i64>, tensor<1xf32> -> tensor<?x3xi64>
  return %0 : tensor<?x3xi64>
}
