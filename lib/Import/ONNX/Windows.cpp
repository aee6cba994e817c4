//===- Windows.cpp - attributes of sliding windows ------------------------------------------------------------------------===//

#include "Windows.h"

using namespace mlir;

namespace nncc::import {

/// Pads such that the result has ceil(size / stride) positions; the odd one goes to the end (SAME_UPPER) or begin.
static LogicalResult resolveSame(NodeImporter &node, RankedTensorType input, WindowAttributes &windows, bool upper) {
  size_t rank = windows.kernel.size();
  for (size_t i = 0; i < rank; ++i) {
    int64_t size = input.getDimSize(i + 2), stride = windows.strides[i];
    int64_t extent = windows.dilations[i] * (windows.kernel[i] - 1) + 1;
    int64_t total = extent - 1;
    if (stride != 1) {
      if (ShapedType::isDynamic(size))
        return node.unsupported("auto_pad with a stride of " + Twine(stride) +
                                " needs a known input size; give it by --shape");
      int64_t positions = (size + stride - 1) / stride;
      total = std::max<int64_t>((positions - 1) * stride + extent - size, 0);
    }
    windows.pads[i] = upper ? total / 2 : total - total / 2;
    windows.pads[rank + i] = total - windows.pads[i];
  }
  return success();
}

FailureOr<WindowAttributes> importWindows(NodeImporter &node, RankedTensorType input, ArrayRef<int64_t> kernel,
                                          bool resolveAutoPad) {
  size_t rank = input.getRank() - 2;
  WindowAttributes windows;
  windows.kernel.assign(kernel.begin(), kernel.end());
  windows.strides = node.intsAttr("strides").value_or(SmallVector<int64_t>(rank, 1));
  windows.dilations = node.intsAttr("dilations").value_or(SmallVector<int64_t>(rank, 1));
  windows.pads = node.intsAttr("pads").value_or(SmallVector<int64_t>(2 * rank, 0));
  if (windows.kernel.size() != rank || windows.strides.size() != rank || windows.dilations.size() != rank ||
      windows.pads.size() != 2 * rank)
    return node.error("kernel, strides, dilations and pads do not fit an input of " + Twine(rank) + " spatial dims");
  constexpr int64_t kLimit = int64_t(1) << 30;
  for (ArrayRef<int64_t> values :
       {ArrayRef<int64_t>(windows.kernel), ArrayRef<int64_t>(windows.strides), ArrayRef<int64_t>(windows.dilations)})
    if (llvm::any_of(values, [](int64_t value) { return value < 1 || value > kLimit; }))
      return node.error("kernel sizes, strides and dilations must be positive");
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    if (resolveAutoPad && failed(resolveSame(node, input, windows, mode == "SAME_UPPER")))
      return failure();
  } else if (mode == "VALID") {
    windows.pads.assign(2 * rank, 0);
  } else if (mode != "NOTSET") {
    return node.error("auto_pad is '" + mode + "', not NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  }
  return windows;
}

} // namespace nncc::import
