// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-recognize,canonicalize,cse))' | FileCheck %s
// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nn-recognize{rounds-scores=true},canonicalize,cse))' | FileCheck %s --check-prefix=ROUNDED

// CHECK-DAG: #[[PADDING:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, 0, 0, d3)>

// As BERT comes: heads stand behind the rows, where the projections left them, and the result's too. No transpose is left.
// CHECK-DAG: #[[Q:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d1, d0, d3)>
// CHECK-DAG: #[[K:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d2, d0, d3)>
// CHECK-DAG: #[[V:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d2, d0, d4)>
// CHECK-DAG: #[[M:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, 0, 0, d2)>
// CHECK-DAG: #[[R:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (0, d1, d0, d4)>
// CHECK-LABEL: func.func @bert
// CHECK-NEXT: %[[R0:.*]] = nn.attention %arg0, %arg1, %arg2 masks(%arg3 : tensor<1x1x1x16xf32>)
// CHECK-SAME: {indexing_maps = [#[[Q]], #[[K]], #[[V]], #[[M]], #[[R]]], scale = 1.250000e-01 : f64}
// CHECK-NEXT: return %[[R0]]
func.func @bert(%q: tensor<1x16x3x8xf32>, %k: tensor<1x16x3x8xf32>, %v: tensor<1x16x3x8xf32>, %m: tensor<1x1x1x16xf32>)
    -> tensor<1x16x3x8xf32> {
  %scale = nn.constant dense<0.125> : tensor<f32>
  %0 = nn.transpose %q [0, 2, 1, 3] : tensor<1x16x3x8xf32> -> tensor<1x3x16x8xf32>
  %1 = nn.transpose %k [0, 2, 3, 1] : tensor<1x16x3x8xf32> -> tensor<1x3x8x16xf32>
  %2 = nn.transpose %v [0, 2, 1, 3] : tensor<1x16x3x8xf32> -> tensor<1x3x16x8xf32>
  %3 = nn.matmul %0, %1 : tensor<1x3x16x8xf32>, tensor<1x3x8x16xf32> -> tensor<1x3x16x16xf32>
  %4 = nn.mul %3, %scale : tensor<1x3x16x16xf32>, tensor<f32> -> tensor<1x3x16x16xf32>
  %5 = nn.add %4, %m : tensor<1x3x16x16xf32>, tensor<1x1x1x16xf32> -> tensor<1x3x16x16xf32>
  %s0 = nn.reduce "max" %5 axes [3] keepdims : tensor<1x3x16x16xf32> -> tensor<1x3x16x1xf32>
  %s1 = nn.sub %5, %s0 : tensor<1x3x16x16xf32>, tensor<1x3x16x1xf32> -> tensor<1x3x16x16xf32>
  %s2 = nn.exp %s1 : tensor<1x3x16x16xf32> -> tensor<1x3x16x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [3] keepdims : tensor<1x3x16x16xf32> -> tensor<1x3x16x1xf32>
  %p = nn.div %s2, %s3 : tensor<1x3x16x16xf32>, tensor<1x3x16x1xf32> -> tensor<1x3x16x16xf32>
  %6 = nn.matmul %p, %2 : tensor<1x3x16x16xf32>, tensor<1x3x16x8xf32> -> tensor<1x3x16x8xf32>
  %7 = nn.transpose %6 [0, 2, 1, 3] : tensor<1x3x16x8xf32> -> tensor<1x16x3x8xf32>
  return %7 : tensor<1x16x3x8xf32>
}

