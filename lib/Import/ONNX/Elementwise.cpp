//===- Elementwise.cpp - import of ONNX's elementwise operators -----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "Chain.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

template <typename OpTy> static LogicalResult importUnary(NodeImporter &node) {
  return node.becomes<OpTy>(node.input(0));
}

template <typename OpTy> static LogicalResult importBinary(NodeImporter &node) {
  return node.becomes<OpTy>(node.input(0), node.input(1));
}

/// Before version 7, only with `broadcast` set does the second operand broadcast, and its dims stand from `axis` on (at
/// the end when there is no axis): trailing ones make NumPy's rules of it.
template <typename OpTy> static LogicalResult importUnidirectional(NodeImporter &node) {
  Value rhs = node.input(1);
  int64_t rank = node.inputType(0).getRank(), rhsRank = node.inputType(1).getRank();
  if (node.intAttr("broadcast") && node.hasAttr("axis")) {
    int64_t axis = node.intAttr("axis");
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis > rank - rhsRank)
      return node.error("axis " + Twine(node.intAttr("axis")) + " leaves no room for an operand of rank " +
                        Twine(rhsRank) + " in one of rank " + Twine(rank));
    SmallVector<int64_t> shape(rhsRank, 0); // 0 keeps a size
    shape.append(rank - rhsRank - axis, 1);
    FailureOr<nn::ReshapeOp> reshaped = node.create<nn::ReshapeOp>(rhs, node.constantInts(shape));
    if (failed(reshaped))
      return failure();
    rhs = *reshaped;
  }
  return node.becomes<OpTy>(node.input(0), rhs);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Compositions
//===----------------------------------------------------------------------------------------------------------------------===//

static LogicalResult importClipAttributes(NodeImporter &node) {
  Chain x(node, node.input(0));
  if (node.hasAttr("min"))
    x = x.with<nn::MaxOp>(double(node.floatAttr("min")));
  if (node.hasAttr("max"))
    x = x.with<nn::MinOp>(double(node.floatAttr("max")));
  return x.becomesOutput();
}

static LogicalResult importClip(NodeImporter &node) {
  Chain x(node, node.input(0));
  if (node.hasInput(1))
    x = x.with<nn::MaxOp>(node.input(1));
  if (node.hasInput(2))
    x = x.with<nn::MinOp>(node.input(2));
  return x.becomesOutput();
}

/// The input, and if it is of less than 32 bits, in f32: what an operator computes in several steps is rounded once, by `rounded`.
static Chain wideInput(NodeImporter &node) {
  Type element = node.inputType(0).getElementType();
  return Chain(node, node.input(0))
      .cast(element.getIntOrFloatBitWidth() < 32 ? Type(node.builder().getF32Type()) : element);
}

static Chain rounded(NodeImporter &node, Chain x) { return x.cast(node.inputType(0).getElementType()); }

/// x below zero: something else; x elsewhere, also for NaN.
static LogicalResult negativeBecomes(NodeImporter &node, Chain negative) {
  Chain x(node, node.input(0));
  return negative.where(x.with<nn::LessOp>(0.0), x).becomesOutput();
}

static LogicalResult importLeakyRelu(NodeImporter &node) {
  return negativeBecomes(node, Chain(node, node.input(0)).with<nn::MulOp>(double(node.floatAttr("alpha", 0.01f))));
}

/// Before version 7 the slope stands along the channels, or is one for all.
static LogicalResult importPReluOld(NodeImporter &node) {
  Value slope = node.input(1);
  int64_t rank = node.inputType(0).getRank();
  if (node.inputType(1).getRank() == 1 && node.inputType(1).getDimSize(0) != 1 && rank > 2) {
    SmallVector<int64_t> shape(rank - 1, 1);
    shape[0] = -1;
    FailureOr<nn::ReshapeOp> reshaped = node.create<nn::ReshapeOp>(slope, node.constantInts(shape));
    if (failed(reshaped))
      return failure();
    slope = *reshaped;
  }
  return negativeBecomes(node, Chain(node, node.input(0)).with<nn::MulOp>(slope));
}

