// RUN: nncc-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK: exec.input %{{.*}}(%{{.*}}) : tensor<?x3xf32>
func.func @main(%x: tensor<?x3xf32>) {
  %n = exec.symbol "batch"
  %0 = exec.input %x(%n) : tensor<?x3xf32>
  return
}

// -----

func.func @main(%x: tensor<?x3xf32>) {
  // expected-error @below {{has 0 sizes for the dynamic dims of 'tensor<?x3xf32>'}}
  %0 = exec.input %x() : tensor<?x3xf32>
  return
}
