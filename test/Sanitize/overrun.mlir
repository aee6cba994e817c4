// A kernel that writes one element beyond its buffer is reported, although the buffer is in the middle of the run's memory.

// RUN: rm -rf %t && mkdir %t
// RUN: nncc %s --sanitize=address --name=model -o %t/model.o
// RUN: %cxx -fsanitize=address -I%include -I%t %S/Inputs/run.cpp %t/model.o %runtime/libnnccrt.a -lpthread -ldl -lm -o %t/app
// RUN: env ASAN_OPTIONS=detect_leaks=0 not %t/app 2>&1 | FileCheck %s
// CHECK: AddressSanitizer: use-after-poison
// CHECK-NEXT: WRITE of size
// CHECK: k0_shift

// The same kernel over one element less is right.
// RUN: sed 's/constant 8 :/constant 7 :/' %s > %t/right.mlir
// RUN: nncc %t/right.mlir --sanitize=address --name=model -o %t/model.o
// RUN: %cxx -fsanitize=address -I%include -I%t %S/Inputs/run.cpp %t/model.o %runtime/libnnccrt.a -lpthread -ldl -lm -o %t/app
// RUN: env ASAN_OPTIONS=detect_leaks=0 %t/app

module attributes {exec.inputs = [{name = "x", type = tensor<8xf32>}], exec.outputs = [{name = "y", type = tensor<8xf32>}], exec.symbols = []} {
  exec.kernel @k0_shift(%x: tensor<8xf32>) -> tensor<8xf32> {
    %c1 = arith.constant 1 : index
    %size = arith.constant 8 : index
    %empty = tensor.empty() : tensor<8xf32>
    %0 = exec.grid(%size) ins(%x : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
    ^bb0(%i: index, %from: memref<8xf32>, %to: memref<8xf32>):
      %next = arith.addi %i, %c1 : index
      %element = memref.load %from[%i] : memref<8xf32>
      memref.store %element, %to[%next] : memref<8xf32>
      exec.yield
    } -> tensor<8xf32>
    exec.yield %0 : tensor<8xf32>
  }
  exec.kernel @k1_copy(%x: tensor<8xf32>) -> tensor<8xf32> {
    %size = arith.constant 1 : index
    %empty = tensor.empty() : tensor<8xf32>
    %0 = exec.grid(%size) ins(%x : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
    ^bb0(%i: index, %from: memref<8xf32>, %to: memref<8xf32>):
      %element = memref.load %from[%i] : memref<8xf32>
      memref.store %element, %to[%i] : memref<8xf32>
      exec.yield
    } -> tensor<8xf32>
    exec.yield %0 : tensor<8xf32>
  }
  func.func @main(%x: tensor<8xf32> {nn.name = "x"}) -> (tensor<8xf32> {nn.name = "y"}) {
    %0 = exec.launch @k0_shift(%x) : (tensor<8xf32>) -> tensor<8xf32>
    %1 = exec.launch @k1_copy(%0) : (tensor<8xf32>) -> tensor<8xf32>
    return %1 : tensor<8xf32>
  }
}
