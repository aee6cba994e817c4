//===- Selection.td - sorting, searching and scattering --------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_SELECTION_TD
#define NNCC_DIALECT_NN_IR_SELECTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_TopKOp : NN_InferredOp<"top_k"> {
  let summary = "The k largest (or smallest) elements along an axis, and where they are";
  let description = [{
    Best first; of equal elements the one with the smaller index. NaN is larger than every number.
    (C1) k has one element, between 0 and the size of the axis (checked at run time where it is not known).
  }];
  let arguments = (ins NN_NumericTensor:$input, NN_IndexTensor:$k, I64Attr:$axis, UnitAttr:$smallest);
  let results = (outs NN_NumericTensor:$values, NN_IndexTensor:$indices);
  let assemblyFormat = [{
    $input `,` $k `axis` $axis (`smallest` $smallest^)? attr-dict `:` type($input) `,` type($k) `->` type($values) `,` type($indices)
  }];
}

def NN_NonZeroOp : NN_InferredOp<"non_zero"> {
  let summary = "The coordinates of all elements that are not zero, one a column, in row-major order";
  let description = "NaN is not zero, -0.0 is. The number of columns is known only at run time.";
  let arguments = (ins NN_NumericTensor:$input);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def NN_NonMaxSuppressionOp : NN_InferredOp<"non_max_suppression"> {
  let summary = "For each batch and class the boxes with the best scores that do not overlap too much";
  let description = [{
    `boxes` is B x N x 4, `scores` B x C x N. A box is two corners (y1, x1, y2, x2), in any order, or with `center_point_box` (x, y, width, height) about
    its middle. Rows of the result (batch, class, box) are in the order of batch, class and falling score; of equal scores the first box counts.
    A box is left out when its score is not above `score_threshold` (if given), when it and a better one of its class have an intersection
    over union above `iou_threshold`, or when there are `max_boxes` of its class.
    (C1) Parameters have one element; 0 <= iou_threshold <= 1 (checked at run time). A negative `max_boxes` counts as 0.
  }];
  let arguments = (ins NN_FloatTensor:$boxes, NN_FloatTensor:$scores, NN_IndexTensor:$max_boxes, NN_FloatTensor:$iou_threshold,
                       Optional<NN_FloatTensor>:$score_threshold, UnitAttr:$center_point_box);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = [{
    $boxes `,` $scores `max` $max_boxes `iou` $iou_threshold (`score` $score_threshold^ `:` type($score_threshold))? attr-dict `:`
    type($boxes) `,` type($scores) `,` type($max_boxes) `,` type($iou_threshold) `->` type($result)
  }];
}

def NN_UniqueRowsOp : NN_InferredOp<"unique_rows"> {
  let summary = "The different rows of a matrix";
  let description = [{
    `first` is where each of them is for the first time, `inverse` for each row of the input the number of the different row that it is, `counts` how
    often each occurs. Different rows are in the order of their elements (NaN is larger than every number, and equal to NaN), or with `by_place`
    in that of `first`.
  }];
  let arguments = (ins NN_NumericTensor:$input, UnitAttr:$by_place);
  let results = (outs NN_IndexTensor:$first, NN_IndexTensor:$inverse, NN_IndexTensor:$counts);
  let assemblyFormat = [{
    $input (`by_place` $by_place^)? attr-dict `:` type($input) `->` type($first) `,` type($inverse) `,` type($counts)
  }];
}

def NN_CumulateOp : NN_InferredOp<"cumulate"> {
  let summary = "Each element combined with all before it along an axis";
  let description = [{
    `kind` is "sum" or "prod". `exclusive` leaves the element itself out (the first is 0 or 1), `reverse` goes from the end. f16 and bf16 are accumulated in f32.
    (C1) `axis` has one element, in [-rank, rank) (checked at run time where it is not known).
  }];
  let arguments = (ins NN_NumericTensor:$input, NN_IndexTensor:$axis, StrAttr:$kind, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = [{
    $kind $input `axis` $axis (`exclusive` $exclusive^)? (`reverse` $reverse^)? attr-dict `:` type($input) `,` type($axis) `->` type($result)
  }];
}

#endif // NNCC_DIALECT_NN_IR_SELECTION_TD
