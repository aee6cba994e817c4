// One kernel of the stage contract, at every stage and run; Inputs/run.py compares with NumPy.

// RUN: nncc %s --emit=nn -o - | FileCheck %s --check-prefix=NN
// RUN: nncc %s --emit=nn-opt -o - | FileCheck %s --check-prefix=OPT
// RUN: nncc %s --emit=linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: nncc %s --emit=exec -o - | FileCheck %s --check-prefix=EXEC
// RUN: nncc %s --emit=tiled -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=TILED
// RUN: nncc %s --emit=vector -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=VECTOR
// RUN: nncc %s --emit=llvm -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=LLVM
// RUN: nncc %s --emit=so -mcpu=native -o %t.so && %python %S/Inputs/run.py topk %t.so nncc-run
// RUN: nncc %s --emit=so -mcpu=native -O0 -o %t.O0.so && %python %S/Inputs/run.py topk %t.O0.so nncc-run

// NN: nn.top_k
// OPT: nn.top_k
// LINALG: exec.grid
// LINALG: exec.launch
// EXEC: exec.output
// TILED: // k0_grid for x86-64-v4: the points of the grid;
// TILED-NEXT: exec.kernel @
// VECTOR: scf.
// LLVM: define hidden void @nncc.{{.*}}k0_{{.*}}.v4(ptr

module attributes {nn.name = "topk"} {
  func.func @main(%x: tensor<4x100xf32> {nn.name = "x"}) -> (tensor<4x5xf32> {nn.name = "values"}, tensor<4x5xi64> {nn.name = "indices"}) {
    %k = nn.constant dense<5> : tensor<1xi64>
    %values, %indices = nn.top_k %x, %k axis 1 : tensor<4x100xf32>, tensor<1xi64> -> tensor<4x5xf32>, tensor<4x5xi64>
    return %values, %indices : tensor<4x5xf32>, tensor<4x5xi64>
  }
}
