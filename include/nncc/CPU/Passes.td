//===- Passes.td - passes that make kernel bodies for CPUs ----------------------------------------------------------------===//

#ifndef NNCC_CPU_PASSES
#define NNCC_CPU_PASSES

include "mlir/Pass/PassBase.td"

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
  let options = [Option<"sse2", "sse2", "bool", "false", "The target has no FMA, and rounds by library calls">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect", "mlir::vector::VectorDialect"];
}

#endif // NNCC_CPU_PASSES
