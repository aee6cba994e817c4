//===- Attention.td - scaled dot-product attention -------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_ATTENTION_TD
#define NNCC_DIALECT_NN_IR_ATTENTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_AttentionOp : NN_InferredOp<"attention"> {
  let summary = "softmax(scale * Q K^T + masks) V";
  let description = [{
    For each batch b.., row m and column e, over all keys n and the depth d:

        score[n]  = scale * sum over d of query[b.., m, d] * key[b.., n, d] + the masks[b.., m, n], one after the other
        weight[n] = e^(score[n] - the largest score) / their sum
        result    = sum over n of weight[n] * value[b.., n, e]

    `indexing_maps` say where in its tensor an element is (Support/AttentionMaps.h): heads behind the rows or before them, a part of a joint
    projection, keys shared by several heads. Scores and weights are computed in at least f32. `nan_as_zero`: a weight that is NaN (all scores
    of the row are -inf) counts as 0.
    (C1) The maps are such maps, for tensors of one element type and of sizes that agree.

    ```mlir
    %0 = nn.attention %q, %k, %v masks(%m : tensor<1x1x128x128xf32>) {indexing_maps = [
        affine_map<(h, m, n, d, e) -> (0, m, h, d)>, affine_map<(h, m, n, d, e) -> (0, n, h, d)>, affine_map<(h, m, n, d, e) -> (0, n, h, e)>,
        affine_map<(h, m, n, d, e) -> (0, 0, m, n)>, affine_map<(h, m, n, d, e) -> (0, m, h, e)>], scale = 1.250000e-01 : f64}
      : tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32> -> tensor<1x128x12x64xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$query, NN_FloatTensor:$key, NN_FloatTensor:$value, Variadic<NN_FloatTensor>:$masks,
                       AffineMapArrayAttr:$indexing_maps, F64Attr:$scale, UnitAttr:$nan_as_zero);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`masks` `(` $masks^ `:` type($masks) `)`)? attr-dict `:` type($query) `,` type($key) `,` type($value)
    `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_ATTENTION_TD
