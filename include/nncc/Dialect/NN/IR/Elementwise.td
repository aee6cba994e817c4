//===- Elementwise.td - one result element from one element of each operand --------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_ELEMENTWISE_TD
#define NNCC_DIALECT_NN_IR_ELEMENTWISE_TD

include "nncc/Dialect/NN/IR/NNBase.td"

//===----------------------------------------------------------------------------------------------------------------------===//
// One operand: the result has the operand's type
//===----------------------------------------------------------------------------------------------------------------------===//

class NN_UnaryOp<string mnemonic, Type tensor, list<Trait> traits = []> : NN_InferredOp<mnemonic, traits> {
  let arguments = (ins tensor:$input);
  let results = (outs tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

def NN_NegOp : NN_UnaryOp<"neg", NN_NumericTensor> { let summary = "-x; of an integer modulo 2^n"; }
def NN_AbsOp : NN_UnaryOp<"abs", NN_NumericTensor> { let summary = "|x|"; }
def NN_ExpOp : NN_UnaryOp<"exp", NN_FloatTensor> { let summary = "e^x"; }
def NN_TanhOp : NN_UnaryOp<"tanh", NN_FloatTensor> { let summary = "Hyperbolic tangent"; }
def NN_SqrtOp : NN_UnaryOp<"sqrt", NN_FloatTensor> { let summary = "Square root, correctly rounded; NaN below 0"; }
def NN_ReluOp : NN_UnaryOp<"relu", NN_NumericTensor> { let summary = "max(x, 0); NaN stays NaN"; }
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", NN_FloatTensor> { let summary = "1 / (1 + e^-x)"; }

//===----------------------------------------------------------------------------------------------------------------------===//
// Two operands that broadcast against each other (NumPy rules)
//===----------------------------------------------------------------------------------------------------------------------===//

class NN_BinaryOp<string mnemonic, Type tensor, list<Trait> traits = []> : NN_InferredOp<mnemonic, traits> {
  let arguments = (ins tensor:$lhs, tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def NN_AddOp : NN_BinaryOp<"add", NN_NumericTensor> { let summary = "x + y; of integers modulo 2^n"; }
def NN_SubOp : NN_BinaryOp<"sub", NN_NumericTensor> { let summary = "x - y; of integers modulo 2^n"; }
def NN_MulOp : NN_BinaryOp<"mul", NN_NumericTensor> { let summary = "x * y; of integers modulo 2^n"; }
def NN_DivOp : NN_BinaryOp<"div", NN_NumericTensor> {
  let summary = "x / y; of integers rounded towards zero";
  let description = [{
    (C1) Integer division by zero gives 0, and the smallest integer divided by -1 gives itself: a model cannot trap.
  }];
}
def NN_LessOp : NN_BinaryOp<"less", NN_NumericTensor> { let summary = "x < y as i1; false when either is NaN"; }

//===----------------------------------------------------------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------------------------------------------------------===//

def NN_WhereOp : NN_InferredOp<"where"> {
  let summary = "x where the condition is true, else y; all three broadcast";
  let arguments = (ins NN_BoolTensor:$condition, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs attr-dict `:` type($condition) `,` type($lhs) `,` type($rhs) `->` type($result)
  }];
}

def NN_CastOp : NN_InferredOp<"cast"> {
  let summary = "Each element converted to another type";
  let description = [{
    (C1) Float to integer rounds towards zero; what does not fit, and NaN, gives the value that x86's conversion gives for 32 and 64
    bits, truncated for narrower types, the same on every CPU.
    (C2) Integer to integer keeps the low bits. To i1: true where not zero (NaN is true).
    (C3) To float rounds to nearest even. `saturate` says what float8 types do beyond their range (the largest value, or inf / NaN).
  }];
  let arguments = (ins NN_Tensor:$input, TypeAttr:$to, DefaultValuedAttr<BoolAttr, "true">:$saturate);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

#endif // NNCC_DIALECT_NN_IR_ELEMENTWISE_TD
