//===- Quantization.td - quantised arithmetic ------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_QUANTIZATION_TD
#define NNCC_DIALECT_NN_IR_QUANTIZATION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_UnpackOp : NN_Op<"unpack"> {
  let summary = "Elements of 4 or 2 bits from bytes that hold two or four of them, the first in the low bits";
  let description = "What an input of a model is. (C1) As many bytes as the elements need.";
  let arguments = (ins RankedTensorOf<[I8]>:$bytes);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($bytes) `->` type($result)";
  let hasVerifier = 1;
}

def NN_PackOp : NN_Op<"pack"> {
  let summary = "The bytes of elements of 4 or 2 bits: the inverse of nn.unpack";
  let description = "What an output of a model is. (C1) As many bytes as the elements need.";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs RankedTensorOf<[I8]>:$bytes);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($bytes)";
  let hasVerifier = 1;
}

defvar quantizedText = [{
    Scales are positive. `scale` and `zero_point` (0 if absent) broadcast against the input: one number, one for each element of an axis, or one
    for each element.
}];

def NN_QuantizeOp : NN_InferredOp<"quantize"> {
  let summary = "saturate(round(input / scale) + zero_point), halves to even";
  let description = quantizedText # [{
    (C1) `to`, the type of the zero point, is an integer of 8 or 16 bits. (C2) Input and scale have one element type. (C3) NaN gives the
    largest integer.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, Optional<NN_IntTensor>:$zero_point, TypeAttr:$to);
  let results = (outs NN_IntTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale (`zero` $zero_point^ `:` type($zero_point))? `to` $to attr-dict `:` type($input) `,` type($scale) `->` type($result)
  }];
}

def NN_DequantizeOp : NN_InferredOp<"dequantize"> {
  let summary = "(input - zero_point) * scale, of the scale's type";
  let description = quantizedText # [{
    (C1) Input and zero point have one type, an integer of 8, 16 or 32 bits. Their difference is exact.
  }];
  let arguments = (ins NN_IntTensor:$input, NN_FloatTensor:$scale, Optional<NN_IntTensor>:$zero_point);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale (`zero` $zero_point^ `:` type($zero_point))? attr-dict `:` type($input) `,` type($scale) `->` type($result)
  }];
}

def NN_RequantizeOp : NN_InferredOp<"requantize"> {
  let summary = "saturate(round(input * factor) + zero_point): a sum of products with another scale, halves to even";
  let description = quantizedText # [{
    `input` becomes a number of the type of `factor` first. (C1) As C1 of nn.quantize; the input is i32.
  }];
  let arguments = (ins NN_IntTensor:$input, NN_FloatTensor:$factor, Optional<NN_IntTensor>:$zero_point, TypeAttr:$to);
  let results = (outs NN_IntTensor:$result);
  let assemblyFormat = [{
    $input `,` $factor (`zero` $zero_point^ `:` type($zero_point))? `to` $to attr-dict `:` type($input) `,` type($factor) `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_QUANTIZATION_TD