// As torch takes scaled_dot_product_attention apart: the root of the scale on both sides, keys transposed under another shape, a guard
// against rows of nothing but -inf. Queries, keys and values are thirds of one projection.
// CHECK-LABEL: func.func @gpt2
// CHECK: %[[QKV:.*]] = nn.reshape %arg0, %{{.*}} -> tensor<1x16x3x2x8xf32>
// CHECK: nn.attention %[[QKV]], %[[QKV]], %[[QKV]] masks(%arg1 : tensor<1x1x16x16xf32>)
// CHECK-SAME: nan_as_zero, scale = 2.500000e-01 : f64
// CHECK-SAME: -> tensor<1x16x2x8xf32>
func.func @gpt2(%x: tensor<1x16x48xf32>, %m: tensor<1x1x16x16xf32>) -> tensor<16x16xf32> {
  %root = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %0 = nn.constant dense<0> : tensor<1xi64>
  %16 = nn.constant dense<16> : tensor<1xi64>
  %32 = nn.constant dense<32> : tensor<1xi64>
  %48 = nn.constant dense<48> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %heads = nn.constant dense<[1, 16, -1, 8]> : tensor<4xi64>
  %flat = nn.constant dense<[-1, 16, 8]> : tensor<3xi64>
  %back = nn.constant dense<[1, 2, 8, 16]> : tensor<4xi64>
  %rows = nn.constant dense<[16, 16]> : tensor<2xi64>
  %a = nn.slice %x, %0, %16, %one axes [2] : tensor<1x16x48xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<1x16x16xf32>
  %b = nn.slice %x, %16, %32, %one axes [2] : tensor<1x16x48xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<1x16x16xf32>
  %c = nn.slice %x, %32, %48, %one axes [2] : tensor<1x16x48xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<1x16x16xf32>
  %q0 = nn.reshape %a, %heads : tensor<1x16x16xf32>, tensor<4xi64> -> tensor<1x16x2x8xf32>
  %q1 = nn.transpose %q0 [0, 2, 1, 3] : tensor<1x16x2x8xf32> -> tensor<1x2x16x8xf32>
  %q2 = nn.mul %q1, %root : tensor<1x2x16x8xf32>, tensor<f32> -> tensor<1x2x16x8xf32>
  %k0 = nn.reshape %b, %heads : tensor<1x16x16xf32>, tensor<4xi64> -> tensor<1x16x2x8xf32>
  %k1 = nn.transpose %k0 [0, 2, 1, 3] : tensor<1x16x2x8xf32> -> tensor<1x2x16x8xf32>
  %k2 = nn.reshape %k1, %flat : tensor<1x2x16x8xf32>, tensor<3xi64> -> tensor<2x16x8xf32>
  %k3 = nn.transpose %k2 [0, 2, 1] : tensor<2x16x8xf32> -> tensor<2x8x16xf32>
  %k4 = nn.reshape %k3, %back : tensor<2x8x16xf32>, tensor<4xi64> -> tensor<1x2x8x16xf32>
  %k5 = nn.mul %k4, %root : tensor<1x2x8x16xf32>, tensor<f32> -> tensor<1x2x8x16xf32>
  %v0 = nn.reshape %c, %heads : tensor<1x16x16xf32>, tensor<4xi64> -> tensor<1x16x2x8xf32>
  %v1 = nn.transpose %v0 [0, 2, 1, 3] : tensor<1x16x2x8xf32> -> tensor<1x2x16x8xf32>
  %1 = nn.matmul %q2, %k5 : tensor<1x2x16x8xf32>, tensor<1x2x8x16xf32> -> tensor<1x2x16x16xf32>
  %2 = nn.add %1, %m : tensor<1x2x16x16xf32>, tensor<1x1x16x16xf32> -> tensor<1x2x16x16xf32>
  %s0 = nn.reduce "max" %2 axes [3] keepdims : tensor<1x2x16x16xf32> -> tensor<1x2x16x1xf32>
  %s1 = nn.sub %2, %s0 : tensor<1x2x16x16xf32>, tensor<1x2x16x1xf32> -> tensor<1x2x16x16xf32>
  %s2 = nn.exp %s1 : tensor<1x2x16x16xf32> -> tensor<1x2x16x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [3] keepdims : tensor<1x2x16x16xf32> -> tensor<1x2x16x1xf32>
  %p = nn.div %s2, %s3 : tensor<1x2x16x16xf32>, tensor<1x2x16x1xf32> -> tensor<1x2x16x16xf32>
  %n = nn.is_nan %p : tensor<1x2x16x16xf32> -> tensor<1x2x16x16xi1>
  %w = nn.where %n, %zero, %p : tensor<1x2x16x16xi1>, tensor<f32>, tensor<1x2x16x16xf32> -> tensor<1x2x16x16xf32>
  %3 = nn.matmul %w, %v1 : tensor<1x2x16x16xf32>, tensor<1x2x16x8xf32> -> tensor<1x2x16x8xf32>
  %4 = nn.transpose %3 [0, 2, 1, 3] : tensor<1x2x16x8xf32> -> tensor<1x16x2x8xf32>
  %5 = nn.reshape %4, %rows : tensor<1x16x2x8xf32>, tensor<2xi64> -> tensor<16x16xf32>
  return %5 : tensor<16x16xf32>
}

