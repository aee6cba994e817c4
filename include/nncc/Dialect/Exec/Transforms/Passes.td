//===- Passes.td - passes on the exec level ----------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_TD
#define NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SeparateWeights : Pass<"exec-separate-weights", "::mlir::ModuleOp"> {
  let summary = "The function @weights becomes a model of its own";
  let description = [{
    Its files become the arguments. It stays inside as the module @weights, which is compiled and run while the model is compiled.

    ```mlir
    func.func private @weights() -> tensor<8xf32> {
      %0 = exec.file "m.onnx"[64, 32] : tensor<8xf32>
      %1 = linalg.generic {..} ins(%0 : tensor<8xf32>) ..
      return %1 : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    module @weights {
      func.func @main(%0: tensor<8xf32> {exec.file = "m.onnx", exec.length = 32, exec.offset = 64}) -> tensor<8xf32> {
        %1 = linalg.generic {..} ins(%0 : tensor<8xf32>) ..
        return %1 : tensor<8xf32>
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def DecomposeAttention : Pass<"exec-decompose-attention", "::mlir::ModuleOp"> {
  let summary = "Attentions become matrix products and the rows of a softmax between them";
  let description = [{
    For level 0, and for what has no kernel on a CPU. Operands are put in order first, where their order is another one.

    ```mlir
    %0 = exec.attention %q, %k, %v outs(%init) {indexing_maps = [affine_map<(b, m, n, d, e) -> (b, m, d)>, ..], scale = 0.125}
      : tensor<2x8x4xf32>, tensor<2x9x4xf32>, tensor<2x9x4xf32>, tensor<2x8x4xf32> -> tensor<2x8x4xf32>
    ```
    becomes
    ```mlir
    %s = exec.matmul %q, %k outs(..) {transpose_rhs} : tensor<2x8x4xf32>, tensor<2x9x4xf32>, .. -> tensor<2x8x9xf32>
    %1 = linalg.generic {..} ins(%s : tensor<2x8x9xf32>) ..          // * 0.125
    %2 = linalg.generic {.. "reduction"} ins(%1 : tensor<2x8x9xf32>) ..  // the largest, then powers, their sum, and quotients
    ..
    %0 = exec.matmul %w, %v outs(..) : tensor<2x8x9xf32>, tensor<2x9x4xf32>, .. -> tensor<2x8x4xf32>
    ```
  }];
  let options = [
    Option<"all", "all", "bool", "true", "also those that one kernel computes well (exec.attention's isFusable)">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def DecomposeLines : Pass<"exec-decompose-lines", "::mlir::ModuleOp"> {
  let summary = "Sorts and scans become grids, with a line a point";
  let description = [{
    For CPUs, whose threads take a line each: of a sort that wants the first k elements a heap keeps the best so far, with the last of them at its
    root; a scan is a loop that carries the sum.

    ```mlir
    %0 = exec.scan (%n) length %m axis 1 ins(%x) outs(%init) {neutral = 0 : i64} element {..} combine {..} -> tensor<?x?xi64>
    ```
    becomes
    ```mlir
    %0 = exec.grid (%n) ins(%x) outs(%init) {
    ^bb0(%row: index, %in: memref<?x?xi64>, %out: memref<?x?xi64>):
      scf.for %i = %c0 to %m step %c1 iter_args(%sum = %zero) -> i64 {
        ..
        memref.store %next, %out[%row, %i]
        scf.yield %next
      }
      exec.yield
    }
    ```
  }];
  let options = [
    Option<"onHost", "on-host", "bool", "false", "only in the kernels of a program for a device that run on the host">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def JoinPixels : Pass<"exec-join-pixels", "::mlir::ModuleOp"> {
  let summary = "Convolutions by constant filters with a few outputs compute several pixels at once";
  let description = [{
    Pixels in a row, of a few channels each, are adjacent elements: the outputs of a convolution of a larger stride, so many that they fill a vector. Its
    filter has zeros where a pixel has no tap, so that the filter's width must be some taps for this to pay.

    ```mlir
    %w = exec.weight 0 : tensor<1x5x5x16x4xf32>
    %0 = exec.conv %x, %w outs(%init) {strides = array<i64: 1, 1>, ..} : tensor<1x64x64x16xf32>, .. -> tensor<1x64x64x4xf32>
    ```
    becomes
    ```mlir
    %w = exec.weight 1 : tensor<1x5x8x16x16xf32>
    %1 = exec.conv %x, %w outs(%e) {strides = array<i64: 1, 4>, ..} : tensor<1x64x64x16xf32>, .. -> tensor<1x64x16x16xf32>
    %2 = tensor.expand_shape %1 .. into tensor<1x64x16x4x4xf32>
    %0 = tensor.collapse_shape %2 .. into tensor<1x64x64x4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def Winograd : Pass<"exec-winograd", "::mlir::ModuleOp"> {
  let summary = "3x3 convolutions by constant filters as products of transformed patches, where that is faster";
  let description = [{
    Winograd's F(4x4, 3x3): a quarter of the multiplications. Patches of 6 x 6 pixels are transformed to 36 numbers a channel, the filters likewise in
    @weights; 36 matrix products; and back, four by four results, with the bias and the elementwise operations that follow. Errors are about three times
    as large (rms) as those of a sum in order.

    ```mlir
    %w = exec.weight 0 : tensor<1x3x3x64x64xf32>
    %0 = exec.conv %x, %w outs(%init) {..} : tensor<1x56x56x64xf32>, tensor<1x3x3x64x64xf32>, tensor<1x56x56x64xf32> -> tensor<1x56x56x64xf32>
    ```
    becomes
    ```mlir
    %w = exec.weight 1 : tensor<36x64x64xf32>
    %patches = exec.grid (%c1, %c14, %c14) ins(%x : ..) outs(%e : tensor<36x196x64xf32>) { .. }
    %products = exec.matmul %patches, %w outs(..) : tensor<36x196x64xf32>, tensor<36x64x64xf32>, tensor<36x196x64xf32> -> tensor<36x196x64xf32>
    %0 = exec.grid (%c1, %c14, %c14) ins(%products : ..) outs(%init : tensor<1x56x56x64xf32>) { .. }
    ```
  }];
  let options = [Option<"always", "always", "bool", "false", "Also where it is not faster">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::vector::VectorDialect"];
}

def PackWeights : Pass<"exec-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Constant right operands of contractions are put in the order in which kernels read them";
  let description = [{
    Where `rhs` of an `exec.matmul` or `filter` of an `exec.conv` is an `exec.weight`, @weights gets another result: the same in panels of 16
    columns (8 of 64-bit elements), matrices x panels x K x 16, zero behind the last column. Of small integers a step of K is kept together (`getElementsPerStep`): K / 4 x 64
    for i8, where each tap of a filter starts at a whole step. One layout serves all CPUs: a kernel reads 1
    to 4 panels as streams. Where a vector holds the channels of several groups (`ConvOp::hasNarrowGroups`), panels go across groups.
    Results of @weights that nothing reads any more are dropped.

    ```mlir
    func.func private @weights() -> tensor<64x20xf32> { .. return %w : tensor<64x20xf32> }
    func.func @main(..) {
      %w = exec.weight 0 : tensor<64x20xf32>
      %0 = exec.matmul %x, %w outs(%init) : tensor<8x64xf32>, tensor<64x20xf32>, tensor<8x20xf32> -> tensor<8x20xf32>
    ```
    becomes
    ```mlir
    func.func private @weights() -> tensor<1x2x64x16xf32> { .. %p = linalg.generic {..} .. return %p : tensor<1x2x64x16xf32> }
    func.func @main(..) {
      %w = exec.weight 0 : tensor<1x2x64x16xf32>
      %0 = exec.matmul %x, %w outs(%init) {packed = array<i64: 64, 20>}
             : tensor<8x64xf32>, tensor<1x2x64x16xf32>, tensor<8x20xf32> -> tensor<8x20xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def FormKernels : Pass<"exec-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Every computation on tensors moves into a kernel, which the function launches";
  let description = [{
    What the function computed with `linalg.generic`, `linalg.fill`, `exec.matmul`, `exec.conv` and `exec.grid` is grouped and moved into
    `exec.kernel`s. Reshapes, arithmetic on sizes, reads of single elements and control flow stay: the function is the schedule now. Remarks of the category `fusion`
    say which operations became one kernel, and of those that did not why not (`nncc-opt --remarks-filter=fusion`, `nncc -Rpass-missed`).

    ```mlir
    func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
      %init = tensor.empty() : tensor<8xf32>
      %0 = linalg.generic {..} ins(%x : tensor<8xf32>) outs(%init : tensor<8xf32>) { .. math.exp .. } -> tensor<8xf32>
      return %0 : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    exec.kernel @k0_exp(%arg0: tensor<8xf32>) -> tensor<8xf32> attributes {may_alias = array<i64: 0>} {
      %init = tensor.empty() : tensor<8xf32>
      %0 = linalg.generic {..} ins(%arg0 : tensor<8xf32>) outs(%init : tensor<8xf32>) { .. math.exp .. } -> tensor<8xf32>
      exec.yield %0 : tensor<8xf32>
    }
    func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
      %0 = exec.launch @k0_exp(%x) : (tensor<8xf32>) -> tensor<8xf32>
      return %0 : tensor<8xf32>
    }
    ```
  }];
  let options = [
    Option<"fuse", "fuse", "bool", /*default=*/"true", "Group operations into kernels; false: one kernel for each">
  ];
  let dependentDialects = ["::nncc::exec::ExecDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def MergeKernels : Pass<"exec-merge-kernels", "::mlir::ModuleOp"> {
  let summary = "Kernels with the same body become one";
  let description = [{
    The twelve layers of a transformer give one set of kernels. Locations do not count: the kernel that stays is located at all of them. The
    kernels are numbered anew.

    ```mlir
    exec.kernel @k0_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    exec.kernel @k1_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    .. exec.launch @k0_exp(%a) .. exec.launch @k1_exp(%b)
    ```
    becomes
    ```mlir
    exec.kernel @k0_exp(%x: tensor<8xf32>) -> tensor<8xf32> { .. }
    .. exec.launch @k0_exp(%a) .. exec.launch @k0_exp(%b)
    ```
  }];
}

def Place : Pass<"exec-place", "::mlir::ModuleOp"> {
  let summary = "Which kernels of a program for a GPU run on the host, and what goes from one memory to the other";
  let description = [{
    The device runs every kernel but those that compute what the schedule reads (sizes, conditions) from what the host has anyway: small
    kernels (at most 1024 elements, no contraction) on other such results, on tensors of scalars, on constants, on small weights and
    integer inputs. From at most 8 integers that the device computed they go on where the device reads nothing of it, so that the schedule
    waits once for all sizes that follow from them. A kernel that both sides launch becomes two. Copies are explicit, an `exec.transfer`;
    inputs and weights are on both sides (`exec.host_input`, `exec.weight .. host`), constants that the device reads become weights. A
    remark of the category `placement` tells of each host kernel and each copy.

    ```mlir
    func.func @main(%x: tensor<2xi64>, %y: tensor<8xf32>) -> tensor<?xf32> {
      %0 = exec.launch @k0_add(%x) : (tensor<2xi64>) -> tensor<2xi64>
      %1 = tensor.extract %0[%c0] : tensor<2xi64>
      ..
    ```
    becomes
    ```mlir
    exec.kernel @k0_add(..) attributes {host} { .. }
    func.func @main(%x: tensor<2xi64>, %y: tensor<8xf32>) -> tensor<?xf32> {
      %h = exec.host_input 0 : tensor<2xi64>
      %0 = exec.launch @k0_add(%h) : (tensor<2xi64>) -> tensor<2xi64>
      %1 = tensor.extract %0[%c0] : tensor<2xi64>
      ..
    ```
  }];
  let dependentDialects = ["::nncc::exec::ExecDialect", "::mlir::func::FuncDialect"];
}

def PlanMemory : Pass<"exec-plan-memory", "::mlir::ModuleOp"> {
  let summary = "The schedule goes from tensors to memrefs in an arena, the outputs and what a loop carries";
  let description = [{
    A result is written straight to where it is wanted: over an operand that dies (where the kernel's `may_alias` allows it), into an
    output, into what a loop carries. What remains gets a place in the arena, in which buffers that are never alive at once overlap.
    When all sizes are numbers, a place is an offset. When some are expressions of the model's symbols, a place is a slot, whose bytes
    the function @sizes computes and which the runtime packs. What depends on values known only in a run (`tensor.extract`, loops) is
    allocated there, and given back at the end of an iteration. The attribute `exec.plan` of the module says the rest.

    ```mlir
    func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
      %0 = exec.launch @k0_reverse(%x) : (tensor<8xf32>) -> tensor<8xf32>
      %1 = exec.launch @k0_reverse(%0) : (tensor<8xf32>) -> tensor<8xf32>
      return %1 : tensor<8xf32>
    }
    ```
    becomes
    ```mlir
    module attributes {exec.plan = {bound = 64 : i64, bytes = 64 : i64, carries = 0 : i64}} {
      func.func @main(%x: memref<8xf32>) {
        %0 = exec.buffer offset 0() : memref<8xf32>
        exec.launch @k0_reverse(%x) outs(%0 : memref<8xf32>) : (memref<8xf32>) -> ()
        %1 = exec.output 0() : memref<8xf32>
        exec.launch @k0_reverse(%0) outs(%1 : memref<8xf32>) : (memref<8xf32>) -> ()
        return
      }
    }
    ```
  }];
  let options = [Option<"separate", "separate", "bool", "false",
                        "Each buffer is allocated by itself in every run: an overrun then is none into another one">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::nncc::exec::ExecDialect"];
}

#endif // NNCC_DIALECT_EXEC_TRANSFORMS_PASSES_TD