static LogicalResult importPRelu(NodeImporter &node) {
  return negativeBecomes(node, Chain(node, node.input(0)).with<nn::MulOp>(node.input(1)));
}

/// alpha * (e^x - 1) of what is below zero; above, e^x may overflow and is not used.
static Chain exponentialBelowZero(NodeImporter &node, double alpha) {
  return wideInput(node).with<nn::MinOp>(0.0).apply<nn::ExpOp>().with<nn::SubOp>(1.0).with<nn::MulOp>(alpha);
}

static LogicalResult importElu(NodeImporter &node) {
  return negativeBecomes(node, rounded(node, exponentialBelowZero(node, node.floatAttr("alpha", 1))));
}

static LogicalResult importSelu(NodeImporter &node) {
  double alpha = node.floatAttr("alpha", 1.67326319217681884765625f),
         gamma = node.floatAttr("gamma", 1.05070102214813232421875f);
  Chain x = wideInput(node);
  Chain positive = x.with<nn::MulOp>(gamma), negative = exponentialBelowZero(node, alpha).with<nn::MulOp>(gamma);
  return rounded(node, negative.where(x.with<nn::LessOp>(0.0), positive)).becomesOutput();
}

static Chain hardSigmoid(NodeImporter &node, double alpha, double beta) {
  return Chain(node, node.input(0))
      .with<nn::MulOp>(alpha)
      .with<nn::AddOp>(beta)
      .with<nn::MaxOp>(0.0)
      .with<nn::MinOp>(1.0);
}

static LogicalResult importHardSigmoid(NodeImporter &node) {
  return hardSigmoid(node, node.floatAttr("alpha", 0.2f), node.floatAttr("beta", 0.5f)).becomesOutput();
}