// Three heads share what one head of keys and values has; sizes are symbols.
// CHECK-LABEL: func.func @shared_heads
// CHECK: nn.attention %arg0, %arg1, %arg2 {indexing_maps = [#{{.*}}, #[[SHARED:.*]], #{{.*}}, #{{.*}}], scale = 1.000000e+00 : f64}
// CHECK-SAME: tensor<?x6x?x8xf32, #nn.dims<"b", "", "s", "">>, tensor<?x2x?x8xf32
func.func @shared_heads(%q: tensor<?x6x?x8xf32, #nn.dims<"b", "", "s", "">>, %k: tensor<?x2x?x8xf32, #nn.dims<"b", "", "t", "">>,
                        %v: tensor<?x2x?x8xf32, #nn.dims<"b", "", "t", "">>) -> tensor<?x6x?x8xf32, #nn.dims<"b", "", "s", "">> {
  %shape = nn.constant dense<[1, 1, 3, 1, 1]> : tensor<5xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %k0 = nn.shape_of %k : tensor<?x2x?x8xf32, #nn.dims<"b", "", "t", "">> -> tensor<4xi64>
  %k1 = nn.insert_axes %k0, %two : tensor<4xi64>, tensor<1xi64> -> tensor<5xi64>
  %k2 = nn.reshape %k, %k1 : tensor<?x2x?x8xf32, #nn.dims<"b", "", "t", "">>, tensor<5xi64> -> tensor<?x2x1x?x8xf32, #nn.dims<"b", "", "", "t", "">>
  %k3 = nn.expand %k2, %shape : tensor<?x2x1x?x8xf32, #nn.dims<"b", "", "", "t", "">>, tensor<5xi64> -> tensor<?x2x3x?x8xf32, #nn.dims<"b", "", "", "t", "">>
  %b = nn.constant dense<[0]> : tensor<1xi64>
  %t = nn.constant dense<[2]> : tensor<1xi64>
  %six = nn.constant dense<6> : tensor<1xi64>
  %eight = nn.constant dense<8> : tensor<1xi64>
  %s0 = nn.gather %k0, %b axis 0 : tensor<4xi64>, tensor<1xi64> -> tensor<1xi64>
  %s2 = nn.gather %k0, %t axis 0 : tensor<4xi64>, tensor<1xi64> -> tensor<1xi64>
  %s = nn.concat %s0, %six, %s2, %eight axis 0 : tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<4xi64>
  %k4 = nn.reshape %k3, %s : tensor<?x2x3x?x8xf32, #nn.dims<"b", "", "", "t", "">>, tensor<4xi64> -> tensor<?x6x?x8xf32, #nn.dims<"b", "", "t", "">>
  %k5 = nn.transpose %k4 [0, 1, 3, 2] : tensor<?x6x?x8xf32, #nn.dims<"b", "", "t", "">> -> tensor<?x6x8x?xf32, #nn.dims<"b", "", "", "t">>
  %v2 = nn.reshape %v, %k1 : tensor<?x2x?x8xf32, #nn.dims<"b", "", "t", "">>, tensor<5xi64> -> tensor<?x2x1x?x8xf32, #nn.dims<"b", "", "", "t", "">>
  %v3 = nn.expand %v2, %shape : tensor<?x2x1x?x8xf32, #nn.dims<"b", "", "", "t", "">>, tensor<5xi64> -> tensor<?x2x3x?x8xf32, #nn.dims<"b", "", "", "t", "">>
  %v4 = nn.reshape %v3, %s : tensor<?x2x3x?x8xf32, #nn.dims<"b", "", "", "t", "">>, tensor<4xi64> -> tensor<?x6x?x8xf32, #nn.dims<"b", "", "t", "">>
  %1 = nn.matmul %q, %k5 : tensor<?x6x?x8xf32, #nn.dims<"b", "", "s", "">>, tensor<?x6x8x?xf32, #nn.dims<"b", "", "", "t">> -> tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>
  %s_0 = nn.reduce "max" %1 axes [3] keepdims : tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">> -> tensor<?x6x?x1xf32, #nn.dims<"b", "", "s", "">>
  %s_1 = nn.sub %1, %s_0 : tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>, tensor<?x6x?x1xf32, #nn.dims<"b", "", "s", "">> -> tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>
  %s_2 = nn.exp %s_1 : tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">> -> tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>
  %s_3 = nn.reduce "sum" %s_2 axes [3] keepdims : tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">> -> tensor<?x6x?x1xf32, #nn.dims<"b", "", "s", "">>
  %p = nn.div %s_2, %s_3 : tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>, tensor<?x6x?x1xf32, #nn.dims<"b", "", "s", "">> -> tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>
  %2 = nn.matmul %p, %v4 : tensor<?x6x?x?xf32, #nn.dims<"b", "", "s", "t">>, tensor<?x6x?x8xf32, #nn.dims<"b", "", "t", "">> -> tensor<?x6x?x8xf32, #nn.dims<"b", "", "s", "">>
  return %2 : tensor<?x6x?x8xf32, #nn.dims<"b", "", "s", "">>
}

