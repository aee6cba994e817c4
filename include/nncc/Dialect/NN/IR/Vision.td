//===- Vision.td - resizing and boxes --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_VISION_TD
#define NNCC_DIALECT_NN_IR_VISION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_ResizeAxisOp : NN_InferredOp<"resize_axis"> {
  let summary = "The operand resampled along one axis";
  let description = [{
    Element `o` of the result along `axis` is taken at a place x of the input that `coordinates` computes from o, the `scale` (output / input,
    one element) and the sizes: "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric" or
    "tf_crop_and_resize" (of the range `roi`, two elements in [0, 1]; outside of the input it is `outside`). `mode` says what is taken: "nearest"
    (rounded as `rounding` says: "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"), "linear" (2 elements around) or "cubic" (4, with the
    coefficient `cubic`). `antialias` widens the filter when the result is smaller. Elements beyond the ends are those at the ends, or with
    `exclude_outside` have no weight. Of several axes, one op follows the other.
    (C1) The axis is in range, counted from the front; `size` has one element, the size of the result.
  }];
  let arguments = (ins NN_NumericTensor:$input, NN_IndexTensor:$size, NN_FloatTensor:$scale, Optional<NN_FloatTensor>:$roi, I64Attr:$axis,
                       StrAttr:$mode, StrAttr:$coordinates, StrAttr:$rounding, F64Attr:$cubic, F64Attr:$outside,
                       BoolAttr:$exclude_outside, BoolAttr:$antialias);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = [{
    $mode $input `,` $size `,` $scale (`roi` $roi^ `:` type($roi))? `axis` $axis attr-dict `:` type($input) `,` type($size) `,` type($scale) `->`
    type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_VISION_TD
