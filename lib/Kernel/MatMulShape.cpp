//===- MatMulShape.cpp - exec.matmul as a batch of matrix products --------------------------------------------------===//

#include "nncc/Kernel/MatMulShape.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::kernel;

static int64_t multiply(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    product = ShapedType::isDynamic(size) || ShapedType::isDynamic(product) ? ShapedType::kDynamic : product * size;
  return product;
}

MatMulShape MatMulShape::of(exec::MatMulOp op) {
  ArrayRef<int64_t> lhs = op.getLhs().getType().getShape(), rhs = op.getRhsShape(), result = op.getType().getShape();
  int64_t depth = lhs.back(), columns = result.back();
  int64_t rhsDepth = rhs[rhs.size() - (op.getTransposeRhs() ? 1 : 2)];
  int64_t rhsColumns = rhs[rhs.size() - (op.getTransposeRhs() ? 2 : 1)];
  MatMulShape shape;
  shape.depth = ShapedType::isDynamic(depth) ? rhsDepth : depth;
  shape.columns = ShapedType::isDynamic(columns) ? rhsColumns : columns;
  shape.isPlain = llvm::all_of(rhs.drop_back(2), [](int64_t size) { return size == 1; });
  shape.batch = shape.isPlain ? 1 : multiply(result.drop_back(2));
  shape.rows = shape.isPlain ? multiply(result.drop_back(1)) : result[result.size() - 2];
  return shape;
}

MatMulSizes::MatMulSizes(IndexMath &m, const ContractionSite &site) {
  auto op = cast<exec::MatMulOp>(site.root);
  MatMulShape shape = MatMulShape::of(op);
  Value lhs = site.values.lookup(op.getLhs()), rhs = site.values.lookup(op.getRhs());
  int64_t rank = op.getType().getRank(), rhsRank = op.getRhsShape().size();
  auto size = [&](int64_t known, Value memref, int64_t dim) {
    return ShapedType::isDynamic(known) ? m.dim(memref, dim) : m.constant(known);
  };
  depth = size(shape.depth, lhs, rank - 1);
  columns = size(shape.columns, rhs, rhsRank - (op.getTransposeRhs() ? 2 : 1));
  Value all = m.constant(1), rowsOfOne = m.dim(lhs, rank - 2);
  for (int64_t i = 0; i < rank - 2; ++i) {
    // A dim of the result is that of the operand that does not have 1.
    bool isLeft = op.getLhs().getType().getDimSize(i) != 1;
    batchDims.push_back(isLeft || rhsRank != rank ? m.dim(lhs, i) : size(op.getRhsShape()[i], rhs, i));
    all = m.mul(all, batchDims.back());
  }
  batch = shape.isPlain ? m.constant(1) : all;
  rows = shape.isPlain ? m.mul(all, rowsOfOne) : rowsOfOne;
}

Value MatMulSizes::getOffset(IndexMath &m, Value index, ArrayRef<int64_t> shape, Value matrix) const {
  SmallVector<Value> position(batchDims.size());
  for (int64_t i = int64_t(batchDims.size()) - 1; i >= 0; --i) {
    position[i] = i == 0 ? index : m.rem(index, batchDims[i]);
    index = m.div(index, batchDims[i]);
  }
  Value linear = m.constant(0);
  for (auto [at, size, own] : llvm::zip_equal(position, batchDims, shape))
    if (own != 1)
      linear = m.add(m.mul(linear, size), at);
  return m.mul(linear, matrix);
}
