//===- Pooling.cpp - import of pooling windows ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Pooling.h"
#include "Chain.h"
#include "Windows.h"
#include "nncc/Import/ONNX/ImportTable.h"

using namespace mlir;

namespace nncc::import {

static FailureOr<WindowAttributes> windowsOf(NodeImporter &node) {
  RankedTensorType input = node.inputType(0);
  std::optional<SmallVector<int64_t>> kernel = node.intsAttr("kernel_shape");
  if (input.getRank() < 3 || !kernel)
    return node.error("needs an input of at least 3 dims and a kernel_shape");
  return importWindows(node, input, *kernel);
}

static FailureOr<Value> pool(NodeImporter &node, Value input, const WindowAttributes &windows, StringRef kind,
                             bool countIncludePad) {
  OpBuilder &b = node.builder();
  FailureOr<nn::PoolOp> result = node.create<nn::PoolOp>(
      input, b.getDenseI64ArrayAttr(windows.kernel), b.getDenseI64ArrayAttr(windows.strides),
      b.getDenseI64ArrayAttr(windows.dilations), b.getDenseI64ArrayAttr(windows.pads),
      b.getBoolAttr(node.intAttr("ceil_mode") != 0), b.getStringAttr(kind), b.getBoolAttr(countIncludePad), UnitAttr());
  return failed(result) ? FailureOr<Value>(failure()) : FailureOr<Value>(Value(*result));
}

static LogicalResult importMaxPool(NodeImporter &node) {
  FailureOr<WindowAttributes> windows = windowsOf(node);
  if (failed(windows))
    return failure();
  FailureOr<Value> result = pool(node, node.input(0), *windows, "max", false);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  if (!node.wantsOutput(1))
    return success();
  OpBuilder &b = node.builder();
  FailureOr<nn::MaxPoolIndicesOp> indices = node.create<nn::MaxPoolIndicesOp>(
      node.input(0), b.getDenseI64ArrayAttr(windows->kernel), b.getDenseI64ArrayAttr(windows->strides),
      b.getDenseI64ArrayAttr(windows->dilations), b.getDenseI64ArrayAttr(windows->pads),
      b.getBoolAttr(node.intAttr("ceil_mode") != 0), b.getBoolAttr(node.intAttr("storage_order") != 0));
  if (failed(indices))
    return failure();
  node.setOutput(1, *indices);
  return success();
}

static LogicalResult importAveragePool(NodeImporter &node) {
  FailureOr<WindowAttributes> windows = windowsOf(node);
  if (failed(windows))
    return failure();
  FailureOr<Value> result = pool(node, node.input(0), *windows, "average", node.intAttr("count_include_pad") != 0);
  if (failed(result))
    return failure();
  node.setOutput(0, *result);
  return success();
}

/// (sum of |x|^p)^(1/p).
static LogicalResult importLpPool(NodeImporter &node) {
  FailureOr<WindowAttributes> windows = windowsOf(node);
  if (failed(windows))
    return failure();
  double p = double(node.intAttr("p", 2));
  Chain powers = Chain(node, node.input(0)).apply<nn::AbsOp>().with<nn::PowOp>(p);
  if (!powers.get())
    return failure();
  FailureOr<Value> sum = pool(node, powers.get(), *windows, "sum", false);
  return failed(sum) ? failure() : Chain(node, *sum).with<nn::PowOp>(1 / p).becomesOutput();
}

void registerPooling(ImportTable &table) {
  table.add({
      {"", "MaxPool", 1, importMaxPool},
      {"", "AveragePool", 1, importAveragePool},
      {"", "LpPool", 2, importLpPool},
  });
}

} // namespace nncc::import
