// One kernel of the stage contract, at every stage and run; Inputs/run.py compares with NumPy.

// RUN: nncc %s --emit=nn -o - | FileCheck %s --check-prefix=NN
// RUN: nncc %s --emit=nn-opt -o - | FileCheck %s --check-prefix=OPT
// RUN: nncc %s --emit=linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: nncc %s --emit=exec -o - | FileCheck %s --check-prefix=EXEC
// RUN: nncc %s --emit=tiled -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=TILED
// RUN: nncc %s --emit=vector -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=VECTOR
// RUN: nncc %s --emit=llvm -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=LLVM
// RUN: nncc %s --emit=so -mcpu=native -o %t.so && %python %S/Inputs/run.py attention %t.so nncc-run
// RUN: nncc %s --emit=so -mcpu=native -O0 -o %t.O0.so && %python %S/Inputs/run.py attention %t.O0.so nncc-run

// NN: nn.matmul
// OPT: nn.attention
// LINALG: exec.attention
// EXEC: exec.launch
// TILED: // k{{.*}}attention{{.*}} for x86-64-v4: an attention; a tile takes 48 rows as lanes and 48 keys at once
// TILED-NEXT: exec.kernel @
// VECTOR: math.fma
// VECTOR: math.exp
// LLVM: define hidden void @nncc.{{.*}}k0_{{.*}}.v4(ptr

module attributes {nn.name = "attention"} {
  func.func @main(%q: tensor<2x48x64xf32> {nn.name = "q"}, %k: tensor<2x48x64xf32> {nn.name = "k"}, %v: tensor<2x48x64xf32> {nn.name = "v"}) -> (tensor<2x48x64xf32> {nn.name = "y"}) {
    %kt = nn.transpose %k [0, 2, 1] : tensor<2x48x64xf32> -> tensor<2x64x48xf32>
    %scores = nn.matmul %q, %kt : tensor<2x48x64xf32>, tensor<2x64x48xf32> -> tensor<2x48x48xf32>
    %scale = nn.constant dense<0.125> : tensor<f32>
    %scaled = nn.mul %scores, %scale : tensor<2x48x48xf32>, tensor<f32> -> tensor<2x48x48xf32>
    %max = nn.reduce "max" %scaled axes [2] keepdims : tensor<2x48x48xf32> -> tensor<2x48x1xf32>
    %shifted = nn.sub %scaled, %max : tensor<2x48x48xf32>, tensor<2x48x1xf32> -> tensor<2x48x48xf32>
    %exp = nn.exp %shifted : tensor<2x48x48xf32> -> tensor<2x48x48xf32>
    %sum = nn.reduce "sum" %exp axes [2] keepdims : tensor<2x48x48xf32> -> tensor<2x48x1xf32>
    %p = nn.div %exp, %sum : tensor<2x48x48xf32>, tensor<2x48x1xf32> -> tensor<2x48x48xf32>
    %y = nn.matmul %p, %v : tensor<2x48x48xf32>, tensor<2x48x64xf32> -> tensor<2x48x64xf32>
    return %y : tensor<2x48x64xf32>
  }
}
