//===- Normalization.td - normalisations and softmax -----------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_NORMALIZATION_TD
#define NNCC_DIALECT_NN_IR_NORMALIZATION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

class NN_NormOp<string mnemonic> : NN_InferredOp<mnemonic, [AttrSizedOperandSegments]> {
  let arguments = (ins NN_FloatTensor:$input, Optional<NN_FloatTensor>:$scale, Optional<NN_FloatTensor>:$bias, I64Attr:$axis,
                       F64Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` $scale^ `:` type($scale))? (`bias` $bias^ `:` type($bias))? `axis` $axis `epsilon` $epsilon attr-dict `:` type($input)
    `->` type($result)
  }];
}

def NN_LayerNormOp : NN_NormOp<"layer_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias, over the dims from `axis` on";
  let description = [{
    Mean and variance (of the population) are those of all elements that differ along these dims only. f16 and bf16 are computed in f32. `scale` is 1
    and `bias` 0 where they are absent.
    (C1) `axis` is in [0, rank). (C2) `scale` and `bias` have the input's element type and broadcast to it along the dims from `axis` on alone.
  }];
}

def NN_RMSNormOp : NN_NormOp<"rms_norm"> {
  let summary = "x / sqrt(mean of squares + epsilon) * scale + bias, over the dims from `axis` on";
  let description = "As nn.layer_norm, without the mean.";
}

#endif // NNCC_DIALECT_NN_IR_NORMALIZATION_TD
