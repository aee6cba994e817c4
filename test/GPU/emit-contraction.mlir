// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=80" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=75" | FileCheck %s --check-prefix=TURING
// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=50" | FileCheck %s --check-prefix=OLD
// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=61" | FileCheck %s --check-prefix=PASCAL
// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=80 tf32" | FileCheck %s --check-prefix=TF32
// RUN: nncc-opt %s --split-input-file --gpu-emit-kernels="stage=loops sm=75 tf32" | FileCheck %s --check-prefix=NO-TF32

// Tiles of 128 x 128 sums. Operands come in aligned vectors of 4, go through two buffers of shared memory, one barrier a part of K; but for the loads of the
// next part, of which the last has none, nothing in the loop is under a condition. Each thread adds 64 products for each of 8 elements of K, and the code
// for that is there once.

// OLD:       #[[NEVER:.*]] = #llvm.loop_unroll<disable = true>
// OLD:       #loop_annotation = #llvm.loop_annotation<unroll = #[[NEVER]]>
// OLD-LABEL: module @product.device
// OLD:         func.func @product(
// OLD-SAME:      attributes {nncc.threads = 256 : i32, nvvm.minctasm = 1 : i32}
// OLD-COUNT-2:   llvm.load {{.*}} invariant {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// OLD:           scf.for
// OLD-NOT:         scf.if
// OLD:             nvvm.barrier
// OLD:             scf.if
// OLD-COUNT-2:       llvm.load {{.*}} invariant {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// OLD:             } else {
// OLD:               ub.poison
// OLD:             }
// OLD-NOT:         scf.if
// OLD-COUNT-512:   math.fma
// OLD-NOT:         scf.if
// OLD:             scf.yield
// OLD-NEXT:      } {loop_annotation = #loop_annotation}
// OLD-NOT:       math.fma
// OLD-COUNT-16:  llvm.store {{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
// Where that is asked for, f32 goes to tensor cores from Ampere on: parts of K are copied ahead as those of f16, with half as many elements, and rounded when they
// come to registers. `ldmatrix` brings the left operand; of the right one, which would have to be turned, a thread loads its words.

// TF32-LABEL: module @product.device
// TF32-COUNT-16: nvvm.cp.async.shared.global
// TF32:          scf.for
// TF32:            nvvm.cp.async.wait.group 1
// TF32:            nvvm.barrier
// TF32-COUNT-4:    nvvm.ldmatrix {{.*}} num = 4
// TF32-NOT:        nvvm.ldmatrix
// TF32-COUNT-16:   llvm.load {{.*}} : !llvm.ptr<3> -> i32
// TF32-NOT:        llvm.load
// TF32-COUNT-32:   nvvm.convert.float.to.tf32 {{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
// TF32-NOT:        nvvm.convert.float.to.tf32
// TF32-COUNT-32:   nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
// TF32-NOT:        nvvm.mma.sync
// TF32-COUNT-4:    nvvm.ldmatrix {{.*}} num = 4
// TF32:            scf.yield

// NO-TF32-NOT: tf32

// OLD-LABEL: module @product.host
// OLD:         %[[BLOCKS:.*]] = arith.constant 256 : i64
// OLD:         llvm.store %[[BLOCKS]]
exec.kernel @product(%x: tensor<2048x64xf32>, %w: tensor<64x2048xf32>) -> tensor<2048x2048xf32> {
  %e = tensor.empty() : tensor<2048x2048xf32>
  %0 = exec.matmul %x, %w outs(%e) : tensor<2048x64xf32>, tensor<64x2048xf32>, tensor<2048x2048xf32> -> tensor<2048x2048xf32>
  exec.yield %0 : tensor<2048x2048xf32>
}

// -----

// f16 on tensor cores. From Ampere on parts of K are copied ahead; on Turing they go through registers, and a step of 16 is two of 8.

// CHECK-LABEL: module @halves.device
// CHECK:         nvvm.cp.async.shared.global
// CHECK:         nvvm.cp.async.commit.group
// CHECK:         scf.for
// CHECK:           nvvm.cp.async.wait.group 1
// CHECK:           nvvm.barrier
// CHECK:           nvvm.ldmatrix {{.*}} num = 4
// CHECK-COUNT-64:  nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-NOT:       nvvm.mma.sync
// CHECK:           scf.yield

// TURING-LABEL: module @halves.device
// TURING-NOT:     nvvm.cp.async
// TURING:         scf.for
// TURING-COUNT-128: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
// TURING:           scf.yield

// OLD-LABEL: module @halves.device
// OLD-NOT:     nvvm.mma.sync
// OLD:         math.fma {{.*}} : f32
exec.kernel @halves(%x: tensor<2048x1024xf16>, %w: tensor<1024x2048xf16>) -> tensor<2048x2048xf16> {
  %e = tensor.empty() : tensor<2048x2048xf16>
  %0 = exec.matmul %x, %w outs(%e) : tensor<2048x1024xf16>, tensor<1024x2048xf16>, tensor<2048x2048xf16> -> tensor<2048x2048xf16>
  exec.yield %0 : tensor<2048x2048xf16>
}

// -----

// Bytes: on tensor cores 32 of K an instruction from Ampere on, 16 and half the rows on Turing; on Pascal 4; before that one at a time. The left operand is
// copied ahead; the right one is turned on its way: 8 permutations for 4 words.

