//===- MatMul.td - matrix products -------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_MATMUL_TD
#define NNCC_DIALECT_NN_IR_MATMUL_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_MatMulOp : NN_InferredOp<"matmul"> {
  let summary = "Matrix product of the last two dims; dims before them broadcast";
  let description = [{
    `lhs` is .. x M x K and `rhs` .. x K x N, the result .. x M x N, of the operands' element type. f16 and bf16 are accumulated in f32.
    (C1) Both have at least two dims, and K agrees.
  }];
  let arguments = (ins NN_NumericTensor:$lhs, NN_NumericTensor:$rhs);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

#endif // NNCC_DIALECT_NN_IR_MATMUL_TD