// Scores replaced by the least number are as good as scores with it added. A row alone, whose dim another of size 1 stands for.
// CHECK-LABEL: func.func @chosen
// CHECK: %[[M:.*]] = nn.where %arg3, %{{.*}}, %{{.*}} : tensor<1x1x1x16xi1>, tensor<f32>, tensor<f32> -> tensor<1x1x1x16xf32>
// CHECK: nn.attention %arg0, %arg1, %arg2 masks(%[[M]]
func.func @chosen(%q: tensor<1x2x1x8xf32>, %k: tensor<1x2x16x8xf32>, %v: tensor<1x2x16x8xf32>, %c: tensor<1x1x1x16xi1>) -> tensor<1x2x1x8xf32> {
  %least = nn.constant dense<0xFF800000> : tensor<f32>
  %0 = nn.transpose %k [0, 1, 3, 2] : tensor<1x2x16x8xf32> -> tensor<1x2x8x16xf32>
  %1 = nn.matmul %q, %0 : tensor<1x2x1x8xf32>, tensor<1x2x8x16xf32> -> tensor<1x2x1x16xf32>
  %2 = nn.where %c, %1, %least : tensor<1x1x1x16xi1>, tensor<1x2x1x16xf32>, tensor<f32> -> tensor<1x2x1x16xf32>
  %s0 = nn.reduce "max" %2 axes [3] keepdims : tensor<1x2x1x16xf32> -> tensor<1x2x1x1xf32>
  %s1 = nn.sub %2, %s0 : tensor<1x2x1x16xf32>, tensor<1x2x1x1xf32> -> tensor<1x2x1x16xf32>
  %s2 = nn.exp %s1 : tensor<1x2x1x16xf32> -> tensor<1x2x1x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [3] keepdims : tensor<1x2x1x16xf32> -> tensor<1x2x1x1xf32>
  %p = nn.div %s2, %s3 : tensor<1x2x1x16xf32>, tensor<1x2x1x1xf32> -> tensor<1x2x1x16xf32>
  %3 = nn.matmul %p, %v : tensor<1x2x1x16xf32>, tensor<1x2x16x8xf32> -> tensor<1x2x1x8xf32>
  return %3 : tensor<1x2x1x8xf32>
}

// The weights are a result as well.
// CHECK-LABEL: func.func @weights_are_seen
// CHECK-NOT: nn.attention
func.func @weights_are_seen(%q: tensor<2x16x8xf32>, %k: tensor<2x8x16xf32>, %v: tensor<2x16x8xf32>) -> (tensor<2x16x8xf32>, tensor<2x16x16xf32>) {
  %0 = nn.matmul %q, %k : tensor<2x16x8xf32>, tensor<2x8x16xf32> -> tensor<2x16x16xf32>
  %s0 = nn.reduce "max" %0 axes [2] keepdims : tensor<2x16x16xf32> -> tensor<2x16x1xf32>
  %s1 = nn.sub %0, %s0 : tensor<2x16x16xf32>, tensor<2x16x1xf32> -> tensor<2x16x16xf32>
  %s2 = nn.exp %s1 : tensor<2x16x16xf32> -> tensor<2x16x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [2] keepdims : tensor<2x16x16xf32> -> tensor<2x16x1xf32>
  %p = nn.div %s2, %s3 : tensor<2x16x16xf32>, tensor<2x16x1xf32> -> tensor<2x16x16xf32>
  %1 = nn.matmul %p, %v : tensor<2x16x16xf32>, tensor<2x16x8xf32> -> tensor<2x16x8xf32>
  return %1, %p : tensor<2x16x8xf32>, tensor<2x16x16xf32>
}