// CHECK-LABEL: module @bytes.device
// CHECK:         scf.for
// CHECK:           nvvm.cp.async.wait.group 1
// CHECK:           scf.if
// CHECK-COUNT-8:     llvm.load {{.*}} invariant {alignment = 8 : i64} : !llvm.ptr<1> -> vector<8xi8>
// CHECK-COUNT-4:   nvvm.cp.async.shared.global
// CHECK:           nvvm.ldmatrix {{.*}} num = 4
// CHECK-COUNT-64:  nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>, shape = #nvvm.shape<m = 16, n = 8, k = 32>
// CHECK-NOT:       nvvm.mma.sync
// CHECK-COUNT-16:  nvvm.prmt
// CHECK-COUNT-2:   llvm.store {{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
// CHECK-COUNT-16:  nvvm.prmt
// CHECK-COUNT-2:   llvm.store {{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
// CHECK:           scf.yield

// TURING-LABEL: module @bytes.device
// TURING:         scf.for
// TURING-COUNT-128: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 8, n = 8, k = 16>
// TURING:           scf.yield

// PASCAL-LABEL: module @bytes.device
// PASCAL:         scf.for
// PASCAL-COUNT-512: nvvm.dot.accumulate.4way %{{.*}} <unsigned>, %{{.*}} <signed>, %
// PASCAL:           scf.yield

// OLD-LABEL: module @bytes.device
// OLD-NOT:     nvvm.dot.accumulate
// OLD:         arith.muli {{.*}} : i32
exec.kernel @bytes(%x: tensor<2048x1024xi8>, %w: tensor<1024x2048xi8>) -> tensor<2048x2048xi32> {
  %e = tensor.empty() : tensor<2048x2048xi32>
  %0 = exec.matmul %x, %w outs(%e) {lhs_unsigned} : tensor<2048x1024xi8>, tensor<1024x2048xi8>, tensor<2048x2048xi32> -> tensor<2048x2048xi32>
  exec.yield %0 : tensor<2048x2048xi32>
}

// -----

// A convolution reads the image itself: pixels outside are not touched. Which taps are inside is a bit each, computed before the loop.

// CHECK-LABEL: module @convolution.device
// CHECK:         scf.for
// CHECK-NOT:       arith.cmpi ult
// CHECK:           arith.shli
// CHECK:           arith.cmpi ne
// CHECK:           scf.if
// CHECK-NEXT:        llvm.getelementptr
// CHECK-NEXT:        llvm.load {{.*}} invariant {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
exec.kernel @convolution(%x: tensor<8x56x56x64xf32>, %w: tensor<1x3x3x64x64xf32>) -> tensor<8x56x56x64xf32> {
  %e = tensor.empty() : tensor<8x56x56x64xf32>
  %0 = exec.conv %x, %w outs(%e) {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64}
      : tensor<8x56x56x64xf32>, tensor<1x3x3x64x64xf32>, tensor<8x56x56x64xf32> -> tensor<8x56x56x64xf32>
  exec.yield %0 : tensor<8x56x56x64xf32>
}

// -----

// Few tiles and a large K: parts of K leave their sums in the workspace, and the block of a tile that ends last adds them, part by part.

// CHECK-LABEL: module @deep.device
// CHECK:         func.func @deep(
// CHECK:           llvm.store {{.*}} : vector<4xf32>, !llvm.ptr<1>
// CHECK:           nvvm.memory.barrier <gpu>
// CHECK-NEXT:      nvvm.barrier
// CHECK:           %[[BEFORE:.*]] = llvm.atomicrmw add %[[COUNTER:.*]], %{{.*}} syncscope("device") monotonic : !llvm.ptr<1>, i32
// CHECK-NEXT:      llvm.store %[[BEFORE]], %{{.*}} : i32, !llvm.ptr<3>
// CHECK:           nvvm.barrier
// CHECK:           nvvm.memory.barrier <gpu>
// CHECK:             llvm.store %c0{{.*}}, %[[COUNTER]]
// CHECK:           scf.if
// CHECK:             scf.for
// CHECK:               arith.addf {{.*}} : vector<4xf32>
// CHECK-NOT:     func.func
// CHECK-LABEL: module @deep.host
// CHECK:         func.func @deep.workspace(
exec.kernel @deep(%x: tensor<49x4608xf32>, %w: tensor<4608x512xf32>) -> tensor<49x512xf32> {
  %e = tensor.empty() : tensor<49x512xf32>
  %0 = exec.matmul %x, %w outs(%e) : tensor<49x4608xf32>, tensor<4608x512xf32>, tensor<49x512xf32> -> tensor<49x512xf32>
  exec.yield %0 : tensor<49x512xf32>
}

// -----

// How many tiles there are is not known: a second phase adds the parts.

// CHECK-LABEL: module @dynamic.device
// CHECK:         func.func @dynamic$0(
// CHECK-NOT:       atomicrmw
// CHECK:         func.func @dynamic$1(
// CHECK:           arith.addf {{.*}} : vector<4xf32>
exec.kernel @dynamic(%x: tensor<?x4608xf32>, %w: tensor<4608x64xf32>, %e: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %0 = exec.matmul %x, %w outs(%e) : tensor<?x4608xf32>, tensor<4608x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
  exec.yield %0 : tensor<?x64xf32>
}

// -----

// One row: no tile. The threads of a block share K.

// CHECK-LABEL: module @row.device
// CHECK:         func.func @row({{.*}} attributes {nncc.threads = 256 : i32}
// CHECK:         scf.for
// CHECK-COUNT-4:   llvm.load {{.*}} vector<4xf32>
// CHECK:         nvvm.barrier
exec.kernel @row(%x: tensor<1x2048xf32>, %w: tensor<2048x4096xf32>) -> tensor<1x4096xf32> {
  %e = tensor.empty() : tensor<1x4096xf32>
  %0 = exec.matmul %x, %w outs(%e) : tensor<1x2048xf32>, tensor<2048x4096xf32>, tensor<1x4096xf32> -> tensor<1x4096xf32>
  exec.yield %0 : tensor<1x4096xf32>
}
