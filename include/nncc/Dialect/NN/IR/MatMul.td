//===- MatMul.td - matrix products -------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_MATMUL_TD
#define NNCC_DIALECT_NN_IR_MATMUL_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_MatMulOp : NN_InferredOp<"matmul"> {
  let summary = "Matrix product of the last two dims; dims before them broadcast";
  let description = [{
    `lhs` is .. x M x K and `rhs` .. x K x N, the result .. x M x N, of the operands' element type. f16 and bf16 are accumulated in f32.
    Integers of 8 and 16 bits, signed or not, also mixed, give i32, exact modulo 2^32.
    (C1) Both have at least two dims, and K agrees.
  }];
  let arguments = (ins NN_NumericTensor:$lhs, NN_NumericTensor:$rhs);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def NN_DetOp : NN_InferredOp<"det"> {
  let summary = "The determinants of square matrices, the last two dims";
  let description = "(C1) They are square (checked at run time where sizes are not known).";
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def NN_DftOp : NN_InferredOp<"dft"> {
  let summary = "Discrete Fourier transform along an axis";
  let description = [{
    The last dim of `input` is 1 (real) or 2 (real and imaginary part), that of the result 2. The `length` elements that are transformed are those of the axis, cut short
    or followed by zeros. `kind` is "forward", "half" (its first length / 2 + 1 elements), "inverse" (divided by the length) or "real": the inverse
    whose input is such a half, and whose result is real (its last dim is 1). Computed in f64.
    (C1) `axis` and `length` have one element; the axis is in [-rank, rank - 1) and not the last, the length positive (checked at run time where they are not known).
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_IndexTensor:$length, NN_IndexTensor:$axis, StrAttr:$kind);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $kind $input `length` $length `axis` $axis attr-dict `:` type($input) `,` type($length) `,` type($axis) `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_MATMUL_TD
