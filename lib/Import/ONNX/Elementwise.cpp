//===- Elementwise.cpp - import of ONNX's elementwise operators -----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Elementwise.h"
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

static LogicalResult importWhere(NodeImporter &node) {
  return node.becomes<nn::WhereOp>(node.input(0), node.input(1), node.input(2));
}

static LogicalResult importCast(NodeImporter &node) {
  FailureOr<Type> type = node.elementTypeAttr("to");
  if (failed(type))
    return failure();
  return node.becomes<nn::CastOp>(node.input(0), *type, node.intAttr("saturate", 1) != 0);
}

void registerElementwise(ImportTable &table) {
  table.add({
      {"", "Neg", 1, importUnary<nn::NegOp>},
      {"", "Abs", 1, importUnary<nn::AbsOp>},
      {"", "Exp", 1, importUnary<nn::ExpOp>},
      {"", "Tanh", 1, importUnary<nn::TanhOp>},
      {"", "Sqrt", 1, importUnary<nn::SqrtOp>},
      {"", "Relu", 1, importUnary<nn::ReluOp>},
      {"", "Sigmoid", 1, importUnary<nn::SigmoidOp>},
      {"", "Add", 1, importUnidirectional<nn::AddOp>},
      {"", "Add", 7, importBinary<nn::AddOp>},
      {"", "Sub", 1, importUnidirectional<nn::SubOp>},
      {"", "Sub", 7, importBinary<nn::SubOp>},
      {"", "Mul", 1, importUnidirectional<nn::MulOp>},
      {"", "Mul", 7, importBinary<nn::MulOp>},
      {"", "Div", 1, importUnidirectional<nn::DivOp>},
      {"", "Div", 7, importBinary<nn::DivOp>},
      {"", "Less", 1, importUnidirectional<nn::LessOp>},
      {"", "Less", 7, importBinary<nn::LessOp>},
      {"", "Where", 9, importWhere},
      {"", "Cast", 1, importCast},
  });
}

} // namespace nncc::import
