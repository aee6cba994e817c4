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

def NN_GridSampleOp : NN_InferredOp<"grid_sample"> {
  let summary = "Elements of a tensor taken at places that another one states";
  let description = [{
    `input` is N x C x D1..Dk, `grid` N x E1..Ek x k, the result N x C x E1..Ek. A place has one coordinate a spatial dim, the last dim first, from -1 to 1: the
    middles of the outermost elements with `align_corners`, else their outer edges. `mode` is "nearest" (halves to even), "linear" or "cubic"; `padding`
    says what is outside: "zeros", "border" (the nearest element) or "reflection" (at what -1 and 1 mean).
    (C1) N agrees (checked at run time where sizes are not known).
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$grid, StrAttr:$mode, StrAttr:$padding, UnitAttr:$align_corners);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$mode $padding $input `,` $grid attr-dict `:` type($input) `,` type($grid) `->` type($result)";
}

def NN_RoiAlignOp : NN_InferredOp<"roi_align"> {
  let summary = "Regions of images, pooled to one size";
  let description = [{
    `input` is N x C x H x W, `rois` R x 4 (x1, y1, x2, y2, times `scale`), `images` (R) names the image of each. Each of the `height` x `width` bins of a region is the
    mean (or with `max` the maximum of the weighted corners) of `samples` x `samples` elements, interpolated; 0 samples: as many as the bin has rows and columns.
    `half_pixel` moves regions by half an element; without it none is smaller than one.
    (C1) Images are in range (checked at run time).
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$rois, NN_IndexTensor:$images, I64Attr:$height, I64Attr:$width, I64Attr:$samples,
                       F64Attr:$scale, UnitAttr:$half_pixel, UnitAttr:$max);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$input `,` $rois `,` $images attr-dict `:` type($input) `,` type($rois) `,` type($images) `->` type($result)";
}

def NN_FoldBlocksOp : NN_InferredOp<"fold_blocks"> {
  let summary = "The sum of blocks that lie over an image: the inverse of taking every block out of it";
  let description = [{
    `input` is N x (C * B1..Bk) x L: for each of the L places of a sliding window of size `block` over an image of size `image`, padded by `pads` (begins, then
    ends), row-major, a block. The result is N x C x image.
    (C1) Sizes fit (checked at run time where they are not known).
  }];
  let arguments = (ins NN_NumericTensor:$input, NN_IndexTensor:$image, NN_IndexTensor:$block, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = "$input `,` $image `,` $block attr-dict `:` type($input) `,` type($image) `,` type($block) `->` type($result)";
}

#endif // NNCC_DIALECT_NN_IR_VISION_TD
