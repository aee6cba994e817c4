//===- ConvShape.cpp - a convolution with three spatial dims --------------------------------------------------------===//

#include "nncc/Kernel/ConvShape.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

std::optional<ConvShape> ConvShape::of(exec::ConvOp op) {
  ArrayRef<int64_t> input = op.getInput().getType().getShape(), output = op.getType().getShape();
  ArrayRef<int64_t> filter = op.getFilterShape();
  if (ShapedType::isDynamicShape(filter))
    return std::nullopt;
  ConvShape shape;
  int64_t spatial = op.getStrides().size(), missing = 3 - spatial;
  shape.batch = ShapedType::isDynamic(input.front()) ? output.front() : input.front();
  shape.groups = op.getGroups();
  shape.groupInputs = filter[spatial + 1];
  shape.groupOutputs = filter[spatial + 2];
  for (int64_t i = 0; i < 3; ++i) {
    bool isReal = i >= missing;
    int64_t from = i - missing;
    shape.input[i] = isReal ? input[from + 1] : 1;
    shape.output[i] = isReal ? output[from + 1] : 1;
    shape.kernel[i] = isReal ? filter[from + 1] : 1;
    shape.stride[i] = isReal ? op.getStrides()[from] : 1;
    shape.dilation[i] = isReal ? op.getDilations()[from] : 1;
    shape.padBefore[i] = isReal ? op.getPads()[from] : 0;
    shape.isPaddedAlong[i] = isReal && (op.getPads()[from] != 0 || op.getPads()[spatial + from] != 0);
  }
  return shape;
}

bool ConvShape::isPointwise() const {
  return !isPadded() && getTaps() == 1 && llvm::all_of(stride, [](int64_t step) { return step == 1; });
}

ConvOperands::ConvOperands(IndexMath &m, const ContractionSite &site) {
  auto op = cast<exec::ConvOp>(site.root);
  Value inputMemref = site.values.lookup(op.getInput()), result = findResult(site);
  int64_t spatial = op.getStrides().size(), missing = 3 - spatial;
  input = m.flatten(inputMemref);
  filter = m.flatten(site.values.lookup(op.getFilter()));
  outside = op.getOutside()
                ? site.values.lookupOrDefault(op.getOutside())
                : arith::ConstantOp::create(m.builder(), m.location(),
                                            m.builder().getZeroAttr(op.getInput().getType().getElementType()));
  batch = m.dim(inputMemref, 0);
  for (int64_t i = 0; i < 3; ++i) {
    inputSizes[i] = i < missing ? m.constant(1) : m.dim(inputMemref, i - missing + 1);
    outputSizes[i] = i < missing ? m.constant(1) : m.dim(result, i - missing + 1);
  }
}
