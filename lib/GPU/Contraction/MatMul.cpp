//===- MatMul.cpp - exec.matmul on a GPU -------------------------------------------------------------------------------===//

#include "MatMul.h"
#include "nncc/Kernel/MatMulShape.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::gpu;

static ProductShape getShape(const ContractionSite &site) {
  auto shape = kernel::MatMulShape::of(cast<exec::MatMulOp>(site.root));
  return {shape.batch, shape.rows, shape.columns, shape.depth};
}

MatMulPhase::MatMulPhase(KernelPlan &plan, const ContractionSite &site)
    : ProductPhase(plan, site, getShape(site), cast<exec::MatMulOp>(site.root).getTransposeRhs()) {}

ProductSizes MatMulPhase::getSizes(IndexMath &m, const ContractionSite &site) const {
  kernel::MatMulSizes sizes(m, site);
  return {sizes.batch, sizes.rows, sizes.columns, sizes.depth};
}

Value MatMulPhase::getMatrix(IndexMath &m, const Loading &loading, Value operand, ArrayRef<int64_t> batchShape,
                             Value elements) const {
  Value pointer = getGlobalPointer(m, loading.site.values.lookup(operand));
  if (m.isConstant(loading.sizes.batch, 1))
    return pointer;
  kernel::MatMulSizes sizes(m, loading.site);
  Type element = cast<RankedTensorType>(operand.getType()).getElementType();
  return movePointer(m, pointer, sizes.getOffset(m, loading.block.batch, batchShape, elements), element);
}

std::unique_ptr<TileLoader> MatMulPhase::createLeft(IndexMath &m, const Loading &loading) const {
  const ProductSizes &sizes = loading.sizes;
  Value matrix = getMatrix(m, loading, getOp().getLhs(), getOp().getLhs().getType().getShape().drop_back(2),
                           m.mul(sizes.rows, sizes.depth));
  return std::make_unique<MatrixLoader>(
      loading.tile, loading.tile.getPlace(m, loading.thread), kind.left,
      getLinesAlongDepth(m, matrix, kind.left, loading.block.row, sizes.rows, loading));
}

std::unique_ptr<TileLoader> MatMulPhase::createRight(IndexMath &m, const Loading &loading) const {
  const ProductSizes &sizes = loading.sizes;
  Value matrix =
      getMatrix(m, loading, getOp().getRhs(), getOp().getRhsShape().drop_back(2), m.mul(sizes.depth, sizes.columns));
  return std::make_unique<MatrixLoader>(
      loading.tile, loading.tile.getPlace(m, loading.thread), kind.right,
      getOp().getTransposeRhs()
          ? getLinesAlongDepth(m, matrix, kind.right, loading.block.column, sizes.columns, loading)
          : getLinesAcross(m, matrix, loading));
}

std::pair<Value, Value> MatMulPhase::getOrigin(IndexMath &m, const ProductSizes &sizes, Value batch) const {
  return {m.mul(batch, sizes.rows), m.constant(0)};
}
