// RUN: nncc-opt %s --nncc-widen-small-floats | FileCheck %s
// RUN: nncc-opt %s --nncc-widen-small-floats=expand-f16 | FileCheck %s --check-prefix=EXPAND

// CHECK-LABEL: func.func @add
// CHECK:         %[[X:.*]] = arith.extf %arg0 : vector<16xbf16> to vector<16xf32>
// CHECK:         %[[Y:.*]] = arith.extf %arg1 : vector<16xbf16> to vector<16xf32>
// CHECK:         %[[SUM:.*]] = arith.addf %[[X]], %[[Y]] : vector<16xf32>
// CHECK:         %[[ROUNDED:.*]] = arith.truncf %[[SUM]] : vector<16xf32> to vector<16xbf16>
// Each operation rounds.
// CHECK:         %[[AGAIN:.*]] = arith.extf %[[ROUNDED]]
// CHECK:         math.exp %[[AGAIN]] : vector<16xf32>
func.func @add(%x: vector<16xbf16>, %y: vector<16xbf16>) -> vector<16xbf16> {
  %0 = arith.addf %x, %y : vector<16xbf16>
  %1 = math.exp %0 : vector<16xbf16>
  return %1 : vector<16xbf16>
}

// A comparison has no result to round; a selection only moves.

// CHECK-LABEL: func.func @larger
// CHECK:         %[[LESS:.*]] = arith.cmpf olt, %{{.*}}, %{{.*}} : f32
// CHECK:         arith.select %[[LESS]], %arg1, %arg0 : f16
func.func @larger(%x: f16, %y: f16) -> f16 {
  %0 = arith.cmpf olt, %x, %y : f16
  %1 = arith.select %0, %y, %x : f16
  return %1 : f16
}

// Without F16C no conversion is left.

// EXPAND-LABEL: func.func @square
// EXPAND-NOT:     arith.extf
// EXPAND-NOT:     arith.truncf
// EXPAND:         arith.mulf %{{.*}}, %{{.*}} : vector<8xf32>
// EXPAND:         arith.bitcast %{{.*}} : vector<8xi16> to vector<8xf16>
func.func @square(%x: vector<8xf16>) -> vector<8xf16> {
  %0 = arith.mulf %x, %x : vector<8xf16>
  return %0 : vector<8xf16>
}
