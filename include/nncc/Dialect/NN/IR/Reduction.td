//===- Reduction.td - reductions -------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_REDUCTION_TD
#define NNCC_DIALECT_NN_IR_REDUCTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

class NN_AnyReduceOp<string mnemonic, dag extra> : NN_InferredOp<mnemonic> {
  let results = (outs NN_NumericTensor:$result);
  let arguments = !con((ins NN_NumericTensor:$input), extra, (ins StrAttr:$kind));
}

def NN_ReduceOp : NN_AnyReduceOp<"reduce", (ins DenseI64ArrayAttr:$axes, UnitAttr:$keepdims)> {
  let summary = "All elements along some axes combined into one";
  let description = [{
    `kind` is "sum", "mean", "prod", "max" or "min". f16 and bf16 are accumulated in f32. Of no elements the sum is 0, the product 1, the maximum
    -inf (or the smallest integer), the mean NaN. max and min are NaN when any element is.
    (C1) Axes are in range, counted from the front, and distinct.
  }];
  let assemblyFormat = "$kind $input `axes` $axes (`keepdims` $keepdims^)? attr-dict `:` type($input) `->` type($result)";
}

def NN_ReduceAxesOp : NN_AnyReduceOp<"reduce_axes", (ins NN_IndexTensor:$axes)> {
  let summary = "nn.reduce along axes that are known only at run time; keeps the dims";
  let description = "(C1) Axes are in [-rank, rank) (checked at run time).";
  let assemblyFormat = "$kind $input `,` $axes attr-dict `:` type($input) `,` type($axes) `->` type($result)";
}

def NN_ArgReduceOp : NN_InferredOp<"arg_reduce"> {
  let summary = "The index (i64) of the largest or smallest element along an axis";
  let description = [{
    `kind` is "max" or "min"; of equal elements the first counts, or with `last` the last. NaN counts as the largest and as the smallest.
    (C1) The axis is in range, counted from the front. (C2) It has elements.
  }];
  let arguments = (ins NN_NumericTensor:$input, StrAttr:$kind, I64Attr:$axis, UnitAttr:$keepdims, UnitAttr:$last);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = [{
    $kind $input `axis` $axis (`keepdims` $keepdims^)? (`last` $last^)? attr-dict `:` type($input) `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_REDUCTION_TD
