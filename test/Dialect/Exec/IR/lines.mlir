// RUN: nncc-opt %s --split-input-file --verify-diagnostics | nncc-opt --split-input-file | FileCheck %s

// Sorts and scans of lines: what is wrong with a region or a result is said.

// CHECK-LABEL: func @largest
// CHECK: exec.sort(%{{.*}}) length %{{.*}} axis 1 ins(%{{.*}} : tensor<?x?xf32>) outs(%{{.*}}, %{{.*}} : tensor<?x2xi64>, tensor<?x2xf32>) key {
// CHECK: } before {
// CHECK: } -> tensor<?x2xi64>, tensor<?x2xf32>
func.func @largest(%x: tensor<?x?xf32>, %n: index, %m: index) -> (tensor<?x2xi64>, tensor<?x2xf32>) {
  %o = tensor.empty(%n) : tensor<?x2xi64>
  %v = tensor.empty(%n) : tensor<?x2xf32>
  %0:2 = exec.sort (%n) length %m axis 1 ins(%x : tensor<?x?xf32>) outs(%o, %v : tensor<?x2xi64>, tensor<?x2xf32>) key {
  ^bb0(%row: index, %i: index, %in: memref<?x?xf32>):
    %1 = memref.load %in[%row, %i] : memref<?x?xf32>
    exec.yield %1 : f32
  } before {
  ^bb0(%row: index, %i: index, %j: index, %a: f32, %b: f32, %in: memref<?x?xf32>):
    %1 = arith.cmpf ogt, %a, %b : f32
    exec.yield %1 : i1
  } -> tensor<?x2xi64>, tensor<?x2xf32>
  return %0#0, %0#1 : tensor<?x2xi64>, tensor<?x2xf32>
}

// CHECK-LABEL: func @sums
// CHECK: exec.scan() length %{{.*}} axis 0 ins(%{{.*}} : tensor<?xi64>) outs(%{{.*}} : tensor<?xi64>) attributes {exclusive, neutral = 0 : i64} element {
func.func @sums(%x: tensor<?xi64>, %n: index) -> tensor<?xi64> {
  %e = tensor.empty(%n) : tensor<?xi64>
  %0 = exec.scan () length %n axis 0 ins(%x : tensor<?xi64>) outs(%e : tensor<?xi64>) attributes {exclusive, neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<?xi64>):
    %1 = memref.load %in[%i] : memref<?xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    %1 = arith.addi %a, %b : i64
    exec.yield %1 : i64
  } -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @axis(%x: tensor<?xi64>, %n: index) -> tensor<?xi64> {
  %e = tensor.empty(%n) : tensor<?xi64>
  // expected-error @+1 {{has 0 sizes and the axis 1 for a result 'tensor<?xi64>'}}
  %0 = exec.scan () length %n axis 1 ins(%x : tensor<?xi64>) outs(%e : tensor<?xi64>) attributes {neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<?xi64>):
    %1 = memref.load %in[%i] : memref<?xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    exec.yield %a : i64
  } -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @neutral(%x: tensor<?xi64>, %n: index) -> tensor<?xi64> {
  %e = tensor.empty(%n) : tensor<?xi64>
  // expected-error @+1 {{has a neutral element of 'i32' for a result of 'i64'}}
  %0 = exec.scan () length %n axis 0 ins(%x : tensor<?xi64>) outs(%e : tensor<?xi64>) attributes {neutral = 0 : i32} element {
  ^bb0(%i: index, %in: memref<?xi64>):
    %1 = memref.load %in[%i] : memref<?xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64, %b: i64):
    exec.yield %a : i64
  } -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @combine(%x: tensor<?xi64>, %n: index) -> tensor<?xi64> {
  %e = tensor.empty(%n) : tensor<?xi64>
  // expected-error @+1 {{has a region 'combine' for 'i64', expected 'i64', 'i64'}}
  %0 = exec.scan () length %n axis 0 ins(%x : tensor<?xi64>) outs(%e : tensor<?xi64>) attributes {neutral = 0 : i64} element {
  ^bb0(%i: index, %in: memref<?xi64>):
    %1 = memref.load %in[%i] : memref<?xi64>
    exec.yield %1 : i64
  } combine {
  ^bb0(%a: i64):
    exec.yield %a : i64
  } -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

func.func @keys(%x: tensor<?xf32>, %n: index) -> tensor<?xi32> {
  %e = tensor.empty(%n) : tensor<?xi32>
  // expected-error @+1 {{has a result 'tensor<?xi32>' of 'i64'}}
  %0 = exec.sort () length %n axis 0 ins(%x : tensor<?xf32>) outs(%e : tensor<?xi32>) key {
  ^bb0(%i: index, %in: memref<?xf32>):
    exec.yield
  } before {
  ^bb0(%i: index, %j: index, %in: memref<?xf32>):
    %1 = arith.cmpi ult, %i, %j : index
    exec.yield %1 : i1
  } -> tensor<?xi32>
  return %0 : tensor<?xi32>
}

// -----

func.func @before(%x: tensor<?xf32>, %n: index) -> tensor<?xi64> {
  %e = tensor.empty(%n) : tensor<?xi64>
  // expected-error @+1 {{must have a region 'before' that ends with exec.yield of 'i1'}}
  %0 = exec.sort () length %n axis 0 ins(%x : tensor<?xf32>) outs(%e : tensor<?xi64>) key {
  ^bb0(%i: index, %in: memref<?xf32>):
    exec.yield
  } before {
  ^bb0(%i: index, %j: index, %in: memref<?xf32>):
    exec.yield %i : index
  } -> tensor<?xi64>
  return %0 : tensor<?xi64>
}
