//===- Passes.td - passes on kernel bodies, whatever they run on ----------------------------------------------------------===//

#ifndef NNCC_KERNEL_PASSES
#define NNCC_KERNEL_PASSES

include "mlir/Pass/PassBase.td"

def WidenSmallFloats : Pass<"nncc-widen-small-floats"> {
  let summary = "Arithmetic on f16 and bf16 is done in f32, each result rounded to its type";
  let description = [{
    So results do not depend on which instructions a CPU has, nor on which operations are in one kernel.

    ```mlir
    %y = arith.addf %x, %x : vector<16xbf16>
    ```
    becomes
    ```mlir
    %0 = arith.extf %x : vector<16xbf16> to vector<16xf32>
    %1 = arith.extf %x : vector<16xbf16> to vector<16xf32>
    %2 = arith.addf %0, %1 : vector<16xf32>
    %y = arith.truncf %2 : vector<16xf32> to vector<16xbf16>
    ```
  }];
  let options = [Option<"expandF16", "expand-f16", "bool", "false",
                        "Conversions between f16 and f32 by integer arithmetic: the target has no F16C, and LLVM would call a function">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandMath : Pass<"nncc-expand-math"> {
  let summary = "Expand operations of the math dialect into plain arithmetic";
  let description = [{
    Kernels call no library: elementary functions on scalars and vectors of f32 become arithmetic without branches, of the same bits
    whether scalar or vector, with AVX2 or AVX-512. docs/Math.md has the bound of each function.

    ```mlir
    %y = math.exp %x : vector<16xf32>
    ```
    becomes
    ```mlir
    %shifted = math.fma %clamped, %log2e, %shift : vector<16xf32>    // rounds to an integer, which stands in the low bits
    %n = arith.subf %shifted, %shift : vector<16xf32>
    %r = math.fma %n, %minus_ln2, %clamped : vector<16xf32>
    ...                                                             // a polynomial of %r, scaled by 2^n
    ```
  }];
  let options = [
    Option<"sse2", "sse2", "bool", "false", "The target has no FMA, and rounds by library calls">,
    Option<"f64", "f64", "bool", "false", "The target has no library: functions of f64 and remainders of floats too">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

#endif // NNCC_KERNEL_PASSES