// A mask that is the same for all rows is computed once, whatever it is broadcast with.
// CHECK-LABEL: func.func @padding
// CHECK: %[[C:.*]] = nn.and %{{.*}}, %arg3 : tensor<i1>, tensor<2x1x1x16xi1> -> tensor<2x1x1x16xi1>
// CHECK: %[[M:.*]] = nn.where %[[C]], %{{.*}}, %{{.*}} : tensor<2x1x1x16xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x1x16xf32>
// CHECK: nn.attention %{{.*}} masks(%[[M]] : tensor<2x1x1x16xf32>) {indexing_maps =
// CHECK-SAME: , #[[PADDING]], #{{[a-z0-9]+}}], scale
func.func @padding(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x8x16xf32>, %v: tensor<2x3x16x8xf32>, %c: tensor<2x1x1x16xi1>) -> tensor<2x3x4x8xf32> {
  %all = nn.constant dense<true> : tensor<1x1x4x1xi1>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %least = nn.constant dense<0xFF800000> : tensor<f32>
  %m0 = nn.and %all, %c : tensor<1x1x4x1xi1>, tensor<2x1x1x16xi1> -> tensor<2x1x4x16xi1>
  %m = nn.where %m0, %zero, %least : tensor<2x1x4x16xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x4x16xf32>
  %1 = nn.matmul %q, %k : tensor<2x3x4x8xf32>, tensor<2x3x8x16xf32> -> tensor<2x3x4x16xf32>
  %2 = nn.add %1, %m : tensor<2x3x4x16xf32>, tensor<2x1x4x16xf32> -> tensor<2x3x4x16xf32>
  %s0 = nn.reduce "max" %2 axes [3] keepdims : tensor<2x3x4x16xf32> -> tensor<2x3x4x1xf32>
  %s1 = nn.sub %2, %s0 : tensor<2x3x4x16xf32>, tensor<2x3x4x1xf32> -> tensor<2x3x4x16xf32>
  %s2 = nn.exp %s1 : tensor<2x3x4x16xf32> -> tensor<2x3x4x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [3] keepdims : tensor<2x3x4x16xf32> -> tensor<2x3x4x1xf32>
  %p = nn.div %s2, %s3 : tensor<2x3x4x16xf32>, tensor<2x3x4x1xf32> -> tensor<2x3x4x16xf32>
  %3 = nn.matmul %p, %v : tensor<2x3x4x16xf32>, tensor<2x3x16x8xf32> -> tensor<2x3x4x8xf32>
  return %3 : tensor<2x3x4x8xf32>
}

// Where the rows differ, in one of the masks' operands, all of it is needed.
// CHECK-LABEL: func.func @causal_padding
// CHECK: %[[M:.*]] = nn.where %{{.*}} -> tensor<2x1x4x4xf32>
// CHECK: nn.attention %{{.*}} masks(%[[M]] : tensor<2x1x4x4xf32>)
func.func @causal_padding(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x8x4xf32>, %v: tensor<2x3x4x8xf32>, %c: tensor<2x1x1x4xi1>, %r: tensor<4x4xi1>)
    -> tensor<2x3x4x8xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %least = nn.constant dense<0xFF800000> : tensor<f32>
  %m0 = nn.and %r, %c : tensor<4x4xi1>, tensor<2x1x1x4xi1> -> tensor<2x1x4x4xi1>
  %m = nn.where %m0, %zero, %least : tensor<2x1x4x4xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x4x4xf32>
  %1 = nn.matmul %q, %k : tensor<2x3x4x8xf32>, tensor<2x3x8x4xf32> -> tensor<2x3x4x4xf32>
  %2 = nn.add %1, %m : tensor<2x3x4x4xf32>, tensor<2x1x4x4xf32> -> tensor<2x3x4x4xf32>
  %s0 = nn.reduce "max" %2 axes [3] keepdims : tensor<2x3x4x4xf32> -> tensor<2x3x4x1xf32>
  %s1 = nn.sub %2, %s0 : tensor<2x3x4x4xf32>, tensor<2x3x4x1xf32> -> tensor<2x3x4x4xf32>
  %s2 = nn.exp %s1 : tensor<2x3x4x4xf32> -> tensor<2x3x4x4xf32>
  %s3 = nn.reduce "sum" %s2 axes [3] keepdims : tensor<2x3x4x4xf32> -> tensor<2x3x4x1xf32>
  %p = nn.div %s2, %s3 : tensor<2x3x4x4xf32>, tensor<2x3x4x1xf32> -> tensor<2x3x4x4xf32>
  %3 = nn.matmul %p, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32> -> tensor<2x3x4x8xf32>
  return %3 : tensor<2x3x4x8xf32>
}

