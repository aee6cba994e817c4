//===- Vision.td - resizing and boxes --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_VISION_TD
#define NNCC_DIALECT_NN_IR_VISION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_ResampleOp : NN_InferredOp<"resample"> {
  let summary = "Weighted means of elements along one axis";
  let description = [{
    Element o of the result along `axis` is the sum over t of `weights`[t, o] * input[`indices`[t, o]], computed in the type of the weights
    and then converted; without weights (`indices` has one row then) it is that element. Resizing is this with tables that depend on sizes and scales
    alone, so that they are folded where those are known. Of several axes, one op follows the other. An index beyond an end takes the
    element at that end.
    (C1) The axis is in range, counted from the front; tables have rank 2 and the same sizes; without weights there is one row.
    (C2) Nothing is taken from an empty axis (checked at run time where sizes are not known).
  }];
  let arguments = (ins NN_NumericTensor:$input, NN_IndexTensor:$indices, Optional<NN_FloatTensor>:$weights, I64Attr:$axis);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = [{
    $input `,` $indices (`weights` $weights^ `:` type($weights))? `axis` $axis attr-dict `:` type($input) `,` type($indices) `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_VISION_TD
