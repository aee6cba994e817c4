//===- Product.h - one or many matrix products, cut into tiles ------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_PRODUCT_H
#define NNCC_LIB_CPU_CONTRACTION_PRODUCT_H

#include "GemmBlock.h"
#include <functional>

namespace nncc::cpu {

/// What is known of a product while compiling; sizes may be dynamic.
struct ProductShape {
  int64_t batch, rows, columns, depth;
  RightMatrix::Kind rightKind;
  /// Elements from one row of the left operand to the next.
  int64_t leftRowStride;
};

/// How a product is cut. Depends on the shape and the target only: every function of a kernel finds the same.
struct ProductPlan {
  ProductPlan(const ProductShape &shape, const ElementKind &kind, const CPUTarget &target);

  RegisterShape registers;
  RowTiling rows;
  ColumnTiling columns;
  /// Elements of K that are done before the next columns, 0: all. Then sums wait in scratch.
  int64_t depthPart = 0;
  bool packsRight = false, packsLeft = false;
  bool prefetch = false;
  /// Blocks of rows follow each other, else blocks of columns.
  bool rowsFirst = false;
  /// Elements of K in packed operands (upper bound).
  int64_t packedDepth = 0;

  void describe(llvm::raw_ostream &os, const ElementKind &kind) const;
};

/// The operands of a product in memory.
struct Product {
  mlir::Value batch, numRows, numColumns, depth;
  mlir::Value left, leftRowStride;
  /// Without base.
  RightMatrix right;

  struct Offsets {
    mlir::Value left, right, resultRow, resultColumn;
  };
  /// Where the product number `index` of the batch is.
  std::function<Offsets(IndexMath &, mlir::Value index)> getOffsets;
};

mlir::Value emitProductTiles(IndexMath &m, const Product &product, const ProductPlan &plan);
void emitProduct(IndexMath &m, const Product &product, const ProductPlan &plan, const ElementKind &kind,
                 const Epilogue &epilogue, mlir::Value tile, Scratch &scratch);
int64_t getProductScratchBytes(const ProductPlan &plan, const ElementKind &kind);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_PRODUCT_H
