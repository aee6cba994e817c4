//===- Elementwise.td - one result element from one element of each operand --------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_ELEMENTWISE_TD
#define NNCC_DIALECT_NN_IR_ELEMENTWISE_TD

include "nncc/Dialect/NN/IR/NNBase.td"

//===----------------------------------------------------------------------------------------------------------------------===//
// One operand: the result has the operand's type
//===----------------------------------------------------------------------------------------------------------------------===//

class NN_UnaryOp<string mnemonic, string text, Type tensor = NN_FloatTensor> : NN_InferredOp<mnemonic> {
  let summary = text;
  let arguments = (ins tensor:$input);
  let results = (outs tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>, Adaptor op,
                                                      ::llvm::SmallVectorImpl<::mlir::Type> &results) {
      results.push_back(op.getInput().getType());
      return ::mlir::success();
    }
  }];
}

def NN_NegOp : NN_UnaryOp<"neg", "-x; of an integer modulo 2^n", NN_NumericTensor>;
def NN_AbsOp : NN_UnaryOp<"abs", "|x|; the smallest integer stays itself", NN_NumericTensor>;
def NN_SignOp : NN_UnaryOp<"sign", "-1, 0 or 1; of NaN NaN", NN_NumericTensor>;
def NN_ReluOp : NN_UnaryOp<"relu", "max(x, 0); NaN stays NaN", NN_NumericTensor>;
def NN_NotOp : NN_UnaryOp<"not", "All bits flipped; of i1 the logical not", NN_IntTensor>;

def NN_ExpOp : NN_UnaryOp<"exp", "e^x">;
def NN_LogOp : NN_UnaryOp<"log", "Natural logarithm; -inf at 0, NaN below">;
def NN_Log1pOp : NN_UnaryOp<"log1p", "log(1 + x), accurate near 0">;
def NN_SqrtOp : NN_UnaryOp<"sqrt", "Square root, correctly rounded; NaN below 0">;
def NN_ReciprocalOp : NN_UnaryOp<"reciprocal", "1 / x, correctly rounded">;
def NN_ErfOp : NN_UnaryOp<"erf", "Error function">;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", "1 / (1 + e^-x)">;
def NN_SiluOp : NN_UnaryOp<"silu", "x / (1 + e^-x)"> {
  let description = "f16 and bf16 are computed in f32.";
}
def NN_HardSwishOp : NN_UnaryOp<"hard_swish", "x * min(max(x / 6 + 1/2, 0), 1)"> {
  let description = "f16 and bf16 are computed in f32.";
}
def NN_FloorOp : NN_UnaryOp<"floor", "The next integer towards -inf">;
def NN_CeilOp : NN_UnaryOp<"ceil", "The next integer towards inf">;
def NN_RoundOp : NN_UnaryOp<"round", "The nearest integer, halves to even">;
def NN_SinOp : NN_UnaryOp<"sin", "Sine of radians">;
def NN_CosOp : NN_UnaryOp<"cos", "Cosine of radians">;
def NN_TanOp : NN_UnaryOp<"tan", "Tangent of radians">;
def NN_AsinOp : NN_UnaryOp<"asin", "Inverse sine">;
def NN_AcosOp : NN_UnaryOp<"acos", "Inverse cosine">;
def NN_AtanOp : NN_UnaryOp<"atan", "Inverse tangent">;
def NN_SinhOp : NN_UnaryOp<"sinh", "Hyperbolic sine">;
def NN_CoshOp : NN_UnaryOp<"cosh", "Hyperbolic cosine">;
def NN_TanhOp : NN_UnaryOp<"tanh", "Hyperbolic tangent">;
def NN_AsinhOp : NN_UnaryOp<"asinh", "Inverse hyperbolic sine">;
def NN_AcoshOp : NN_UnaryOp<"acosh", "Inverse hyperbolic cosine">;
def NN_AtanhOp : NN_UnaryOp<"atanh", "Inverse hyperbolic tangent">;

def NN_GeluOp : NN_InferredOp<"gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `kind` says which: "erf" is x / 2 * (1 + erf(x / sqrt(2))), "tanh" is x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))). f16 and bf16
    are computed in f32.
  }];
  let arguments = (ins StrAttr:$kind, NN_FloatTensor:$input);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
}

