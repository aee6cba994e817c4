//===- Tensor.cpp - import of ONNX's constants and movement of data -------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nncc::import {

/// Exactly one of seven attributes holds the value.
static LogicalResult importConstant(NodeImporter &node) {
  Builder &b = node.builder();
  int64_t given = 0;
  for (StringRef name : {"value", "sparse_value", "value_int", "value_ints", "value_float", "value_floats",
                         "value_string", "value_strings"})
    given += node.hasAttr(name);
  if (given != 1)
    return node.error("needs exactly one value, has " + Twine(given));
  for (StringRef name : {"value", "sparse_value"})
    if (node.hasAttr(name)) {
      FailureOr<Value> value = node.tensorValue(name);
      if (succeeded(value))
        node.setOutput(0, *value);
      return success(succeeded(value));
    }
  if (node.hasAttr("value_float") || node.hasAttr("value_floats")) {
    auto floats = node.floatsAttr("value_floats");
    auto type = floats ? RankedTensorType::get({int64_t(floats->size())}, b.getF32Type())
                       : RankedTensorType::get({}, b.getF32Type());
    float single = node.floatAttr("value_float");
    node.setOutput(0,
                   node.constant(DenseElementsAttr::get(type, floats ? ArrayRef<float>(*floats) : ArrayRef(single))));
    return success();
  }
  if (node.hasAttr("value_int") || node.hasAttr("value_ints")) {
    auto ints = node.intsAttr("value_ints");
    node.setOutput(0, ints ? node.constantInts(*ints) : node.constantInt(b.getI64Type(), node.intAttr("value_int")));
    return success();
  }
  SmallVector<std::string> texts = node.stringsAttr("value_strings").value_or(SmallVector<std::string>{});
  SmallVector<int64_t> shape;
  if (node.hasAttr("value_string"))
    texts.push_back(node.stringAttr("value_string"));
  else
    shape.push_back(texts.size());
  SmallVector<StringRef> views(texts.begin(), texts.end());
  auto type = RankedTensorType::get(shape, nn::StringType::get(b.getContext()));
  node.setOutput(0, node.constant(DenseStringElementsAttr::get(type, views)));
  return success();
}

static LogicalResult importIdentity(NodeImporter &node) {
  node.setOutput(0, node.input(0));
  return success();
}

static LogicalResult importReshapeWithAttribute(NodeImporter &node) {
  return node.becomes<nn::ReshapeOp>(node.input(0),
                                     node.constantInts(node.intsAttr("shape").value_or(SmallVector<int64_t>{})));
}

static LogicalResult importReshape(NodeImporter &node) {
  RankedTensorType shape = node.inputType(1);
  if (shape.getRank() == 1 && shape.isDynamicDim(0))
    return node.unsupported("a shape whose length is known only at run time");
  return node.becomes<nn::ReshapeOp>(node.input(0), node.input(1), node.intAttr("allowzero") != 0);
}

static LogicalResult importTranspose(NodeImporter &node) {
  auto permutation = node.intsAttr("perm");
  if (!permutation) { // reversed dims
    permutation = llvm::to_vector(llvm::seq<int64_t>(0, node.inputType(0).getRank()));
    std::reverse(permutation->begin(), permutation->end());
  }
  return node.becomes<nn::TransposeOp>(node.input(0), ArrayRef<int64_t>(*permutation));
}

static LogicalResult importConcat(NodeImporter &node) {
  return node.becomes<nn::ConcatOp>(node.inputs(), node.intAttr("axis", 1)); // the default of version 1
}

/// The sizes of dims start to end, clamped as a slice.
static LogicalResult importShape(NodeImporter &node) {
  int64_t rank = node.inputType(0).getRank(), start = node.intAttr("start"), end = node.intAttr("end", rank);
  auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  start = clamp(start);
  end = node.hasAttr("end") ? clamp(end) : rank;
  if (start == 0 && end == rank)
    return node.becomes<nn::ShapeOfOp>(node.input(0));
  FailureOr<nn::ShapeOfOp> shape = node.create<nn::ShapeOfOp>(node.input(0));
  if (failed(shape))
    return failure();
  return node.becomes<nn::SliceOp>(*shape, node.constantInts(start), node.constantInts(std::max(start, end)),
                                   node.constantInts(1), node.builder().getDenseI64ArrayAttr(0));
}

void registerTensor(ImportTable &table) {
  table.add({
      {"", "Constant", 1, importConstant},
      {"", "Identity", 1, importIdentity},
      {"", "Reshape", 1, importReshapeWithAttribute},
      {"", "Reshape", 5, importReshape},
      {"", "Transpose", 1, importTranspose},
      {"", "Concat", 1, importConcat},
      {"", "Shape", 1, importShape},
  });
}

} // namespace nncc::import
