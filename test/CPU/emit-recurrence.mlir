// RUN: nncc-opt %s --cpu-emit-kernels="cpu=x86-64-v4 stage=vector" | FileCheck %s
// RUN: nncc-opt %s --cpu-emit-kernels="cpu=x86-64-v3 stage=vector" | FileCheck %s --check-prefix=V3

// One tile a direction and group of rows, for all of time. Each step is a product, whose sums stay in scratch memory, and the arithmetic
// of the units, 16 at a time.
// CHECK-LABEL: func.func private @lines.tiles.body
// CHECK: return %c2
// CHECK-LABEL: func.func private @lines.body
// CHECK: %[[STATES:.*]] = memref.view {{.*}} to memref<32xf32>
// CHECK: %[[SUMS:.*]] = memref.view {{.*}} to memref<64xf32>
// CHECK: scf.for
// CHECK:   scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>)
// CHECK:     memref.load %[[STATES]]
// CHECK:     math.fma
// CHECK:   vector.store {{.*}}, %[[SUMS]]
// CHECK:   scf.for
// CHECK:     %[[X:.*]] = vector.load {{.*}} vector<16xf32>
// CHECK:     %[[S:.*]] = vector.load %[[SUMS]]{{.*}} vector<16xf32>
// CHECK:     vector.load %[[STATES]]
// CHECK:     %[[H:.*]] = arith.addf %[[X]], %[[S]] : vector<16xf32>
// CHECK:     vector.store %[[H]], %[[STATES]]
// CHECK:     vector.store %[[H]]
exec.kernel @lines(%x: tensor<9x1x64xf32>, %r: tensor<2x32x32xf32>) -> tensor<9x2x1x32xf32> {
  %y0 = tensor.empty() : tensor<9x2x1x32xf32>
  %h0 = tensor.empty() : tensor<2x1x32xf32>
  %y, %h = exec.recurrence (%x : tensor<9x1x64xf32>) weights(%r : tensor<2x32x32xf32>)
      outs(%y0, %h0 : tensor<9x2x1x32xf32>, tensor<2x1x32xf32>)
      attributes {gates = array<i64: 1>, hidden = 32 : i64, reverse = array<i1: false, true>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    %0 = arith.addf %input, %sum : f32
    exec.yield %0 : f32
  } -> tensor<9x2x1x32xf32>, tensor<2x1x32xf32>
  exec.yield %y : tensor<9x2x1x32xf32>
}

// Of rows whose number shows at run time there may be one: few have register tiles that are wide enough to keep the multiply-adds busy.
// CHECK-LABEL: func.func private @some_lines.body
// CHECK: scf.for
// CHECK:   %[[FEW:.*]] = arith.cmpi slt, {{.*}}, %c5
// CHECK:   scf.if %[[FEW]] {
// CHECK:     %{{.*}}:16 = scf.for
// CHECK:     %{{.*}}:8 = scf.for
// CHECK:     %{{.*}}:4 = scf.for
// CHECK:   } else {
// CHECK:     %{{.*}}:16 = scf.for
// CHECK:     %{{.*}}:8 = scf.for
// CHECK:     %{{.*}}:4 = scf.for
// CHECK:     %{{.*}}:2 = scf.for
exec.kernel @some_lines(%x: tensor<9x?x64xf32>, %r: tensor<1x64x64xf32>, %rows: index) -> tensor<9x1x?x64xf32> {
  %y0 = tensor.empty(%rows) : tensor<9x1x?x64xf32>
  %h0 = tensor.empty(%rows) : tensor<1x?x64xf32>
  %y, %h = exec.recurrence (%x : tensor<9x?x64xf32>) weights(%r : tensor<1x64x64xf32>)
      outs(%y0, %h0 : tensor<9x1x?x64xf32>, tensor<1x?x64xf32>)
      attributes {gates = array<i64: 1>, hidden = 64 : i64, reverse = array<i1: false>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    %0 = arith.addf %input, %sum : f32
    exec.yield %0 : f32
  } -> tensor<9x1x?x64xf32>, tensor<1x?x64xf32>
  exec.yield %y : tensor<9x1x?x64xf32>
}

// One row has as many sums at once as hide the time of an addition: four cache lines of weights.
// CHECK-LABEL: func.func private @one_line.body
// CHECK: %{{.*}}:4 = scf.for {{.*}} -> (vector<16xf32>
// V3-LABEL: func.func private @one_line.body
// V3: %{{.*}}:8 = scf.for {{.*}} -> (vector<8xf32>
exec.kernel @one_line(%x: tensor<9x1x64xf32>, %r: tensor<1x64x64xf32>) -> tensor<9x1x1x64xf32> {
  %y0 = tensor.empty() : tensor<9x1x1x64xf32>
  %h0 = tensor.empty() : tensor<1x1x64xf32>
  %y, %h = exec.recurrence (%x : tensor<9x1x64xf32>) weights(%r : tensor<1x64x64xf32>)
      outs(%y0, %h0 : tensor<9x1x1x64xf32>, tensor<1x1x64xf32>)
      attributes {gates = array<i64: 1>, hidden = 64 : i64, reverse = array<i1: false>} {
  ^bb0(%input: f32, %sum: f32, %state: f32):
    %0 = arith.addf %input, %sum : f32
    exec.yield %0 : f32
  } -> tensor<9x1x1x64xf32>, tensor<1x1x64xf32>
  exec.yield %y : tensor<9x1x1x64xf32>
}
