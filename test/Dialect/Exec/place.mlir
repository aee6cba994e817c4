// RUN: nncc-opt %s --split-input-file --exec-place | FileCheck %s
// RUN: nncc-opt %s --split-input-file --exec-place --exec-plan-memory | FileCheck %s --check-prefix=PLAN

// What gives sizes from what the host has runs on the host; what the device computes with is uploaded.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: exec.kernel @k0_add({{.*}}) -> tensor<2xi64> attributes {host}
// CHECK: exec.kernel @k1_exp({{[^)]*}}) -> tensor<?xf32> {
// CHECK: func.func @main(%[[X:.*]]: tensor<2xi64>, %{{.*}}: tensor<8xf32>)
// CHECK: %[[HOST:.*]] = exec.host_input 0 : tensor<2xi64>
// CHECK: %[[SUM:.*]] = exec.launch @k0_add(%[[HOST]])
// CHECK: tensor.extract %[[SUM]]
// CHECK: exec.launch @k1_exp
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
// PLAN: %[[HOST:.*]] = exec.host_input 0 : memref<2xi64, "host">
// PLAN: %[[SUM:.*]] = exec.alloc() : memref<2xi64, "host">
// PLAN: exec.launch @k0_add(%[[HOST]]) outs(%[[SUM]] : memref<2xi64, "host">)
// PLAN: memref.load %[[SUM]]
// PLAN: exec.launch @k1_exp({{.*}}) outs(%{{.*}} : memref<?xf32>)
exec.kernel @k0_add(%x: tensor<2xi64>) -> tensor<2xi64> {
  %init = tensor.empty() : tensor<2xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
         ins(%x : tensor<2xi64>) outs(%init : tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %a : i64
    linalg.yield %1 : i64
  } -> tensor<2xi64>
  exec.yield %0 : tensor<2xi64>
}
exec.kernel @k1_exp(%y: tensor<8xf32>, %n: index) -> tensor<?xf32> {
  %init = tensor.empty(%n) : tensor<?xf32>
  %zero = arith.constant 0.0 : f32
  %0 = linalg.fill ins(%zero : f32) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  exec.yield %0 : tensor<?xf32>
}
func.func @main(%x: tensor<2xi64>, %y: tensor<8xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %0 = exec.launch @k0_add(%x) : (tensor<2xi64>) -> tensor<2xi64>
  %1 = tensor.extract %0[%c0] : tensor<2xi64>
  %n = arith.index_cast %1 : i64 to index
  %2 = exec.launch @k1_exp(%y, %n) : (tensor<8xf32>, index) -> tensor<?xf32>
  return %2 : tensor<?xf32>
}

// -----

// A kernel that both sides launch becomes two; constants of the device are weights.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: module @weights
// CHECK: return %{{.*}} : tensor<2xi64>
// CHECK: exec.kernel @k0_add({{[^)]*}}) -> tensor<2xi64> {
// CHECK: exec.kernel @k0_add_host({{[^)]*}}) -> tensor<2xi64> attributes {host}
// CHECK: func.func @main
// CHECK-DAG: %[[DEVICE:.*]] = exec.weight 0 : tensor<2xi64>
// CHECK-DAG: %[[HOST:.*]] = arith.constant dense<[3, 4]> : tensor<2xi64>
// CHECK: exec.launch @k0_add_host(%[[HOST]])
// CHECK: exec.launch @k0_add(%[[DEVICE]])
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
// PLAN: memref.get_global @{{.*}} : memref<2xi64, "host">
exec.kernel @k0_add(%x: tensor<2xi64>) -> tensor<2xi64> {
  %init = tensor.empty() : tensor<2xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
         ins(%x : tensor<2xi64>) outs(%init : tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %a : i64
    linalg.yield %1 : i64
  } -> tensor<2xi64>
  exec.yield %0 : tensor<2xi64>
}
func.func @main(%y: tensor<8xf32>) -> (tensor<2xi64>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %cst = arith.constant dense<[3, 4]> : tensor<2xi64>
  %0 = exec.launch @k0_add(%cst) : (tensor<2xi64>) -> tensor<2xi64>
  %1 = tensor.extract %0[%c0] : tensor<2xi64>
  %n = arith.index_cast %1 : i64 to index
  %2 = exec.launch @k0_add(%cst) : (tensor<2xi64>) -> tensor<2xi64>
  %e = tensor.empty(%n) : tensor<?xf32>
  return %2, %e : tensor<2xi64>, tensor<?xf32>
}

// -----

