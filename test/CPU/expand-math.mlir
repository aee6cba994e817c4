// RUN: nncc-opt %s --nncc-expand-math | FileCheck %s
// RUN: nncc-opt %s --nncc-expand-math=sse2 | FileCheck %s --check-prefix=SSE2

// A scalar becomes scalar arithmetic, a vector the same on vectors; no call of a library is left.

// CHECK-LABEL: func @exp_scalar
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : f32
// CHECK: arith.bitcast {{.*}} : i32 to f32
// CHECK-NOT: math.exp
func.func @exp_scalar(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// CHECK-LABEL: func @exp_vector
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : vector<16xf32>
// CHECK: arith.bitcast {{.*}} : vector<16xi32> to vector<16xf32>

// Without FMA: products in f64, where they are exact.
// SSE2-LABEL: func @exp_vector
// SSE2-NOT: math.fma
// SSE2: arith.mulf {{.*}} : vector<16xf64>
// SSE2-NOT: math.fma
func.func @exp_vector(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}
