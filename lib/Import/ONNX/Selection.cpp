//===- Selection.cpp - import of sorting, searching and scattering ------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
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

void registerSelection(ImportTable &table) {
  table.add({
      {"", "TopK", 1, importTopKWithAttribute},
      {"", "TopK", 10, importTopK},
      {"", "NonZero", 9, importNonZero},
      {"", "NonMaxSuppression", 10, importNonMaxSuppression},
  });
}

} // namespace nncc::import
