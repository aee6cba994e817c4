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

#endif // NNCC_DIALECT_NN_IR_TENSOR_TD
