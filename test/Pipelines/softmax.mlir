// One kernel of the stage contract, at every stage and run; Inputs/run.py compares with NumPy.

// RUN: nncc %s --emit=nn -o - | FileCheck %s --check-prefix=NN
// RUN: nncc %s --emit=nn-opt -o - | FileCheck %s --check-prefix=OPT
// RUN: nncc %s --emit=linalg -o - | FileCheck %s --check-prefix=LINALG
// RUN: nncc %s --emit=exec -o - | FileCheck %s --check-prefix=EXEC
// RUN: nncc %s --emit=tiled -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=TILED
// RUN: nncc %s --emit=vector -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=VECTOR
// RUN: nncc %s --emit=llvm -mcpu=x86-64-v4 -o - | FileCheck %s --check-prefix=LLVM
// RUN: nncc %s --emit=so -mcpu=native -o %t.so && %python %S/Inputs/run.py softmax %t.so nncc-run
// RUN: nncc %s --emit=so -mcpu=native -O0 -o %t.O0.so && %python %S/Inputs/run.py softmax %t.O0.so nncc-run

// NN: nn.reduce "max"
// OPT-NOT: nn.constant
// OPT: nn.reciprocal
// LINALG: exec.kernel @k0_{{.*}}, %[[ROWS:.*]]: index)
// LINALG: math.exp
// LINALG-NOT: exec.kernel
// LINALG: exec.symbol "rows"
// EXEC: exec.input %{{.*}} : memref<?x100xf32>
// EXEC: exec.output 0
// EXEC-NEXT: exec.launch
// TILED: // k0{{.*}} for x86-64-v4: loops over ?, cut into tiles; 1 op over 100, 4 vectors of 16 at once
// TILED-NEXT: exec.kernel @
// VECTOR: vector<16xf32>
// LLVM: define hidden void @nncc.{{.*}}k0_{{.*}}.v4(ptr

module attributes {nn.name = "softmax"} {
  func.func @main(%x: tensor<?x100xf32, #nn.dims<"rows", "">> {nn.name = "x"}) -> (tensor<?x100xf32, #nn.dims<"rows", "">> {nn.name = "y"}) {
    %max = nn.reduce "max" %x axes [1] keepdims : tensor<?x100xf32, #nn.dims<"rows", "">> -> tensor<?x1xf32, #nn.dims<"rows", "">>
    %shifted = nn.sub %x, %max : tensor<?x100xf32, #nn.dims<"rows", "">>, tensor<?x1xf32, #nn.dims<"rows", "">> -> tensor<?x100xf32, #nn.dims<"rows", "">>
    %exp = nn.exp %shifted : tensor<?x100xf32, #nn.dims<"rows", "">> -> tensor<?x100xf32, #nn.dims<"rows", "">>
    %sum = nn.reduce "sum" %exp axes [1] keepdims : tensor<?x100xf32, #nn.dims<"rows", "">> -> tensor<?x1xf32, #nn.dims<"rows", "">>
    %y = nn.div %exp, %sum : tensor<?x100xf32, #nn.dims<"rows", "">>, tensor<?x1xf32, #nn.dims<"rows", "">> -> tensor<?x100xf32, #nn.dims<"rows", "">>
    return %y : tensor<?x100xf32, #nn.dims<"rows", "">>
  }
}
