//===- Convolution.cpp - import of ONNX's convolutions --------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "Windows.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

static LogicalResult importConv(NodeImporter &node) {
  RankedTensorType input = node.inputType(0), filter = node.inputType(1);
  if (input.getRank() < 3 || filter.getRank() != input.getRank())
    return node.error("needs an input and a filter of one rank, at least 3");
  SmallVector<int64_t> kernel(filter.getShape().drop_front(2));
  std::optional<SmallVector<int64_t>> stated = node.intsAttr("kernel_shape");
  if (stated && *stated != kernel)
    return node.error("kernel_shape differs from the filter's shape");
  FailureOr<WindowAttributes> windows = importWindows(node, input, kernel);
  if (failed(windows))
    return failure();
  OpBuilder &b = node.builder();
  return node.becomes<nn::ConvOp>(node.input(0), node.input(1), node.input(2), b.getDenseI64ArrayAttr(windows->strides),
                                  b.getDenseI64ArrayAttr(windows->dilations), b.getDenseI64ArrayAttr(windows->pads),
                                  b.getI64IntegerAttr(node.intAttr("group", 1)), UnitAttr());
}

void registerConvolution(ImportTable &table) { table.add({{"", "Conv", 1, importConv}}); }

} // namespace nncc::import
