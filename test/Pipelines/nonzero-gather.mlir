// One kernel of the stage contract, at every stage and run; Inputs/run.py compares with NumPy.

// RUN: nncc %s --emit=nn -o - | FileCheck %s --check-prefix=NN
// RUN: nncc %s --emit=nn-opt -o - | FileCheck %s --check-prefix=OPT
// RUN: nncc %s --emit=linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: nncc %s --emit=exec -o - | FileCheck %s --check-prefix=EXEC
// RUN: nncc %s --emit=tiled -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=TILED
// RUN: nncc %s --emit=vector -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=VECTOR
// RUN: nncc %s --emit=llvm -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=LLVM
// RUN: nncc %s --emit=so -mcpu=native -o %t.so && %python %S/Inputs/run.py nonzero-gather %t.so nncc-run
// RUN: nncc %s --emit=so -mcpu=native -O0 -o %t.O0.so && %python %S/Inputs/run.py nonzero-gather %t.O0.so nncc-run

// NN: nn.non_zero
// OPT: nn.gather
// LINALG: exec.fault
// LINALG: func.func @main
// LINALG: tensor.extract
// EXEC: exec.alloc
// EXEC: exec.launch
// TILED: // k0_grid for x86-64-v4: 
// TILED-NEXT: exec.kernel @
// VECTOR: scf.for
// LLVM: define hidden void @nncc.{{.*}}k0_{{.*}}.v4(ptr

module attributes {nn.name = "nonzero"} {
  func.func @main(%mask: tensor<40xi1> {nn.name = "mask"}, %x: tensor<40x8xf32> {nn.name = "x"}) -> (tensor<?x8xf32> {nn.name = "y"}) {
    %places = nn.non_zero %mask : tensor<40xi1> -> tensor<1x?xi64>
    %shape = nn.constant dense<-1> : tensor<1xi64>
    %rows = nn.reshape %places, %shape : tensor<1x?xi64>, tensor<1xi64> -> tensor<?xi64>
    %y = nn.gather %x, %rows axis 0 : tensor<40x8xf32>, tensor<?xi64> -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}