// As ONNX takes its own Attention apart (since 1.23): roots of a scale of constants, scores that are f16, rows that the mask hides whole are 0.
// CHECK-LABEL: func.func @onnx
// ROUNDED-LABEL: func.func @onnx
// ROUNDED-NOT: nn.attention
// ROUNDED: return
// CHECK: nn.attention %{{.*}} masks(%arg3 : tensor<16x16xf16>) {{.*}}nan_as_zero, scale = 0.124973
func.func @onnx(%q: tensor<2x3x16x64xf16>, %k: tensor<2x3x64x16xf16>, %v: tensor<2x3x16x8xf16>, %m: tensor<16x16xf16>) -> tensor<2x3x16x8xf16> {
  %depth = nn.constant dense<64> : tensor<1xi64>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %d0 = nn.cast %depth {to = f32} : tensor<1xi64> -> tensor<1xf32>
  %d1 = nn.sqrt %d0 : tensor<1xf32> -> tensor<1xf32>
  %d2 = nn.div %one, %d1 : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %d3 = nn.sqrt %d2 : tensor<1xf32> -> tensor<1xf32>
  %d4 = nn.cast %d3 {to = f16} : tensor<1xf32> -> tensor<1xf16>
  %q1 = nn.mul %q, %d4 : tensor<2x3x16x64xf16>, tensor<1xf16> -> tensor<2x3x16x64xf16>
  %k1 = nn.mul %k, %d4 : tensor<2x3x64x16xf16>, tensor<1xf16> -> tensor<2x3x64x16xf16>
  %0 = nn.matmul %q1, %k1 : tensor<2x3x16x64xf16>, tensor<2x3x64x16xf16> -> tensor<2x3x16x16xf16>
  %1 = nn.add %0, %m : tensor<2x3x16x16xf16>, tensor<16x16xf16> -> tensor<2x3x16x16xf16>
  %s0 = nn.reduce "max" %1 axes [3] keepdims : tensor<2x3x16x16xf16> -> tensor<2x3x16x1xf16>
  %s1 = nn.sub %1, %s0 : tensor<2x3x16x16xf16>, tensor<2x3x16x1xf16> -> tensor<2x3x16x16xf16>
  %s2 = nn.exp %s1 : tensor<2x3x16x16xf16> -> tensor<2x3x16x16xf16>
  %s3 = nn.reduce "sum" %s2 axes [3] keepdims : tensor<2x3x16x16xf16> -> tensor<2x3x16x1xf16>
  %p = nn.div %s2, %s3 : tensor<2x3x16x16xf16>, tensor<2x3x16x1xf16> -> tensor<2x3x16x16xf16>
  %least = nn.constant dense<0xFF800000> : tensor<1xf32>
  %zero = nn.constant dense<0.0> : tensor<1xf16>
  %h0 = nn.reduce "max" %m axes [1] keepdims : tensor<16x16xf16> -> tensor<16x1xf16>
  %h1 = nn.cast %least {to = f16} : tensor<1xf32> -> tensor<1xf16>
  %h2 = nn.equal %h0, %h1 : tensor<16x1xf16>, tensor<1xf16> -> tensor<16x1xi1>
  %w = nn.where %h2, %zero, %p : tensor<16x1xi1>, tensor<1xf16>, tensor<2x3x16x16xf16> -> tensor<2x3x16x16xf16>
  %2 = nn.matmul %w, %v : tensor<2x3x16x16xf16>, tensor<2x3x16x8xf16> -> tensor<2x3x16x8xf16>
  return %2 : tensor<2x3x16x8xf16>
}

