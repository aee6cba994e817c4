// One kernel of the stage contract, at every stage and run; Inputs/run.py compares with NumPy.

// RUN: nncc %s -fno-winograd --emit=nn -o - | FileCheck %s --check-prefix=NN
// RUN: nncc %s -fno-winograd --emit=nn-opt -o - | FileCheck %s --check-prefix=OPT
// RUN: nncc %s -fno-winograd --emit=linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: nncc %s -fno-winograd --emit=exec -o - | FileCheck %s --check-prefix=EXEC
// RUN: nncc %s -fno-winograd --emit=tiled -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=TILED
// RUN: nncc %s -fno-winograd --emit=vector -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=VECTOR
// RUN: nncc %s -fno-winograd --emit=llvm -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=LLVM
// RUN: nncc %s -fno-winograd --emit=so -mcpu=native -o %t.so && %python %S/Inputs/run.py conv-residual %t.so nncc-run
// RUN: nncc %s -fno-winograd --emit=so -mcpu=native -O0 -o %t.O0.so && %python %S/Inputs/run.py conv-residual %t.O0.so nncc-run

// RUN: nncc %s --emit=so -mcpu=native -o %t.w.so && %python %S/Inputs/run.py conv-residual %t.w.so nncc-run

// NN: nn.conv
// OPT: func.func private @weights
// OPT: nn.folded
// OPT: nn.conv {{.*}}channels_last
// LINALG: exec.kernel @{{.*}}_conv(
// LINALG: exec.conv {{.*}}bias({{.*}}packed
// LINALG: arith.addf
// EXEC: exec.weight
// EXEC: exec.launch @{{.*}}_conv(
// TILED: // k{{.*}} for x86-64-v4: a convolution of image lines in register tiles of
// TILED-NEXT: exec.kernel @
// VECTOR: math.fma
// LLVM: define hidden void @nncc.{{.*}}k0_{{.*}}.v4(ptr

module attributes {nn.name = "conv"} {
  func.func @main(%x: tensor<1x16x14x14xf32> {nn.name = "x"}, %r: tensor<1x32x14x14xf32> {nn.name = "r"}) -> (tensor<1x32x14x14xf32> {nn.name = "y"}) {
    %w = nn.constant dense<0.03125> : tensor<32x16x3x3xf32>
    %b = nn.constant dense<-0.5> : tensor<32x1x1xf32>
    %conv = nn.conv %x, %w {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : tensor<1x16x14x14xf32>, tensor<32x16x3x3xf32> -> tensor<1x32x14x14xf32>
    %biased = nn.add %conv, %b : tensor<1x32x14x14xf32>, tensor<32x1x1xf32> -> tensor<1x32x14x14xf32>
    %sum = nn.add %biased, %r : tensor<1x32x14x14xf32>, tensor<1x32x14x14xf32> -> tensor<1x32x14x14xf32>
    %y = nn.relu %sum : tensor<1x32x14x14xf32> -> tensor<1x32x14x14xf32>
    return %y : tensor<1x32x14x14xf32>
  }
}
