// RUN: nncc-opt %s -split-input-file -convert-exec-to-llvm -verify-diagnostics

func.func @main(%x: memref<?xf32>) {
  // expected-error @below {{names no symbol of exec.symbols}}
  %n = exec.symbol "n"
  %0 = exec.buffer slot 0(%n) : memref<?xf32>
  exec.copy %0 to %0 : memref<?xf32> to memref<?xf32>
  return
}

// -----

func.func @main(%x: memref<4xf32>) {
  // expected-error @below {{has no place in exec.weight_offsets}}
  %0 = exec.weight 0 : memref<4xf32>
  exec.copy %0 to %x : memref<4xf32> to memref<4xf32>
  return
}

// -----

// expected-error @below {{has an argument that is no memref: memory is not planned}}
func.func @main(%x: tensor<4xf32>) {
  return
}

// -----

func.func @main(%x: memref<i64>, %y: memref<4xf32>) {
  %0 = memref.load %x[] : memref<i64>
  %i = arith.index_cast %0 : i64 to index
  // expected-error @below {{asks for a dim by a number that is no constant}}
  // expected-error @below {{failed to legalize}}
  %1 = memref.dim %y, %i : memref<4xf32>
  %2 = exec.alloc(%1) : memref<?xf32>
  return
}
