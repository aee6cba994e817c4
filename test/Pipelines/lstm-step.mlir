// One kernel of the stage contract, at every stage and run; Inputs/run.py compares with NumPy.

// RUN: nncc %s --emit=nn -o - | FileCheck %s --check-prefix=NN
// RUN: nncc %s --emit=nn-opt -o - | FileCheck %s --check-prefix=OPT
// RUN: nncc %s --emit=linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: nncc %s --emit=exec -o - | FileCheck %s --check-prefix=EXEC
// RUN: nncc %s --emit=tiled -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=TILED
// RUN: nncc %s --emit=vector -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=VECTOR
// RUN: nncc %s --emit=llvm -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=LLVM
// RUN: nncc %s --emit=so -mcpu=native -o %t.so && %python %S/Inputs/run.py lstm-step %t.so nncc-run
// RUN: nncc %s --emit=so -mcpu=native -O0 -o %t.O0.so && %python %S/Inputs/run.py lstm-step %t.O0.so nncc-run

// NN: nn.slice
// OPT: nn.tanh
// LINALG: exec.kernel @{{.*}}matmul_add
// LINALG: math.tanh
// EXEC: exec.output
// TILED: // k{{.*}} for x86-64-v4: a product in register tiles of 3 x 48
// TILED-NEXT: exec.kernel @
// VECTOR: math.fma
// LLVM: define hidden void @nncc.{{.*}}k0_{{.*}}.v4(ptr

module attributes {nn.name = "lstm_step"} {
  func.func @main(%x: tensor<3x20xf32> {nn.name = "x"}, %h: tensor<3x24xf32> {nn.name = "h"}, %c: tensor<3x24xf32> {nn.name = "c"}, %w: tensor<20x96xf32> {nn.name = "w"}, %r: tensor<24x96xf32> {nn.name = "r"}) -> (tensor<3x24xf32> {nn.name = "h1"}, tensor<3x24xf32> {nn.name = "c1"}) {
    %xw = nn.matmul %x, %w : tensor<3x20xf32>, tensor<20x96xf32> -> tensor<3x96xf32>
    %hr = nn.matmul %h, %r : tensor<3x24xf32>, tensor<24x96xf32> -> tensor<3x96xf32>
    %gates = nn.add %xw, %hr : tensor<3x96xf32>, tensor<3x96xf32> -> tensor<3x96xf32>
    %n0 = nn.constant dense<0> : tensor<1xi64>
    %n1 = nn.constant dense<24> : tensor<1xi64>
    %n2 = nn.constant dense<48> : tensor<1xi64>
    %n3 = nn.constant dense<72> : tensor<1xi64>
    %n4 = nn.constant dense<96> : tensor<1xi64>
    %step = nn.constant dense<1> : tensor<1xi64>
    %i = nn.slice %gates, %n0, %n1, %step axes [1] : tensor<3x96xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<3x24xf32>
    %o = nn.slice %gates, %n1, %n2, %step axes [1] : tensor<3x96xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<3x24xf32>
    %f = nn.slice %gates, %n2, %n3, %step axes [1] : tensor<3x96xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<3x24xf32>
    %g = nn.slice %gates, %n3, %n4, %step axes [1] : tensor<3x96xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64> -> tensor<3x24xf32>
    %si = nn.sigmoid %i : tensor<3x24xf32> -> tensor<3x24xf32>
    %so = nn.sigmoid %o : tensor<3x24xf32> -> tensor<3x24xf32>
    %sf = nn.sigmoid %f : tensor<3x24xf32> -> tensor<3x24xf32>
    %tg = nn.tanh %g : tensor<3x24xf32> -> tensor<3x24xf32>
    %keep = nn.mul %sf, %c : tensor<3x24xf32>, tensor<3x24xf32> -> tensor<3x24xf32>
    %new = nn.mul %si, %tg : tensor<3x24xf32>, tensor<3x24xf32> -> tensor<3x24xf32>
    %c1 = nn.add %keep, %new : tensor<3x24xf32>, tensor<3x24xf32> -> tensor<3x24xf32>
    %tc = nn.tanh %c1 : tensor<3x24xf32> -> tensor<3x24xf32>
    %h1 = nn.mul %so, %tc : tensor<3x24xf32>, tensor<3x24xf32> -> tensor<3x24xf32>
    return %h1, %c1 : tensor<3x24xf32>, tensor<3x24xf32>
  }
}