class NN_PredicateOp<string mnemonic, string text> : NN_InferredOp<mnemonic> {
  let summary = text;
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_BoolTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context, std::optional<::mlir::Location>, Adaptor op,
                                                      ::llvm::SmallVectorImpl<::mlir::Type> &results) {
      results.push_back(::nncc::nn::withElementType(op.getInput().getType(), ::mlir::IntegerType::get(context, 1)));
      return ::mlir::success();
    }
  }];
}
def NN_IsNaNOp : NN_PredicateOp<"is_nan", "Whether x is NaN">;
def NN_IsInfOp : NN_PredicateOp<"is_inf", "Whether x is inf (`positive`) or -inf (`negative`)"> {
  let arguments = (ins NN_FloatTensor:$input, DefaultValuedAttr<BoolAttr, "true">:$positive,
                       DefaultValuedAttr<BoolAttr, "true">:$negative);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Two operands of one element type that broadcast against each other (NumPy rules)
//===----------------------------------------------------------------------------------------------------------------------===//

class NN_BinaryOp<string mnemonic, string text, Type tensor = NN_NumericTensor> : NN_InferredOp<mnemonic> {
  let summary = text;
  let arguments = (ins tensor:$lhs, tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location> loc, Adaptor op,
                                                      ::llvm::SmallVectorImpl<::mlir::Type> &results) {
      return ::nncc::nn::inferBroadcast(loc, op.getOperands(), op.getOperands(), {}, results);
    }
  }];
}

def NN_AddOp : NN_BinaryOp<"add", "x + y; of integers modulo 2^n">;
def NN_SubOp : NN_BinaryOp<"sub", "x - y; of integers modulo 2^n">;
def NN_MulOp : NN_BinaryOp<"mul", "x * y; of integers modulo 2^n">;
def NN_DivOp : NN_BinaryOp<"div", "x / y; of integers rounded towards zero"> {
  let description = [{
    (C1) Integer division by zero gives 0, and the smallest integer divided by -1 gives itself: a model cannot trap.
  }];
}
def NN_ModOp : NN_BinaryOp<"mod", "Remainder of x / y, with the sign of y, or of x with `truncated`"> {
  let arguments = (ins NN_NumericTensor:$lhs, NN_NumericTensor:$rhs, UnitAttr:$truncated);
  let description = "(C1) An integer modulo zero gives 0.";
}
def NN_PowOp : NN_BinaryOp<"pow", "x ^ y"> {
  let description = "Of integers modulo 2^n; a negative exponent gives 0 unless x is 1 or -1 (x = 0 too: a model cannot trap).";
}
def NN_MaxOp : NN_BinaryOp<"max", "The larger; NaN when either is">;
def NN_MinOp : NN_BinaryOp<"min", "The smaller; NaN when either is">;
def NN_AndOp : NN_BinaryOp<"and", "Bitwise (of i1 logical) and", NN_IntTensor>;
def NN_OrOp : NN_BinaryOp<"or", "Bitwise (of i1 logical) or", NN_IntTensor>;
def NN_XorOp : NN_BinaryOp<"xor", "Bitwise (of i1 logical) exclusive or", NN_IntTensor>;
def NN_ShiftLeftOp : NN_BinaryOp<"shift_left", "x << y; 0 when y is not below the width", NN_IntTensor>;
def NN_ShiftRightOp : NN_BinaryOp<"shift_right", "x >> y, of signed integers with the sign; 0 or the sign when y is not below the width", NN_IntTensor>;

class NN_CompareOp<string mnemonic, string text> : NN_BinaryOp<mnemonic, text, NN_Tensor> {
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context, std::optional<::mlir::Location> loc, Adaptor op,
                                                      ::llvm::SmallVectorImpl<::mlir::Type> &results) {
      return ::nncc::nn::inferBroadcast(loc, op.getOperands(), op.getOperands(), ::mlir::IntegerType::get(context, 1), results);
    }
  }];
}
def NN_EqualOp : NN_CompareOp<"equal", "x == y as i1; false when either is NaN">;
def NN_LessOp : NN_CompareOp<"less", "x < y as i1; false when either is NaN">;
def NN_LessEqualOp : NN_CompareOp<"less_equal", "x <= y as i1; false when either is NaN">;

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
    (C4) f8E8M0FNU has powers of two alone: `rounding` ("up", "down", "nearest") says which one counts, and the sign is lost.
  }];
  let arguments = (ins NN_Tensor:$input, TypeAttr:$to, DefaultValuedAttr<BoolAttr, "true">:$saturate,
                       DefaultValuedAttr<StrAttr, "\"up\"">:$rounding);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}

def NN_BitcastOp : NN_InferredOp<"bitcast"> {
  let summary = "The same bits as elements of another type of the same width";
  let description = "(C1) The widths are the same; a boolean is a byte, and whatever is not 0 is true.";
  let arguments = (ins NN_NumericTensor:$input, TypeAttr:$to);
  let results = (outs NN_NumericTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
}

#endif // NNCC_DIALECT_NN_IR_ELEMENTWISE_TD
