//===- Convolution.td - convolutions -----------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_CONVOLUTION_TD
#define NNCC_DIALECT_NN_IR_CONVOLUTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_ConvOp : NN_InferredOp<"conv", [AttrSizedOperandSegments]> {
  let summary = "Convolution (as ONNX has it: a correlation) over 1, 2 or 3 spatial dims";
  let description = [{
    `input` is N x C x D1..Dk, `filter` O x C/groups x K1..Kk, `bias` O, the result N x O x E1..Ek with
    E = floordiv(D + begin + end - dilation * (K - 1) - 1, stride) + 1. `pads` are all begins, then all ends; outside the input counts as
    `outside` (one element, the zero point of a quantised input), zero if absent.

    Integers of 8 and 16 bits, signed or not, also mixed, give i32, exact modulo 2^32; other operands have one element type, which the
    result has too.

    With `channels_last` the input is N x D1..Dk x C, the result N x E1..Ek x O, and the filter groups x K1..Kk x C/groups x O/groups: the form
    that kernels take, made by --nn-channels-last.
    (C1) C and O are multiples of `groups`, and the filter's channels are C / groups.
    (C2) Strides and dilations are positive; there are as many as spatial dims.
    (C3) The result has no negative size.
  }];
  let arguments = (ins NN_NumericTensor:$input, NN_NumericTensor:$filter, Optional<NN_NumericTensor>:$bias,
                       Optional<NN_IntTensor>:$outside, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, I64Attr:$groups,
                       UnitAttr:$channels_last);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` $bias^ `:` type($bias))? (`outside` $outside^ `:` type($outside))? attr-dict `:` type($input) `,` type($filter) `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_CONVOLUTION_TD