// What the device alone can know is read from it, small tensors whole, once; it waits for that.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: %[[COUNT:.*]] = exec.launch @k0_count
// CHECK-NEXT: %[[READ:.*]] = exec.transfer %[[COUNT]] to_host : tensor<2xi64>
// CHECK: tensor.extract %[[READ]]
// CHECK: tensor.extract %[[READ]]
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
// PLAN: exec.launch @k0_count({{.*}}) outs(%[[COUNT:.*]] : memref<2xi64>)
// PLAN: %[[READ:.*]] = exec.alloc() : memref<2xi64, "host">
// PLAN: exec.copy %[[COUNT]] to %[[READ]] : memref<2xi64> to memref<2xi64, "host">
exec.kernel @k0_count(%x: tensor<4096xf32>) -> tensor<2xi64> {
  %one = arith.constant 1 : i64
  %init = tensor.empty() : tensor<2xi64>
  %0 = linalg.fill ins(%one : i64) outs(%init : tensor<2xi64>) -> tensor<2xi64>
  exec.yield %0 : tensor<2xi64>
}
func.func @main(%x: tensor<4096xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = exec.launch @k0_count(%x) : (tensor<4096xf32>) -> tensor<2xi64>
  %1 = tensor.extract %0[%c0] : tensor<2xi64>
  %2 = tensor.extract %0[%c1] : tensor<2xi64>
  %m = arith.index_cast %1 : i64 to index
  %n = arith.index_cast %2 : i64 to index
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  return %e : tensor<?x?xf32>
}

// -----

// A tensor of sizes that a kernel of the device reads is uploaded.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: %[[SIZES:.*]] = tensor.from_elements
// CHECK-NEXT: %[[UP:.*]] = exec.transfer %[[SIZES]] : tensor<1xi64>
// CHECK: exec.launch @k0_use(%[[UP]]
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
// PLAN: exec.copy %{{.*}} to %{{.*}} : memref<1xi64, "host"> to memref<1xi64>
exec.kernel @k0_use(%x: tensor<1xi64>, %y: tensor<?xf32>) -> tensor<1xi64> {
  %init = tensor.empty() : tensor<1xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
         ins(%x : tensor<1xi64>) outs(%init : tensor<1xi64>) {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %a : i64
    linalg.yield %1 : i64
  } -> tensor<1xi64>
  exec.yield %0 : tensor<1xi64>
}
func.func @main(%y: tensor<?xf32>) -> tensor<1xi64> {
  %n = exec.symbol "n"
  %in = exec.input %y(%n) : tensor<?xf32>
  %i = arith.index_cast %n : index to i64
  %s = tensor.from_elements %i : tensor<1xi64>
  %0 = exec.launch @k0_use(%s, %in) : (tensor<1xi64>, tensor<?xf32>) -> tensor<1xi64>
  return %0 : tensor<1xi64>
}

// -----

// The device keeps what it computes from its own results and reads itself, though the schedule reads an element of it too: here where
// the blocks of a kernel write, and how much in all.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: exec.kernel @k1_starts({{[^)]*}}) -> tensor<2xi64> {
// CHECK: %[[COUNTS:.*]] = exec.launch @k0_count
// CHECK-NEXT: %[[SUMS:.*]] = exec.launch @k1_starts(%[[COUNTS]])
// CHECK-NEXT: %[[STARTS:.*]] = exec.launch @k1_starts(%[[SUMS]])
// CHECK-NEXT: %[[READ:.*]] = exec.transfer %[[STARTS]] to_host : tensor<2xi64>
// CHECK-NEXT: tensor.extract %[[READ]]
// CHECK: exec.launch @k2_write(%{{[^,]*}}, %[[STARTS]],
// CHECK-NOT: exec.transfer
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
exec.kernel @k0_count(%x: tensor<4096xf32>) -> tensor<2xi64> {
  %one = arith.constant 1 : i64
  %init = tensor.empty() : tensor<2xi64>
  %0 = linalg.fill ins(%one : i64) outs(%init : tensor<2xi64>) -> tensor<2xi64>
  exec.yield %0 : tensor<2xi64>
}
exec.kernel @k1_starts(%x: tensor<2xi64>) -> tensor<2xi64> {
  %init = tensor.empty() : tensor<2xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
         ins(%x : tensor<2xi64>) outs(%init : tensor<2xi64>) {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %a : i64
    linalg.yield %1 : i64
  } -> tensor<2xi64>
  exec.yield %0 : tensor<2xi64>
}
exec.kernel @k2_write(%x: tensor<4096xf32>, %starts: tensor<2xi64>, %n: index) -> tensor<?xi64> {
  %c0 = arith.constant 0 : index
  %init = tensor.empty(%n) : tensor<?xi64>
  %start = tensor.extract %starts[%c0] : tensor<2xi64>
  %0 = linalg.fill ins(%start : i64) outs(%init : tensor<?xi64>) -> tensor<?xi64>
  exec.yield %0 : tensor<?xi64>
}
func.func @main(%x: tensor<4096xf32>) -> tensor<?xi64> {
  %c1 = arith.constant 1 : index
  %0 = exec.launch @k0_count(%x) : (tensor<4096xf32>) -> tensor<2xi64>
  %sums = exec.launch @k1_starts(%0) : (tensor<2xi64>) -> tensor<2xi64>
  %1 = exec.launch @k1_starts(%sums) : (tensor<2xi64>) -> tensor<2xi64>
  %2 = tensor.extract %1[%c1] : tensor<2xi64>
  %n = arith.index_cast %2 : i64 to index
  %3 = exec.launch @k2_write(%x, %1, %n) : (tensor<4096xf32>, tensor<2xi64>, index) -> tensor<?xi64>
  return %3 : tensor<?xi64>
}

