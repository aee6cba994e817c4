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

#endif // NNCC_DIALECT_NN_IR_QUANTIZATION_TD
