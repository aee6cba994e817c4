//===- Pooling.td - pooling windows ----------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_POOLING_TD
#define NNCC_DIALECT_NN_IR_POOLING_TD

include "nncc/Dialect/NN/IR/NNBase.td"

class NN_WindowOp<string mnemonic, dag extra> : NN_InferredOp<mnemonic> {
  let arguments = !con((ins NN_NumericTensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                            DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, BoolAttr:$ceil_mode), extra);
}

def NN_PoolOp : NN_WindowOp<"pool", (ins StrAttr:$kind, BoolAttr:$count_include_pad, UnitAttr:$channels_last)> {
  let summary = "Maximum, mean or sum of the elements in a sliding window";
  let description = [{
    `input` is N x C x D1..Dk, or with `channels_last` N x D1..Dk x C. `kind` is "max", "average" or "sum". Pads hold no elements: they are
    never a maximum, and count for an average only with `count_include_pad` (as do positions beyond the end pads that `ceil_mode` adds: not at all).
    (C1) As nn.conv C2 and C3.
  }];
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
}

def NN_MaxPoolIndicesOp : NN_WindowOp<"max_pool_indices", (ins BoolAttr:$column_major)> {
  let summary = "Where nn.pool \"max\" found its elements";
  let description = [{
    The index of each maximum in the whole flattened input N x C x D1..Dk, whose spatial dims count in row-major or (`column_major`) in
    column-major order. Of equal elements the first counts.
  }];
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

#endif // NNCC_DIALECT_NN_IR_POOLING_TD