// -----

// Sizes that follow from one that the device found are the host's: it waits once for them all.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: exec.kernel @k1_add({{.*}}) -> tensor<1xi64> attributes {host}
// CHECK: exec.kernel @k2_twice({{.*}}) -> tensor<1xi64> attributes {host}
// CHECK: %[[COUNT:.*]] = exec.launch @k0_count
// CHECK-NEXT: %[[READ:.*]] = exec.transfer %[[COUNT]] to_host : tensor<1xi64>
// CHECK-NEXT: exec.launch @k1_add(%[[READ]])
// CHECK-NEXT: exec.launch @k2_twice(%[[READ]])
// CHECK-NOT: exec.transfer
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
exec.kernel @k0_count(%x: tensor<4096xf32>) -> tensor<1xi64> {
  %one = arith.constant 1 : i64
  %init = tensor.empty() : tensor<1xi64>
  %0 = linalg.fill ins(%one : i64) outs(%init : tensor<1xi64>) -> tensor<1xi64>
  exec.yield %0 : tensor<1xi64>
}
exec.kernel @k1_add(%x: tensor<1xi64>) -> tensor<1xi64> {
  %one = arith.constant 1 : i64
  %init = tensor.empty() : tensor<1xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
         ins(%x : tensor<1xi64>) outs(%init : tensor<1xi64>) {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %one : i64
    linalg.yield %1 : i64
  } -> tensor<1xi64>
  exec.yield %0 : tensor<1xi64>
}
exec.kernel @k2_twice(%x: tensor<1xi64>) -> tensor<1xi64> {
  %init = tensor.empty() : tensor<1xi64>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
         ins(%x : tensor<1xi64>) outs(%init : tensor<1xi64>) {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %a : i64
    linalg.yield %1 : i64
  } -> tensor<1xi64>
  exec.yield %0 : tensor<1xi64>
}
func.func @main(%x: tensor<4096xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %0 = exec.launch @k0_count(%x) : (tensor<4096xf32>) -> tensor<1xi64>
  %1 = exec.launch @k1_add(%0) : (tensor<1xi64>) -> tensor<1xi64>
  %2 = exec.launch @k2_twice(%0) : (tensor<1xi64>) -> tensor<1xi64>
  %3 = tensor.extract %1[%c0] : tensor<1xi64>
  %4 = tensor.extract %2[%c0] : tensor<1xi64>
  %m = arith.index_cast %3 : i64 to index
  %n = arith.index_cast %4 : i64 to index
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  return %e : tensor<?x?xf32>
}

// -----

// Numbers of the model's own are data, however few: a condition on them is computed where they are.

// CHECK-LABEL: module attributes {exec.device = "cuda"}
// CHECK: exec.kernel @k0_positive({{[^)]*}}) -> tensor<i8> {
// CHECK: %[[POSITIVE:.*]] = exec.launch @k0_positive(%{{.*}})
// CHECK-NEXT: %[[READ:.*]] = exec.transfer %[[POSITIVE]] to_host : tensor<i8>
// CHECK-NEXT: tensor.extract %[[READ]]
// PLAN-LABEL: func.func @main(%{{[^ ]*}}: memref
exec.kernel @k0_positive(%x: tensor<f32>) -> tensor<i8> {
  %zero = arith.constant 0.0 : f32
  %init = tensor.empty() : tensor<i8>
  %0 = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
         ins(%x : tensor<f32>) outs(%init : tensor<i8>) {
  ^bb0(%a: f32, %b: i8):
    %1 = arith.cmpf ogt, %a, %zero : f32
    %2 = arith.extui %1 : i1 to i8
    linalg.yield %2 : i8
  } -> tensor<i8>
  exec.yield %0 : tensor<i8>
}
func.func @main(%x: tensor<f32>, %y: tensor<4xf32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  %0 = exec.launch @k0_positive(%x) : (tensor<f32>) -> tensor<i8>
  %1 = tensor.extract %0[] : tensor<i8>
  %2 = arith.trunci %1 : i8 to i1
  %3 = arith.select %2, %y, %z : tensor<4xf32>
  return %3 : tensor<4xf32>
}
