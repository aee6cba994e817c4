//===- Selection.cpp - import of sorting, searching and scattering ------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "Shapes.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

/// Elements are sorted whether or not the node asks for it: any order is right then.
static LogicalResult becomesTopK(NodeImporter &node, Value k) {
  return node.becomes<nn::TopKOp>(node.input(0), k, uint64_t(node.intAttr("axis", -1)),
                                  node.intAttr("largest", 1) == 0);
}

static LogicalResult importTopKWithAttribute(NodeImporter &node) {
  return becomesTopK(node, node.constantInts(node.intAttr("k")));
}

static LogicalResult importTopK(NodeImporter &node) { return becomesTopK(node, node.input(1)); }

static LogicalResult importNonZero(NodeImporter &node) { return node.becomes<nn::NonZeroOp>(node.input(0)); }

static LogicalResult importNonMaxSuppression(NodeImporter &node) {
  Type f32 = node.builder().getF32Type();
  Value maxBoxes = node.hasInput(2) ? node.input(2) : node.constantInts(0);
  Value iouThreshold = node.hasInput(3) ? node.input(3) : node.constantScalar(f32, 0);
  return node.becomes<nn::NonMaxSuppressionOp>(node.input(0), node.input(1), maxBoxes, iouThreshold, node.input(4),
                                               node.intAttr("center_point_box") != 0);
}

/// Sums and products so far.
static LogicalResult importCumulate(NodeImporter &node, StringRef kind) {
  OpBuilder &b = node.builder();
  auto flag = [&](StringRef name) { return node.intAttr(name) ? b.getUnitAttr() : UnitAttr(); };
  return node.becomes<nn::CumulateOp>(node.input(0), node.input(1), b.getStringAttr(kind), flag("exclusive"),
                                      flag("reverse"));
}

static LogicalResult importCumSum(NodeImporter &node) { return importCumulate(node, "sum"); }
static LogicalResult importCumProd(NodeImporter &node) { return importCumulate(node, "prod"); }

/// What is compared becomes the rows of a matrix: single elements, or slices along an axis, which comes first.
static LogicalResult importUnique(NodeImporter &node) {
  Value input = node.input(0), rows;
  int64_t rank = node.inputType(0).getRank(), axis = node.intAttr("axis");
  if (!node.hasAttr("axis")) {
    FailureOr<Value> flat = reshapeTo(node, input, SizeSource{-1, {}});
    FailureOr<Value> column =
        failed(flat) ? FailureOr<Value>(failure()) : reshapeTo(node, *flat, {SizeSource{0, *flat}, SizeSource{1, {}}});
    if (failed(column))
      return failure();
    input = *flat;
    rows = *column;
  } else {
    if (axis < -rank || axis >= rank)
      return node.error("axis " + Twine(axis) + " is not in [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
    axis += axis < 0 ? rank : 0;
    SmallVector<int64_t> permutation = {axis};
    for (int64_t i = 0; i < rank; ++i)
      if (i != axis)
        permutation.push_back(i);
    FailureOr<nn::TransposeOp> front = node.create<nn::TransposeOp>(input, ArrayRef<int64_t>(permutation));
    FailureOr<Value> matrix = failed(front) ? FailureOr<Value>(failure())
                                            : reshapeTo(node, *front, {SizeSource{axis, input}, SizeSource{-1, {}}});
    if (failed(matrix))
      return failure();
    rows = *matrix;
  }
  FailureOr<nn::UniqueRowsOp> unique = node.create<nn::UniqueRowsOp>(rows, node.intAttr("sorted", 1) == 0);
  if (failed(unique))
    return failure();
  FailureOr<nn::GatherOp> picked =
      node.create<nn::GatherOp>(input, unique->getFirst(), node.builder().getI64IntegerAttr(axis));
  if (failed(picked))
    return failure();
  node.setOutputs({*picked, unique->getFirst(), unique->getInverse(), unique->getCounts()});
  return success();
}

void registerSelection(ImportTable &table) {
  table.add({
      {"", "CumSum", 11, importCumSum},
      {"", "CumProd", 26, importCumProd},
      {"", "Unique", 11, importUnique},
      {"", "TopK", 1, importTopKWithAttribute},
      {"", "TopK", 10, importTopK},
      {"", "NonZero", 9, importNonZero},
      {"", "NonMaxSuppression", 10, importNonMaxSuppression},
  });
}

} // namespace nncc::import
