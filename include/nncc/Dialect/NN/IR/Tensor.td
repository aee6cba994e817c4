//===- Tensor.td - constants, weights, and the movement of data --------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_TENSOR_TD
#define NNCC_DIALECT_NN_IR_TENSOR_TD

include "nncc/Dialect/NN/IR/NNBase.td"

def NN_ConstantOp : NN_InferredOp<"constant", [ConstantLike]> {
  let summary = "A tensor whose elements are in the IR";
  let description = "For shapes, axes, scalars, and tensors that no file holds as they are. Weights in files are `nn.weight`.";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def NN_WeightOp : NN_Op<"weight"> {
  let summary = "A constant tensor whose bytes are in a file";
  let description = [{
    `length` bytes from `offset` of `file` (a path relative to the model's directory, or the model itself), row-major, little endian.
    They are mapped, never copied into the IR.
    (C1) The type is static and needs exactly `length` bytes.
  }];
  let arguments = (ins StrAttr:$file, I64Attr:$offset, I64Attr:$length);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$file `[` $offset `,` $length `]` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def NN_FoldedOp : NN_Op<"folded"> {
  let summary = "A constant that is computed while compiling: result `index` of the function @weights";
  let description = [{
    What depends on constants alone is moved to the function `@weights`, which nncc compiles, runs while compiling, and whose results
    become the weights of the object. `@main` names them by their number.
  }];
  let arguments = (ins I64Attr:$index);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$index attr-dict `:` type($result)";
}

def NN_ShapeOfOp : NN_InferredOp<"shape_of"> {
  let summary = "The sizes of the operand's dims, as a 1-D i64 tensor";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def NN_DropAxesOp : NN_InferredOp<"drop_axes"> {
  let summary = "A shape without the sizes of some axes";
  let description = "(C1) Axes are distinct and in [-rank, rank) (checked at run time).";
  let arguments = (ins NN_IndexTensor:$shape, NN_IndexTensor:$axes);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = "$shape `,` $axes attr-dict `:` type($shape) `,` type($axes) `->` type($result)";
}

def NN_InsertAxesOp : NN_InferredOp<"insert_axes"> {
  let summary = "A shape with sizes of 1 put in, so that they stand at the given axes of the result";
  let description = "(C1) Axes are distinct and in [-rank, rank) of the result (checked at run time).";
  let arguments = (ins NN_IndexTensor:$shape, NN_IndexTensor:$axes);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = "$shape `,` $axes attr-dict `:` type($shape) `,` type($axes) `->` type($result)";
}

def NN_ReshapeOp : NN_InferredOp<"reshape"> {
  let summary = "The same elements in row-major order under another shape";
  let description = [{
    `shape` is a 1-D integer tensor, known or computed at run time; one entry may be -1 (what is left). With `allowzero` false, 0
    keeps the input's size of that dim.
    (C1) The number of elements stays the same (checked at run time where it is not known).
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$shape, DefaultValuedAttr<BoolAttr, "false">:$allowzero);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $shape attr-dict `:` type($input) `,` type($shape) `->` type($result)";
}

def NN_TransposeOp : NN_InferredOp<"transpose"> {
  let summary = "Dim `i` of the result is dim `permutation[i]` of the operand";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
}

def NN_ConcatOp : NN_InferredOp<"concat"> {
  let summary = "The operands one after the other along `axis`";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs) `->` type($result)";
}

def NN_FullOp : NN_InferredOp<"full"> {
  let summary = "A tensor of the given shape, filled with one value";
  let arguments = (ins NN_IndexTensor:$shape, NN_Tensor:$value);
  let results = (outs NN_Tensor:$result);
  let description = "`value` has one element. (C1) No size is negative (checked at run time where it is not known).";
  let assemblyFormat = "$shape `,` $value attr-dict `:` type($shape) `,` type($value) `->` type($result)";
}

def NN_ExpandOp : NN_InferredOp<"expand"> {
  let summary = "The operand broadcast against a shape";
  let description = "Both ways, as NumPy broadcasts: where `shape` says 1, or has fewer dims, the operand's size stays.";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$shape);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $shape attr-dict `:` type($input) `,` type($shape) `->` type($result)";
}

def NN_TileOp : NN_InferredOp<"tile"> {
  let summary = "The operand repeated along each dim";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$repeats);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $repeats attr-dict `:` type($input) `,` type($repeats) `->` type($result)";
}

def NN_RangeOp : NN_InferredOp<"range"> {
  let summary = "start, start + delta, .. before limit";
  let description = "max(ceil((limit - start) / delta), 0) elements. (C1) delta is not 0 (checked at run time: the result is empty then).";
  let arguments = (ins NN_Tensor:$start, NN_Tensor:$limit, NN_Tensor:$delta);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $start `,` $limit `,` $delta attr-dict `:` type($start) `,` type($limit) `,` type($delta) `->` type($result)
  }];
}

