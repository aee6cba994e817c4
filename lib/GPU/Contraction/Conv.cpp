//===- Conv.cpp - exec.conv on a GPU, as a matrix product -----------------------------------------------------------===//

#include "Conv.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

ProductShape gpu::getProductShape(const ConvShape &conv) {
  int64_t rows = conv.batch;
  for (int64_t size : conv.output)
    rows = ShapedType::isDynamic(size) || ShapedType::isDynamic(rows) ? ShapedType::kDynamic : rows * size;
  return {conv.groups, rows, conv.groupOutputs, conv.getTaps() * conv.groupInputs};
}

ConvPhase::ConvPhase(KernelPlan &plan, ContractionSite site, const ConvShape &conv)
    : ProductPhase(plan, std::move(site), getProductShape(conv), /*isRightAlongDepth=*/false), conv(conv) {}

ProductSizes ConvPhase::getSizes(IndexMath &m, const ContractionSite &site) const {
  ConvOperands operands(m, site);
  Value rows = operands.batch;
  for (Value size : operands.outputSizes)
    rows = m.mul(rows, size);
  return {m.constant(shape.batch), rows, m.constant(shape.columns), m.constant(shape.depth)};
}

std::unique_ptr<TileLoader> ConvPhase::createLeft(IndexMath &m, const Loading &loading) const {
  ConvOperands operands(m, loading.site);
  Value image = getGlobalPointer(m, operands.input), group = loading.block.batch;
  Value first = loading.block.row, last = m.sub(loading.sizes.rows, 1);
  auto getPixel = [=](IndexMath &m, Value line) { return m.min(m.add(first, toIndex(m, line)), last); };
  OperandTile::Place place = loading.tile.getPlace(m, loading.thread);
  if (conv.getTaps() > 1 || conv.isPadded())
    return std::make_unique<PixelLoader>(loading.tile, std::move(place), kind.left, conv, operands, image, group,
                                         getPixel);
  // The matrix is the image, or some of its pixels.
  auto getLine = [=, this](IndexMath &m, Value line) {
    return Window::of(m, conv, operands, image, getPixel(m, line), group, kind.left).pointer;
  };
  return std::make_unique<MatrixLoader>(
      loading.tile, std::move(place), kind.left,
      MatrixLoader::Matrix{getLine, m.constant(1), getRun(conv.groupInputs, loading.tile.chunk)});
}

std::unique_ptr<TileLoader> ConvPhase::createRight(IndexMath &m, const Loading &loading) const {
  ConvOperands operands(m, loading.site);
  Value elements = m.constant(shape.depth * shape.columns);
  Value matrix = movePointer(m, getGlobalPointer(m, operands.filter), m.mul(loading.block.batch, elements), kind.right);
  return std::make_unique<MatrixLoader>(loading.tile, loading.tile.getPlace(m, loading.thread), kind.right,
                                        getLinesAcross(m, matrix, loading));
}

std::pair<Value, Value> ConvPhase::getOrigin(IndexMath &m, const ProductSizes &sizes, Value batch) const {
  return {m.constant(0), m.mul(batch, sizes.columns)};
}
