//===- MatMul.cpp - import of ONNX's matrix products ----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

/// A row or column vector of a 1-D operand: MatMul adds the dim and removes it from the result.
static FailureOr<Value> asMatrix(NodeImporter &node, Value value, bool row) {
  RankedTensorType type = nn::typeOf(value);
  if (type.getRank() != 1)
    return value;
  SmallVector<int64_t> shape = row ? SmallVector<int64_t>{1, -1} : SmallVector<int64_t>{-1, 1};
  FailureOr<nn::ReshapeOp> reshaped = node.create<nn::ReshapeOp>(value, node.constantInts(shape));
  if (failed(reshaped))
    return failure();
  return Value(*reshaped);
}

/// Products of small integers are i32; ONNX's MatMul and Gemm give the operands' type, modulo its width.
static FailureOr<Value> multiply(NodeImporter &node, Value lhs, Value rhs) {
  Type elementType = nn::typeOf(lhs).getElementType();
  FailureOr<nn::MatMulOp> product = node.create<nn::MatMulOp>(lhs, rhs);
  if (failed(product))
    return failure();
  if (nn::typeOf(*product).getElementType() == elementType)
    return Value(*product);
  FailureOr<nn::CastOp> cast = node.create<nn::CastOp>(*product, elementType, /*saturate=*/true);
  return failed(cast) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*cast));
}

static LogicalResult importMatMul(NodeImporter &node) {
  Value lhs = node.input(0), rhs = node.input(1);
  int64_t lhsRank = nn::typeOf(lhs).getRank(), rhsRank = nn::typeOf(rhs).getRank();
  if (!lhsRank || !rhsRank)
    return node.error("needs operands of at least one dim");
  FailureOr<Value> left = asMatrix(node, lhs, /*row=*/true), right = asMatrix(node, rhs, /*row=*/false);
  if (failed(left) || failed(right))
    return failure();
  FailureOr<Value> product = multiply(node, *left, *right);
  if (failed(product))
    return failure();
  if (lhsRank > 1 && rhsRank > 1) {
    node.setOutput(0, *product);
    return success();
  }
  // Drop the dims that were added: 0 keeps a size, so the last dims are what changes.
  int64_t rank = nn::typeOf(*product).getRank();
  if (lhsRank == 1 && rhsRank == 1)
    return node.becomes<nn::ReshapeOp>(*product, node.constantInts({}));
  SmallVector<int64_t> shape(rank - 2, 0);
  shape.push_back(-1);
  return node.becomes<nn::ReshapeOp>(*product, node.constantInts(shape));
}

static FailureOr<Value> transposed(NodeImporter &node, Value matrix, bool transpose) {
  if (!transpose)
    return matrix;
  FailureOr<nn::TransposeOp> result = node.create<nn::TransposeOp>(matrix, ArrayRef<int64_t>{1, 0});
  if (failed(result))
    return failure();
  return Value(*result);
}

/// Multiplies by a factor other than 1.
static FailureOr<Value> scaled(NodeImporter &node, Value value, float factor) {
  Type elementType = nn::typeOf(value).getElementType();
  if (factor == 1)
    return value;
  if (isa<IntegerType>(elementType) && factor != int64_t(factor))
    return node.error("alpha and beta must be whole numbers for integers");
  FailureOr<nn::MulOp> product = node.create<nn::MulOp>(value, node.constantScalar(elementType, factor));
  if (failed(product))
    return failure();
  return Value(*product);
}

/// alpha * A' * B' + beta * C.
static LogicalResult importGemm(NodeImporter &node) {
  if (node.inputType(0).getRank() != 2 || node.inputType(1).getRank() != 2)
    return node.error("needs two matrices");
  FailureOr<Value> lhs = transposed(node, node.input(0), node.intAttr("transA") != 0);
  FailureOr<Value> rhs = transposed(node, node.input(1), node.intAttr("transB") != 0);
  if (failed(lhs) || failed(rhs))
    return failure();
  FailureOr<Value> product = multiply(node, *lhs, *rhs);
  if (failed(product))
    return failure();
  FailureOr<Value> result = scaled(node, *product, node.floatAttr("alpha", 1));
  if (failed(result))
    return failure();
  if (!node.hasInput(2)) {
    node.setOutput(0, *result);
    return success();
  }
  FailureOr<Value> addend = scaled(node, node.input(2), node.floatAttr("beta", 1));
  if (failed(addend))
    return failure();
  return node.becomes<nn::AddOp>(*result, *addend);
}

void registerMatMul(ImportTable &table) {
  table.add({
      {"", "MatMul", 1, importMatMul},
      {"", "Gemm", 1, importGemm},
  });
}

} // namespace nncc::import
