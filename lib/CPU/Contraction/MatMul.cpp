//===- MatMul.cpp - exec.matmul as a batch of matrix products -----------------------------------------------------===//

#include "Emitters.h"
#include "Product.h"
#include "nncc/Kernel/MatMulShape.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

ProductShape getShape(exec::MatMulOp op) {
  MatMulShape sizes = MatMulShape::of(op);
  ProductShape shape;
  shape.depth = sizes.depth;
  shape.columns = sizes.columns;
  shape.batch = sizes.batch;
  shape.rows = sizes.rows;
  shape.leftRowStride = shape.depth;
  shape.rightKind = op.getPacked()         ? RightMatrix::Panels
                    : op.getTransposeRhs() ? RightMatrix::Transposed
                                           : RightMatrix::RowMajor;
  return shape;
}

Product getProduct(IndexMath &m, const ContractionSite &site, const ElementKind &kind, const ProductShape &shape) {
  auto op = cast<exec::MatMulOp>(site.root);
  Value lhs = site.values.lookup(op.getLhs()), rhs = site.values.lookup(op.getRhs());
  MatMulSizes sizes(m, site);
  Product product;
  product.depth = sizes.depth;
  product.numColumns = sizes.columns;
  product.batch = sizes.batch;
  product.numRows = sizes.rows;
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
  bool isPlain = MatMulShape::of(op).isPlain;
  product.getOffsets = [=](IndexMath &m, Value index) -> Product::Offsets {
    Value zero = m.constant(0);
    if (isPlain)
      return {zero, zero, zero, zero};
    return {sizes.getOffset(m, index, leftBatch, leftSize), sizes.getOffset(m, index, rightBatch, rightSize),
            m.mul(index, numRows), zero};
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