// A mask of zeros is none, and hides no row.
// CHECK-LABEL: func.func @nothing_is_masked
// CHECK: nn.attention %arg0, %arg1, %arg2 {
// CHECK-NOT: nan_as_zero
// CHECK: return
func.func @nothing_is_masked(%q: tensor<3x16x8xf32>, %k: tensor<3x8x16xf32>, %v: tensor<3x16x8xf32>) -> tensor<3x16x8xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %least = nn.constant dense<0xFF800000> : tensor<f32>
  %sizes = nn.constant dense<16> : tensor<2xi64>
  %m = nn.full %sizes, %zero : tensor<2xi64>, tensor<f32> -> tensor<16x16xf32>
  %0 = nn.matmul %q, %k : tensor<3x16x8xf32>, tensor<3x8x16xf32> -> tensor<3x16x16xf32>
  %1 = nn.add %0, %m : tensor<3x16x16xf32>, tensor<16x16xf32> -> tensor<3x16x16xf32>
  %s0 = nn.reduce "max" %1 axes [2] keepdims : tensor<3x16x16xf32> -> tensor<3x16x1xf32>
  %s1 = nn.sub %1, %s0 : tensor<3x16x16xf32>, tensor<3x16x1xf32> -> tensor<3x16x16xf32>
  %s2 = nn.exp %s1 : tensor<3x16x16xf32> -> tensor<3x16x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [2] keepdims : tensor<3x16x16xf32> -> tensor<3x16x1xf32>
  %p = nn.div %s2, %s3 : tensor<3x16x16xf32>, tensor<3x16x1xf32> -> tensor<3x16x16xf32>
  %h0 = nn.reduce "max" %m axes [1] keepdims : tensor<16x16xf32> -> tensor<16x1xf32>
  %h1 = nn.equal %h0, %least : tensor<16x1xf32>, tensor<f32> -> tensor<16x1xi1>
  %w = nn.where %h1, %zero, %p : tensor<16x1xi1>, tensor<f32>, tensor<3x16x16xf32> -> tensor<3x16x16xf32>
  %2 = nn.matmul %w, %v : tensor<3x16x16xf32>, tensor<3x16x8xf32> -> tensor<3x16x8xf32>
  return %2 : tensor<3x16x8xf32>
}

// Rows that another mask hides are not those of the sum.
// CHECK-LABEL: func.func @hidden_by_another
// CHECK-NOT: nn.attention
func.func @hidden_by_another(%q: tensor<3x16x8xf32>, %k: tensor<3x8x16xf32>, %v: tensor<3x16x8xf32>, %m: tensor<16x16xf32>, %n: tensor<16x16xf32>) -> tensor<3x16x8xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %least = nn.constant dense<0xFF800000> : tensor<f32>
  %0 = nn.matmul %q, %k : tensor<3x16x8xf32>, tensor<3x8x16xf32> -> tensor<3x16x16xf32>
  %1 = nn.add %0, %m : tensor<3x16x16xf32>, tensor<16x16xf32> -> tensor<3x16x16xf32>
  %s0 = nn.reduce "max" %1 axes [2] keepdims : tensor<3x16x16xf32> -> tensor<3x16x1xf32>
  %s1 = nn.sub %1, %s0 : tensor<3x16x16xf32>, tensor<3x16x1xf32> -> tensor<3x16x16xf32>
  %s2 = nn.exp %s1 : tensor<3x16x16xf32> -> tensor<3x16x16xf32>
  %s3 = nn.reduce "sum" %s2 axes [2] keepdims : tensor<3x16x16xf32> -> tensor<3x16x1xf32>
  %p = nn.div %s2, %s3 : tensor<3x16x16xf32>, tensor<3x16x1xf32> -> tensor<3x16x16xf32>
  %h0 = nn.reduce "max" %n axes [1] keepdims : tensor<16x16xf32> -> tensor<16x1xf32>
  %h1 = nn.equal %h0, %least : tensor<16x1xf32>, tensor<f32> -> tensor<16x1xi1>
  %w = nn.where %h1, %zero, %p : tensor<16x1xi1>, tensor<f32>, tensor<3x16x16xf32> -> tensor<3x16x16xf32>
  %2 = nn.matmul %w, %v : tensor<3x16x16xf32>, tensor<3x16x8xf32> -> tensor<3x16x8xf32>
  return %2 : tensor<3x16x8xf32>
}
