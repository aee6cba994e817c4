// RUN: nncc-opt %s --nncc-expand-math | FileCheck %s
// RUN: nncc-opt %s --nncc-expand-math=sse2 | FileCheck %s --check-prefix=SSE2

// A scalar becomes scalar arithmetic, a vector of any shape the same on vectors; no call of a library is left.

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
// CHECK: math.fma {{.*}} : vector<4x16xf32>
// CHECK: arith.bitcast {{.*}} : vector<4x16xi32> to vector<4x16xf32>

// Without FMA: products in f64, where they are exact.
// SSE2-LABEL: func @exp_vector
// SSE2-NOT: math.fma
// SSE2: arith.mulf {{.*}} : vector<4x16xf64>
// SSE2-NOT: math.fma
func.func @exp_vector(%x: vector<4x16xf32>) -> vector<4x16xf32> {
  %y = math.exp %x : vector<4x16xf32>
  return %y : vector<4x16xf32>
}

// Only large arguments need the exact reduction: a branch for all lanes, a vector of any rank.

// CHECK-LABEL: func @sine
// CHECK: %[[LARGE:.*]] = arith.andi {{.*}} : vector<2x8xi1>
// CHECK: %[[FLAT:.*]] = vector.shape_cast %[[LARGE]] : vector<2x8xi1> to vector<16xi1>
// CHECK: %[[ANY:.*]] = vector.reduction <or>, %[[FLAT]] : vector<16xi1> into i1
// CHECK: scf.if %[[ANY]] -> (vector<2x8xf32>, vector<2x8xi32>)
func.func @sine(%x: vector<2x8xf32>) -> vector<2x8xf32> {
  %y = math.sin %x : vector<2x8xf32>
  return %y : vector<2x8xf32>
}

// One reduction for both.

// CHECK-LABEL: func @sine_and_cosine
// CHECK: scf.if
// CHECK-NOT: scf.if
// CHECK: return
func.func @sine_and_cosine(%x: f32) -> (f32, f32) {
  %y, %z = math.sincos %x : f32
  return %y, %z : f32, f32
}

// Rounding is an instruction, but for SSE2.

// CHECK-LABEL: func @rounding
// CHECK: math.floor
// CHECK: math.roundeven
// SSE2-LABEL: func @rounding
// SSE2-NOT: math.floor
// SSE2-NOT: math.roundeven
// SSE2: return
func.func @rounding(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.floor %x : vector<8xf32>
  %z = math.roundeven %y : vector<8xf32>
  return %z : vector<8xf32>
}

// Narrow floats are computed in f32.

// CHECK-LABEL: func @narrow(
// CHECK-SAME: %[[X:.*]]: vector<8xf16>, %[[Y:.*]]: bf16, %[[N:.*]]: i32
// CHECK: arith.extf %[[X]] : vector<8xf16> to vector<8xf32>
// CHECK: arith.truncf {{.*}} : vector<8xf32> to vector<8xf16>
// CHECK: arith.extf %[[Y]] : bf16 to f32
// CHECK: arith.truncf {{.*}} : f32 to bf16
// CHECK: math.absf {{.*}} : bf16
func.func @narrow(%x: vector<8xf16>, %y: bf16, %n: i32) -> (vector<8xf16>, bf16) {
  %a = math.tanh %x : vector<8xf16>
  %b = math.fpowi %y, %n : bf16, i32
  %c = math.absf %b : bf16
  return %a, %c : vector<8xf16>, bf16
}

// Functions of f64 are left to libm, which has them for scalars; square roots are an instruction.

// CHECK-LABEL: func @double(
// CHECK-SAME: %[[X:.*]]: vector<2x1xf64>
// CHECK: %[[FIRST:.*]] = vector.extract %[[X]][0, 0]
// CHECK: math.exp %[[FIRST]] : f64
// CHECK: %[[SECOND:.*]] = vector.extract %[[X]][1, 0]
// CHECK: math.exp %[[SECOND]] : f64
// CHECK: %[[Y:.*]] = vector.insert {{.*}} [1, 0]
// CHECK: math.sqrt %[[Y]] : vector<2x1xf64>
func.func @double(%x: vector<2x1xf64>) -> vector<2x1xf64> {
  %y = math.exp %x : vector<2x1xf64>
  %z = math.sqrt %y : vector<2x1xf64>
  return %z : vector<2x1xf64>
}

// Tensors are not lanes.

// CHECK-LABEL: func @tensors
// CHECK-NEXT: math.exp
// CHECK-NEXT: math.tanh
func.func @tensors(%x: tensor<4xf32>, %y: tensor<4xf16>) -> (tensor<4xf32>, tensor<4xf16>) {
  %a = math.exp %x : tensor<4xf32>
  %b = math.tanh %y : tensor<4xf16>
  return %a, %b : tensor<4xf32>, tensor<4xf16>
}

// RUN: nncc-opt %s --nncc-expand-math=f64 | FileCheck %s --check-prefix=F64

// Without a library functions of f64 are arithmetic too, and a remainder takes away what fits until nothing does.

// F64-LABEL: func @of_doubles
// F64-NOT:     math.exp
// F64:         math.roundeven
// F64:         math.fma
// F64:         scf.while
// F64-NOT:     arith.remf
// F64:         return
func.func @of_doubles(%x: f64, %y: f64) -> (f64, f64) {
  %0 = math.exp %x : f64
  %1 = arith.remf %x, %y : f64
  return %0, %1 : f64, f64
}

// All of them: what was left LLVM could not make code of.

// F64-LABEL: func @all_of_doubles
// F64-NOT:     math.{{(exp|log|cbrt|erf|atan2|fpowi|powf|sincos)}}
// F64:         return
func.func @all_of_doubles(%x: f64, %y: f64, %n: i32) -> (f64, f64, f64, f64, f64, f64, f64, f64, f64) {
  %0 = math.exp2 %x : f64
  %1 = math.log2 %x : f64
  %2 = math.log10 %x : f64
  %3 = math.cbrt %x : f64
  %4 = math.erfc %x : f64
  %5 = math.atan2 %x, %y : f64
  %6 = math.fpowi %x, %n : f64, i32
  %7, %8 = math.sincos %x : f64
  return %0, %1, %2, %3, %4, %5, %6, %7, %8 : f64, f64, f64, f64, f64, f64, f64, f64, f64
}
