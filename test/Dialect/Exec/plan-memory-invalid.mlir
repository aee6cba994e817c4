// RUN: nncc-opt %s -split-input-file -exec-plan-memory -verify-diagnostics

func.func @a() { return }
// expected-error @below {{memory is planned for one schedule, and this is the second of the module}}
func.func @b() { return }

// -----

// expected-error @below {{argument #0 has dynamic sizes but is not used by exec.input alone}}
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// expected-error @below {{argument #0 of a schedule is no ranked tensor}}
func.func @main(%x: index) {
  return
}

// -----

// expected-error @below {{a schedule has one block}}
func.func @main() {
  cf.br ^end
^end:
  return
}

// -----

// expected-error @below {{argument #1 of a schedule is no ranked tensor}}
func.func @main(%x: tensor<4xf32>, %y: tensor<*xf32>) {
  return
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @below {{has a result without rank in a schedule}}
  %0 = tensor.cast %x : tensor<4xf32> to tensor<*xf32>
  return
}

// -----

func.func @main() {
  // expected-error @below {{is no control flow that a schedule has}}
  scf.execute_region {
    scf.yield
  }
  return
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<2xf32> {
  // expected-error @below {{computes with tensors outside of a kernel}}
  %0 = tensor.extract_slice %x[0] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @main() -> index {
  %0 = arith.constant 0 : index
  // expected-error @below {{returns a 'index' from a schedule, not a tensor}}
  return %0 : index
}
