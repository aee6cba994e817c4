// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-merge-products,canonicalize,cse))' | FileCheck %s

#q = affine_map<(h, m, n, d, e) -> (0, m, h, d)>
#k = affine_map<(h, m, n, d, e) -> (0, n, h, d)>
#v = affine_map<(h, m, n, d, e) -> (0, n, h, e)>
#r = affine_map<(h, m, n, d, e) -> (0, m, h, e)>

// Queries, keys and values: the parts are an index. Keys have no bias; their part of it is zero.
// CHECK-DAG: #[[Q3:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d1, 0, d0, d3)>
// CHECK-DAG: #[[K3:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d2, 1, d0, d3)>
// CHECK-DAG: #[[V3:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d2, 2, d0, d4)>
// CHECK-DAG: #[[R:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d1, d0, d4)>
// CHECK-LABEL: func.func @three
// CHECK-DAG: %[[ZERO:.*]] = nn.constant dense<0.000000e+00> : tensor<6xf32>
// CHECK-DAG: %[[WQ:.*]] = nn.weight "m.onnx"[0, 192]
// CHECK-DAG: %[[WK:.*]] = nn.weight "m.onnx"[192, 192]
// CHECK-DAG: %[[WV:.*]] = nn.weight "m.onnx"[384, 192]
// CHECK-DAG: %[[BQ:.*]] = nn.weight "m.onnx"[576, 24]
// CHECK-DAG: %[[BV:.*]] = nn.weight "m.onnx"[600, 24]
// CHECK: %[[W:.*]] = nn.concat %[[WQ]], %[[WK]], %[[WV]] axis 1 : {{.*}} -> tensor<8x18xf32>
// CHECK-NEXT: %[[P:.*]] = nn.matmul %arg0, %[[W]] : tensor<1x9x8xf32>, tensor<8x18xf32> -> tensor<1x9x18xf32>
// CHECK-NEXT: %[[B:.*]] = nn.concat %[[BQ]], %[[ZERO]], %[[BV]] axis 0 : {{.*}} -> tensor<18xf32>
// CHECK: %[[S:.*]] = nn.add %[[P]], %[[B]]
// CHECK-NEXT: %[[T:.*]] = nn.reshape %[[S]], %{{.*}} -> tensor<1x9x3x3x2xf32>
// CHECK-NEXT: nn.attention %[[T]], %[[T]], %[[T]] {indexing_maps = [#[[Q3]], #[[K3]], #[[V3]], #[[R]]]
func.func @three(%x: tensor<1x9x8xf32>) -> tensor<1x9x3x2xf32> {
  %wq = nn.weight "m.onnx"[0, 192] : tensor<8x6xf32>
  %wk = nn.weight "m.onnx"[192, 192] : tensor<8x6xf32>
  %wv = nn.weight "m.onnx"[384, 192] : tensor<8x6xf32>
  %bq = nn.weight "m.onnx"[576, 24] : tensor<6xf32>
  %bv = nn.weight "m.onnx"[600, 24] : tensor<6xf32>
  %heads = nn.constant dense<[1, 9, 3, 2]> : tensor<4xi64>
  %0 = nn.matmul %x, %wq : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %1 = nn.add %0, %bq : tensor<1x9x6xf32>, tensor<6xf32> -> tensor<1x9x6xf32>
  %q = nn.reshape %1, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %2 = nn.matmul %x, %wk : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %k = nn.reshape %2, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %3 = nn.matmul %x, %wv : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %4 = nn.add %bv, %3 : tensor<6xf32>, tensor<1x9x6xf32> -> tensor<1x9x6xf32>
  %v = nn.reshape %4, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %5 = nn.attention %q, %k, %v {indexing_maps = [#q, #k, #v, #r], scale = 0.5} : tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32> -> tensor<1x9x3x2xf32>
  return %5 : tensor<1x9x3x2xf32>
}

// Keys and values of two layers, of one text: four parts. Sizes that are symbols keep their places.
// CHECK-LABEL: func.func @cross
// CHECK: nn.concat {{.*}} -> tensor<8x24xf32>
// CHECK: %[[P:.*]] = nn.matmul %arg1, %{{.*}} -> tensor<?x?x24xf32, #nn.dims<"b", "s", "">>
// CHECK-NOT: nn.matmul
// CHECK: %[[T:.*]] = nn.reshape %[[P]], %{{.*}} -> tensor<?x?x4x3x2xf32, #nn.dims<"b", "s", "", "", "">>
// CHECK: nn.attention %arg0, %[[T]], %[[T]]
// CHECK: nn.attention %{{.*}}, %[[T]], %[[T]]
func.func @cross(%q: tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">>, %x: tensor<?x?x8xf32, #nn.dims<"b", "s", "">>) -> tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">> {
  %wa = nn.weight "m.onnx"[0, 192] : tensor<8x6xf32>
  %wb = nn.weight "m.onnx"[192, 192] : tensor<8x6xf32>
  %wc = nn.weight "m.onnx"[384, 192] : tensor<8x6xf32>
  %wd = nn.weight "m.onnx"[576, 192] : tensor<8x6xf32>
  %heads = nn.constant dense<[0, 0, 3, 2]> : tensor<4xi64>
  %0 = nn.matmul %x, %wa : tensor<?x?x8xf32, #nn.dims<"b", "s", "">>, tensor<8x6xf32> -> tensor<?x?x6xf32, #nn.dims<"b", "s", "">>
  %1 = nn.matmul %x, %wb : tensor<?x?x8xf32, #nn.dims<"b", "s", "">>, tensor<8x6xf32> -> tensor<?x?x6xf32, #nn.dims<"b", "s", "">>
  %2 = nn.matmul %x, %wc : tensor<?x?x8xf32, #nn.dims<"b", "s", "">>, tensor<8x6xf32> -> tensor<?x?x6xf32, #nn.dims<"b", "s", "">>
  %3 = nn.matmul %x, %wd : tensor<?x?x8xf32, #nn.dims<"b", "s", "">>, tensor<8x6xf32> -> tensor<?x?x6xf32, #nn.dims<"b", "s", "">>
  %k0 = nn.reshape %0, %heads : tensor<?x?x6xf32, #nn.dims<"b", "s", "">>, tensor<4xi64> -> tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">>
  %v0 = nn.reshape %1, %heads : tensor<?x?x6xf32, #nn.dims<"b", "s", "">>, tensor<4xi64> -> tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">>
  %k1 = nn.reshape %2, %heads : tensor<?x?x6xf32, #nn.dims<"b", "s", "">>, tensor<4xi64> -> tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">>
  %v1 = nn.reshape %3, %heads : tensor<?x?x6xf32, #nn.dims<"b", "s", "">>, tensor<4xi64> -> tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">>
  %4 = nn.attention %q, %k0, %v0 {indexing_maps = [affine_map<(b, h, m, n, d, e) -> (b, m, h, d)>, affine_map<(b, h, m, n, d, e) -> (b, n, h, d)>, affine_map<(b, h, m, n, d, e) -> (b, n, h, e)>, affine_map<(b, h, m, n, d, e) -> (b, m, h, e)>], scale = 0.5}
    : tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">>, tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">>, tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">> -> tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">>
  %5 = nn.attention %4, %k1, %v1 {indexing_maps = [affine_map<(b, h, m, n, d, e) -> (b, m, h, d)>, affine_map<(b, h, m, n, d, e) -> (b, n, h, d)>, affine_map<(b, h, m, n, d, e) -> (b, n, h, e)>, affine_map<(b, h, m, n, d, e) -> (b, m, h, e)>], scale = 0.5}
    : tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">>, tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">>, tensor<?x?x3x2xf32, #nn.dims<"b", "s", "", "">> -> tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">>
  return %5 : tensor<?x5x3x2xf32, #nn.dims<"b", "", "", "">>
}

// Keys are a result of the model, too, and values come from another tensor: neither is merged with the queries.
// CHECK-LABEL: func.func @alone
// CHECK-NOT: nn.concat
// CHECK-COUNT-3: nn.matmul
func.func @alone(%x: tensor<1x9x8xf32>, %y: tensor<1x9x8xf32>) -> (tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32>) {
  %wq = nn.weight "m.onnx"[0, 192] : tensor<8x6xf32>
  %wk = nn.weight "m.onnx"[192, 192] : tensor<8x6xf32>
  %wv = nn.weight "m.onnx"[384, 192] : tensor<8x6xf32>
  %heads = nn.constant dense<[1, 9, 3, 2]> : tensor<4xi64>
  %0 = nn.matmul %x, %wq : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %q = nn.reshape %0, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %1 = nn.matmul %x, %wk : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %k = nn.reshape %1, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %2 = nn.matmul %y, %wv : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %v = nn.reshape %2, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %3 = nn.attention %q, %k, %v {indexing_maps = [#q, #k, #v, #r], scale = 0.5} : tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32> -> tensor<1x9x3x2xf32>
  return %3, %k : tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32>
}

// Matrices that are not known while compiling, and such of another number of columns, stay.
// CHECK-LABEL: func.func @unlike
// CHECK-NOT: nn.concat
// CHECK-COUNT-3: nn.matmul
func.func @unlike(%x: tensor<1x9x8xf32>, %wq: tensor<8x6xf32>) -> tensor<1x9x3x4xf32> {
  %wk = nn.weight "m.onnx"[192, 192] : tensor<8x6xf32>
  %wv = nn.weight "m.onnx"[384, 384] : tensor<8x12xf32>
  %heads = nn.constant dense<[1, 9, 3, 2]> : tensor<4xi64>
  %wide = nn.constant dense<[1, 9, 3, 4]> : tensor<4xi64>
  %0 = nn.matmul %x, %wq : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %q = nn.reshape %0, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %1 = nn.matmul %x, %wk : tensor<1x9x8xf32>, tensor<8x6xf32> -> tensor<1x9x6xf32>
  %k = nn.reshape %1, %heads : tensor<1x9x6xf32>, tensor<4xi64> -> tensor<1x9x3x2xf32>
  %2 = nn.matmul %x, %wv : tensor<1x9x8xf32>, tensor<8x12xf32> -> tensor<1x9x12xf32>
  %v = nn.reshape %2, %wide : tensor<1x9x12xf32>, tensor<4xi64> -> tensor<1x9x3x4xf32>
  %3 = nn.attention %q, %k, %v {indexing_maps = [#q, #k, #v, #r], scale = 0.5} : tensor<1x9x3x2xf32>, tensor<1x9x3x2xf32>, tensor<1x9x3x4xf32> -> tensor<1x9x3x4xf32>
  return %3 : tensor<1x9x3x4xf32>
}