static LogicalResult importGelu(NodeImporter &node) {
  std::string approximate = node.stringAttr("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return node.error("approximate is '" + approximate + "', not none or tanh");
  return node.becomes<nn::GeluOp>(node.builder().getStringAttr(approximate == "tanh" ? "tanh" : "erf"), node.input(0));
}

/// log(1 + e^x) as max(x, 0) + log1p(e^-|x|), which cannot overflow.
static LogicalResult importSoftplus(NodeImporter &node) {
  Chain x = wideInput(node);
  Chain tail = x.apply<nn::AbsOp>().apply<nn::NegOp>().apply<nn::ExpOp>().apply<nn::Log1pOp>();
  return rounded(node, x.with<nn::MaxOp>(0.0).with<nn::AddOp>(tail)).becomesOutput();
}

static LogicalResult importSoftsign(NodeImporter &node) {
  Chain x = wideInput(node);
  return rounded(node, x.with<nn::DivOp>(x.apply<nn::AbsOp>().with<nn::AddOp>(1.0))).becomesOutput();
}

static LogicalResult importThresholdedRelu(NodeImporter &node) {
  Chain x(node, node.input(0));
  Chain small = x.with<nn::LessEqualOp>(double(node.floatAttr("alpha", 1)));
  return Chain(node, node.constantScalar(node.inputType(0).getElementType(), 0)).where(small, x).becomesOutput();
}

/// The exponent may have another type than the base, whose type the result has.
static LogicalResult importPow(NodeImporter &node) {
  Type baseType = node.inputType(0).getElementType(), exponentType = node.inputType(1).getElementType();
  Chain base(node, node.input(0)), exponent(node, node.input(1));
  if (baseType == exponentType)
    return base.with<nn::PowOp>(exponent).becomesOutput();
  if (isa<FloatType>(baseType) || isa<IntegerType>(exponentType))
    return base.with<nn::PowOp>(exponent.cast(baseType)).becomesOutput();
  // A fractional power of an integer: what is exact in f64 stays exact.
  Type wide = node.builder().getF64Type();
  return base.cast(wide).with<nn::PowOp>(exponent.cast(wide)).cast(baseType).becomesOutput();
}

static LogicalResult importMod(NodeImporter &node) {
  bool truncated = node.intAttr("fmod") != 0;
  return node.becomes<nn::ModOp>(node.input(0), node.input(1), truncated ? node.builder().getUnitAttr() : UnitAttr());
}

template <typename OpTy> static LogicalResult importVariadic(NodeImporter &node) {
  SmallVector<Value> inputs = node.inputs();
  Chain result(node, inputs.front());
  for (Value input : ArrayRef<Value>(inputs).drop_front())
    result = result.with<OpTy>(input);
  return result.becomesOutput();
}

static LogicalResult importMean(NodeImporter &node) {
  SmallVector<Value> inputs = node.inputs();
  Chain result(node, inputs.front());
  for (Value input : ArrayRef<Value>(inputs).drop_front())
    result = result.with<nn::AddOp>(input);
  return result.with<nn::DivOp>(double(inputs.size())).becomesOutput();
}

/// x > y is y < x.
template <typename OpTy> static LogicalResult importSwapped(NodeImporter &node) {
  return node.becomes<OpTy>(node.input(1), node.input(0));
}

static LogicalResult importGreaterOld(NodeImporter &node) {
  if (node.intAttr("broadcast"))
    return node.unsupported("Greater of an opset before 7 with broadcasting");
  return importSwapped<nn::LessOp>(node);
}

static LogicalResult importBitShift(NodeImporter &node) {
  std::string direction = node.stringAttr("direction");
  if (direction == "LEFT")
    return importBinary<nn::ShiftLeftOp>(node);
  if (direction == "RIGHT")
    return importBinary<nn::ShiftRightOp>(node);
  return node.error("direction is '" + direction + "', not LEFT or RIGHT");
}

static LogicalResult importIsInf(NodeImporter &node) {
  return node.becomes<nn::IsInfOp>(node.input(0), node.intAttr("detect_positive", 1) != 0,
                                   node.intAttr("detect_negative", 1) != 0);
}

static LogicalResult importWhere(NodeImporter &node) {
  return node.becomes<nn::WhereOp>(node.input(0), node.input(1), node.input(2));
}

static LogicalResult becomesCast(NodeImporter &node, Type type) {
  return node.becomes<nn::CastOp>(node.input(0), type, node.intAttr("saturate", 1) != 0,
                                  node.stringAttr("round_mode", "up"));
}

static LogicalResult importCast(NodeImporter &node) {
  FailureOr<Type> type = node.elementTypeAttr("to");
  if (failed(type))
    return failure();
  return becomesCast(node, *type);
}

static LogicalResult importBitCast(NodeImporter &node) {
  FailureOr<Type> type = node.elementTypeAttr("to");
  return failed(type) ? failure() : node.becomes<nn::BitcastOp>(node.input(0), *type);
}

static LogicalResult importCastLike(NodeImporter &node) {
  return becomesCast(node, node.inputType(1).getElementType());
}

static LogicalResult importEqual(NodeImporter &node) {
  if (isa<nn::StringType>(node.inputType(0).getElementType()))
    return node.unsupported("a comparison of text");
  return importBinary<nn::EqualOp>(node);
}

void registerElementwise(ImportTable &table) {
  table.add({
      {"", "Neg", 1, importUnary<nn::NegOp>},
      {"", "Abs", 1, importUnary<nn::AbsOp>},
      {"", "Sign", 9, importUnary<nn::SignOp>},
      {"", "Relu", 1, importUnary<nn::ReluOp>},
      {"", "Not", 1, importUnary<nn::NotOp>},
      {"", "BitwiseNot", 18, importUnary<nn::NotOp>},
      {"", "Exp", 1, importUnary<nn::ExpOp>},
      {"", "Log", 1, importUnary<nn::LogOp>},
      {"", "Sqrt", 1, importUnary<nn::SqrtOp>},
      {"", "Reciprocal", 1, importUnary<nn::ReciprocalOp>},
      {"", "Erf", 9, importUnary<nn::ErfOp>},
      {"", "Sigmoid", 1, importUnary<nn::SigmoidOp>},
      {"", "Floor", 1, importUnary<nn::FloorOp>},
      {"", "Ceil", 1, importUnary<nn::CeilOp>},
      {"", "Round", 11, importUnary<nn::RoundOp>},
      {"", "Sin", 7, importUnary<nn::SinOp>},
      {"", "Cos", 7, importUnary<nn::CosOp>},
      {"", "Tan", 7, importUnary<nn::TanOp>},
      {"", "Asin", 7, importUnary<nn::AsinOp>},
      {"", "Acos", 7, importUnary<nn::AcosOp>},
      {"", "Atan", 7, importUnary<nn::AtanOp>},
      {"", "Sinh", 9, importUnary<nn::SinhOp>},
      {"", "Cosh", 9, importUnary<nn::CoshOp>},
      {"", "Tanh", 1, importUnary<nn::TanhOp>},
      {"", "Asinh", 9, importUnary<nn::AsinhOp>},
      {"", "Acosh", 9, importUnary<nn::AcoshOp>},
      {"", "Atanh", 9, importUnary<nn::AtanhOp>},
      {"", "IsNaN", 9, importUnary<nn::IsNaNOp>},
      {"", "Add", 1, importUnidirectional<nn::AddOp>},
      {"", "Add", 7, importBinary<nn::AddOp>},
      {"", "Sub", 1, importUnidirectional<nn::SubOp>},
      {"", "Sub", 7, importBinary<nn::SubOp>},
      {"", "Mul", 1, importUnidirectional<nn::MulOp>},
      {"", "Mul", 7, importBinary<nn::MulOp>},
      {"", "Div", 1, importUnidirectional<nn::DivOp>},
      {"", "Div", 7, importBinary<nn::DivOp>},
      {"", "And", 1, importUnidirectional<nn::AndOp>},
      {"", "And", 7, importBinary<nn::AndOp>},
      {"", "Or", 1, importUnidirectional<nn::OrOp>},
      {"", "Or", 7, importBinary<nn::OrOp>},
      {"", "Xor", 1, importUnidirectional<nn::XorOp>},
      {"", "Xor", 7, importBinary<nn::XorOp>},
      {"", "Equal", 1, importUnidirectional<nn::EqualOp>},
      {"", "Equal", 7, importEqual},
      {"", "Less", 1, importUnidirectional<nn::LessOp>},
      {"", "Less", 7, importBinary<nn::LessOp>},
      {"", "BitwiseAnd", 18, importBinary<nn::AndOp>},
      {"", "BitwiseOr", 18, importBinary<nn::OrOp>},
      {"", "BitwiseXor", 18, importBinary<nn::XorOp>},
      {"", "Greater", 1, importGreaterOld},
      {"", "Greater", 7, importSwapped<nn::LessOp>},
      {"", "LessOrEqual", 12, importBinary<nn::LessEqualOp>},
      {"", "GreaterOrEqual", 12, importSwapped<nn::LessEqualOp>},
      {"", "Pow", 1, importUnidirectional<nn::PowOp>},
      {"", "Pow", 7, importPow},
      {"", "Mod", 10, importMod},
      {"", "BitShift", 11, importBitShift},
      {"", "Max", 1, importVariadic<nn::MaxOp>},
      {"", "Min", 1, importVariadic<nn::MinOp>},
      {"", "Sum", 1, importVariadic<nn::AddOp>},
      {"", "Mean", 1, importMean},
      {"", "Clip", 1, importClipAttributes},
      {"", "Clip", 11, importClip},
      {"", "LeakyRelu", 1, importLeakyRelu},
      {"", "PRelu", 1, importPReluOld},
      {"", "PRelu", 7, importPRelu},
      {"", "Elu", 1, importElu},
      {"", "Selu", 1, importSelu},
      {"", "HardSigmoid", 1, importHardSigmoid},
      {"", "HardSwish", 14, importUnary<nn::HardSwishOp>},
      {"", "Gelu", 20, importGelu},
      {"", "Softplus", 1, importSoftplus},
      {"", "Softsign", 1, importSoftsign},
      {"", "ThresholdedRelu", 10, importThresholdedRelu},
      {"", "IsInf", 10, importIsInf},
      {"", "Where", 9, importWhere},
      {"", "Cast", 1, importCast},
      {"", "BitCast", 26, importBitCast},
      {"", "CastLike", 15, importCastLike},
  });
}

} // namespace nncc::import
