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
