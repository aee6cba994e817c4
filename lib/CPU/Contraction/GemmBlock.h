//===- GemmBlock.h - all register tiles of a block ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_GEMMBLOCK_H
#define NNCC_LIB_CPU_CONTRACTION_GEMMBLOCK_H

#include "Epilogue.h"
#include "RegisterTile.h"
#include "Tiling.h"

namespace nncc::cpu {

/// Hands out the scratch of a tile, front to back, in 64-byte steps.
class Scratch {
public:
  /// `memory` is a memref<?xi8>; without it only the bytes are counted.
  explicit Scratch(mlir::Value memory = {}) : memory(memory) {}
  /// A one-dimensional memref of `count` elements.
  mlir::Value take(IndexMath &m, int64_t count, mlir::Type element);
  int64_t getBytes() const { return bytes; }

private:
  mlir::Value memory;
  int64_t bytes = 0;
};

/// The right operand of one matrix product.
struct RightMatrix {
  enum Kind {
    Panels,     ///< [columns / width][depth][width], zero behind the last column
    RowMajor,   ///< [depth][columns]
    Transposed, ///< [columns][depth]
  };
  Kind kind = Panels;
  mlir::Value memref = {}, base = {};
  /// Elements from one panel, row or (Transposed) column to the next.
  mlir::Value stride = {};
  int64_t panelColumns = 16;
  /// If not null, where the columns of a register tile are copied to before use, and how many elements of K.
  mlir::Value packed = {}, packedDepth = {};
};

/// One block of a result, which is seen as lines of rows (one line, or the image lines of a convolution), all of which
/// have the same columns.
struct GemmBlock {
  const ElementKind &kind;
  /// Null: the sums are left in `sums`, at their row and column.
  const Epilogue *epilogue;

  // Left operand: element 0 of the first row of line 0, how far apart lines and rows are, and the reduction.
  mlir::Value left, leftBase, leftLineStride, leftRowStride;
  llvm::SmallVector<ReductionLoop> loops;

  // Lines, rows of each, columns.
  mlir::Value numLines, numRows, rowBlock;
  const RowTiling &rows;
  /// What `rows` counts may be runs of this many rows, `leftRunStride` apart: the short lines of a small image.
  int64_t runRows = 1;
  mlir::Value leftRunStride = {};
  /// The row that the left operand starts with; null: row 0.
  mlir::Value leftFirstRow = {};
  mlir::Value numColumns, columnBlock;
  const ColumnTiling &columns;

  RightMatrix right;
  /// Fetch panels ahead: those of the next register tile of columns while this one is multiplied, or, when there are
  /// too few rows for that, each panel a little before it is read.
  bool prefetch = false;
  /// How many register tiles use the same columns, one after the other: they share the fetching of the next columns.
  int64_t numSharers = 1;

  // Where in the result: the row of row 0 of line 0, from line to line, the first column.
  mlir::Value resultRow, resultLineStride, resultColumn;

  /// Room for the sums of a register tile when the epilogue is heavy; for those of the whole block when K is cut or nothing follows.
  mlir::Value sums = {};
  /// Elements from one row of sums to the next, when they are of more than a register tile.
  int64_t sumStride = 0;
  /// K is cut: this is not the first part (i1, null: not cut).
  mlir::Value isContinued = {};
};

/// Computes a block: all columns of a register tile for all rows, then the next columns.
void emitGemmBlock(IndexMath &m, const GemmBlock &block);

/// When K is cut, behind the last part: finishes the sums of the block.
void emitFinishBlock(IndexMath &m, const GemmBlock &block);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_GEMMBLOCK_H
