//===- MatMul.cpp - exec.matmul as a batch of matrix products -----------------------------------------------------===//

#include "Emitters.h"
#include "Product.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// The right operand is one matrix for the whole batch: then the batch is just more rows.
bool isPlainMatrix(ArrayRef<int64_t> rhs) {
  return llvm::all_of(rhs.drop_back(2), [](int64_t size) { return size == 1; });
}

int64_t multiply(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    product = ShapedType::isDynamic(size) || ShapedType::isDynamic(product) ? ShapedType::kDynamic : product * size;
  return product;
}

ProductShape getShape(exec::MatMulOp op) {
  ArrayRef<int64_t> lhs = op.getLhs().getType().getShape(), rhs = op.getRhsShape(), result = op.getType().getShape();
  int64_t depth = lhs.back(), columns = result.back();
  int64_t rhsDepth = rhs[rhs.size() - (op.getTransposeRhs() ? 1 : 2)];
  int64_t rhsColumns = rhs[rhs.size() - (op.getTransposeRhs() ? 2 : 1)];
  ProductShape shape;
  shape.depth = ShapedType::isDynamic(depth) ? rhsDepth : depth;
  shape.columns = ShapedType::isDynamic(columns) ? rhsColumns : columns;
  bool isPlain = isPlainMatrix(rhs);
  shape.batch = isPlain ? 1 : multiply(result.drop_back(2));
  shape.rows = isPlain ? multiply(result.drop_back(1)) : result[result.size() - 2];
  shape.leftRowStride = shape.depth;
  shape.rightKind = op.getPacked()         ? RightMatrix::Panels
                    : op.getTransposeRhs() ? RightMatrix::Transposed
                                           : RightMatrix::RowMajor;
  return shape;
}

/// Where matrix `index` of a batch of `sizes` starts in an operand of `shape`, which may have 1 in their place.
Value getBatchOffset(IndexMath &m, Value index, ArrayRef<Value> sizes, ArrayRef<int64_t> shape, Value matrix) {
  SmallVector<Value> position(sizes.size());
  for (int64_t i = int64_t(sizes.size()) - 1; i >= 0; --i) {
    position[i] = i == 0 ? index : m.rem(index, sizes[i]);
    index = m.div(index, sizes[i]);
  }
  Value linear = m.constant(0);
  for (auto [at, size, own] : llvm::zip_equal(position, sizes, shape))
    if (own != 1)
      linear = m.add(m.mul(linear, size), at);
  return m.mul(linear, matrix);
}

Product getProduct(IndexMath &m, const ContractionSite &site, const ElementKind &kind, const ProductShape &shape) {
  auto op = cast<exec::MatMulOp>(site.root);
  Value lhs = site.values.lookup(op.getLhs()), rhs = site.values.lookup(op.getRhs());
  int64_t rank = op.getType().getRank(), rhsRank = op.getRhsShape().size();
  Product product;
  auto size = [&](int64_t known, Value memref, int64_t dim) {
    return ShapedType::isDynamic(known) ? m.dim(memref, dim) : m.constant(known);
  };
  product.depth = size(shape.depth, lhs, rank - 1);
  if (shape.rightKind == RightMatrix::Panels)
    product.numColumns = m.constant(shape.columns);
  else
    product.numColumns = size(shape.columns, rhs, rhsRank - (op.getTransposeRhs() ? 2 : 1));
  SmallVector<Value> batch;
  for (int64_t i = 0; i < rank - 2; ++i) {
    // A dim of the result is that of the operand that does not have 1.
    bool isLeft = op.getLhs().getType().getDimSize(i) != 1;
    batch.push_back(isLeft || rhsRank != rank ? m.dim(lhs, i) : size(op.getRhsShape()[i], rhs, i));
  }
  Value rows = m.dim(lhs, rank - 2), all = m.constant(1);
  for (Value dim : batch)
    all = m.mul(all, dim);
  bool isPlain = isPlainMatrix(op.getRhsShape());
  product.batch = isPlain ? m.constant(1) : all;
  product.numRows = isPlain ? m.mul(all, rows) : rows;
  product.left = m.flatten(lhs);
  product.leftRowStride = product.depth;
  product.right = {.kind = shape.rightKind, .memref = m.flatten(rhs), .panelColumns = kind.getPanelColumns()};
  Value rightSize; // of one matrix
  if (shape.rightKind == RightMatrix::Panels) {
    product.right.stride = m.mul(m.ceilDiv(product.depth, kind.getStepSize()), kind.getPanelStep());
    rightSize = m.mul(m.ceilDiv(product.numColumns, kind.getPanelColumns()), product.right.stride);
  } else {
    product.right.stride = shape.rightKind == RightMatrix::Transposed ? product.depth : product.numColumns;
    rightSize = m.mul(product.depth, product.numColumns);
  }
  Value leftSize = m.mul(product.numRows, product.depth), numRows = product.numRows;
  ArrayRef<int64_t> leftBatch = op.getLhs().getType().getShape().drop_back(2),
                    rightBatch = op.getRhsShape().drop_back(2);
  product.getOffsets = [=](IndexMath &m, Value index) -> Product::Offsets {
    Value zero = m.constant(0);
    if (isPlain)
      return {zero, zero, zero, zero};
    return {getBatchOffset(m, index, batch, leftBatch, leftSize),
            getBatchOffset(m, index, batch, rightBatch, rightSize), m.mul(index, numRows), zero};
  };
  return product;
}

} // namespace

MatMulEmitter::MatMulEmitter(const ContractionSite &site, const CPUTarget &target)
    : site(site), kind(ElementKind::of(site.root, target)), shape(getShape(cast<exec::MatMulOp>(site.root))),
      plan(shape, kind, target) {}

Value MatMulEmitter::emitTiles(IndexMath &m) const {
  return emitProductTiles(m, getProduct(m, site, kind, shape), plan);
}

void MatMulEmitter::emitTile(IndexMath &m, Value tile, Value scratch) const {
  Scratch memory(scratch);
  Epilogue epilogue(m, site, kind.lanes);
  emitProduct(m, getProduct(m, site, kind, shape), plan, kind, epilogue, tile, memory);
}

int64_t MatMulEmitter::getScratchBytes() const { return getProductScratchBytes(plan, kind); }