def NN_SliceOp : NN_InferredOp<"slice"> {
  let summary = "Every step-th element from start to before end, along some axes";
  let description = [{
    As NumPy slices: negative starts and ends count from the back, both are clamped to the dim, steps may be negative but not 0. `starts`,
    `ends` and `steps` have one entry for each of `axes`.
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$starts, NN_IndexTensor:$ends, NN_IndexTensor:$steps, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $starts `,` $ends `,` $steps `axes` $axes attr-dict `:` type($input) `,` type($starts) `,` type($ends) `,` type($steps)
    `->` type($result)
  }];
}


def NN_PadOp : NN_InferredOp<"pad"> {
  let summary = "Elements added (or, where negative, removed) before and behind each dim";
  let description = [{
    `pads` has all begins, then all ends, for all dims. `mode` says what is added: "constant" (`value`, one element, zero if absent), "reflect"
    (mirrored at the edge, without it), "edge" (the edge again), "wrap" (from the other end).
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$pads, Optional<NN_Tensor>:$value, StrAttr:$mode);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $pads (`value` $value^ `:` type($value))? $mode attr-dict `:` type($input) `,` type($pads) `->` type($result)
  }];
}

def NN_GatherOp : NN_InferredOp<"gather"> {
  let summary = "Slices of the operand along `axis`, picked by indices";
  let description = [{
    The result's shape is that of `input` with dim `axis` replaced by the shape of `indices`. Negative indices count from the back.
    (C1) Indices are in range (checked at run time: the run ends with a status).
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $indices `axis` $axis attr-dict `:` type($input) `,` type($indices) `->` type($result)";
}

def NN_GatherElementsOp : NN_InferredOp<"gather_elements"> {
  let summary = "For each index the operand's element at the same place, but at the index along `axis`";
  let description = "Negative indices count from the back. (C1) Indices are in range (checked at run time).";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $indices `axis` $axis attr-dict `:` type($input) `,` type($indices) `->` type($result)";
}

def NN_GatherNDOp : NN_InferredOp<"gather_nd"> {
  let summary = "Slices of the operand, picked by index tuples";
  let description = [{
    The last dim of `indices` (known) holds tuples that index the dims behind `batch_dims` of the operand; what is left of the operand follows.
    (C1) Indices are in range (checked at run time).
  }];
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$indices, I64Attr:$batch_dims);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $indices `batch` $batch_dims attr-dict `:` type($input) `,` type($indices) `->` type($result)";
}

class NN_ScatterOp<string mnemonic, dag extra> : NN_InferredOp<mnemonic> {
  let arguments = !con((ins NN_Tensor:$input, NN_IndexTensor:$indices, NN_Tensor:$updates, StrAttr:$reduction), extra);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices `,` $updates $reduction attr-dict `:` type($input) `,` type($indices) `,` type($updates) `->` type($result)
  }];
}
def NN_ScatterElementsOp : NN_ScatterOp<"scatter_elements", (ins I64Attr:$axis)> {
  let summary = "The operand with elements replaced or combined: the inverse of gather_elements";
  let description = [{
    `reduction` is "none", "add", "mul", "max" or "min". Updates to one element are applied in the order of the indices. (C1) Indices are in
    range (checked at run time).
  }];
}
def NN_ScatterNDOp : NN_ScatterOp<"scatter_nd", (ins)> {
  let summary = "The operand with slices replaced or combined: the inverse of gather_nd without batch dims";
  let description = "As scatter_elements.";
}

def NN_ReverseSequenceOp : NN_InferredOp<"reverse_sequence"> {
  let summary = "The first elements along one axis in reverse, as many as `lengths` says for each element of another axis";
  let description = "(C1) Lengths are between 0 and the size of the axis (checked at run time).";
  let arguments = (ins NN_Tensor:$input, NN_IndexTensor:$lengths, I64Attr:$time_axis, I64Attr:$batch_axis);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input `,` $lengths `time` $time_axis `batch` $batch_axis attr-dict `:` type($input) `,` type($lengths) `->` type($result)";
}

#endif // NNCC_DIALECT_NN_IR_TENSOR_TD
