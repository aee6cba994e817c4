//===- ConvPointwise.cpp - 1x1 convolutions as matrix products ------------------------------------------------------===//

#include "ConvPointwise.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

static ProductShape getProductShape(exec::ConvOp op, const ConvShape &shape) {
  ProductShape product{shape.groups,
                       shape.batch,
                       shape.groupOutputs,
                       shape.groupInputs,
                       op.getPacked() ? RightMatrix::Panels : RightMatrix::RowMajor,
                       shape.getInputs()};
  for (int64_t size : shape.output)
    product.rows =
        ShapedType::isDynamic(size) || ShapedType::isDynamic(product.rows) ? ShapedType::kDynamic : product.rows * size;
  return product;
}

ConvPointwiseEmitter::ConvPointwiseEmitter(const ContractionSite &site, const ConvShape &shape, const CPUTarget &target)
    : site(site), shape(shape), kind(ElementKind::of(site.root, target)),
      product(getProductShape(cast<exec::ConvOp>(site.root), shape)), plan(product, kind, target) {}

Product ConvPointwiseEmitter::getProduct(IndexMath &m) const {
  ConvOperands operands(m, site);
  int64_t inputs = shape.groupInputs, outputs = shape.groupOutputs, width = kind.getPanelColumns();
  bool isPanels = product.rightKind == RightMatrix::Panels;
  int64_t panel = llvm::divideCeil(inputs, kind.getStepSize()) * kind.getPanelStep();
  int64_t matrix = isPanels ? llvm::divideCeil(outputs, width) * panel : inputs * outputs;
  Product result;
  result.batch = m.constant(shape.groups);
  result.numRows = operands.batch;
  for (Value size : operands.outputSizes)
    result.numRows = m.mul(result.numRows, size);
  result.numColumns = m.constant(outputs);
  result.depth = m.constant(inputs);
  result.left = operands.input;
  result.leftRowStride = m.constant(shape.getInputs());
  result.right = {.kind = product.rightKind,
                  .memref = operands.filter,
                  .stride = m.constant(isPanels ? panel : outputs),
                  .panelColumns = width};
  result.getOffsets = [=](IndexMath &m, Value group) -> Product::Offsets {
    return {m.mul(group, inputs), m.mul(group, matrix), m.constant(0), m.mul(group, outputs)};
  };
  return result;
}

Value ConvPointwiseEmitter::emitTiles(IndexMath &m) const { return emitProductTiles(m, getProduct(m), plan); }

void ConvPointwiseEmitter::emitTile(IndexMath &m, Value tile, Value scratch) const {
  Scratch memory(scratch);
  Epilogue epilogue(m, site, kind.lanes);
  emitProduct(m, getProduct(m), plan, kind, epilogue, tile, memory);
}

int64_t ConvPointwiseEmitter::getScratchBytes() const { return getProductScratchBytes(plan, kind); }
