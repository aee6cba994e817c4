//===- Packing.h - copies of operands in the order in which the inner loop reads them -------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_PACKING_H
#define NNCC_LIB_CPU_CONTRACTION_PACKING_H

#include "GemmBlock.h"

namespace nncc::cpu {

/// Copies matrix.packedDepth elements of K of the columns of one register tile, from `column` on, to matrix.packed:
/// [steps][columns][elements of a step]. Columns that `masks` excludes hold anything; a last step that is not whole is
/// filled up with zeros.
void emitPackRight(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, mlir::Value column,
                   mlir::Value numColumns, llvm::ArrayRef<mlir::Value> masks);
/// How many elements matrix.packed needs for `depth` elements of K of `columns` columns, and their type.
int64_t getPackedElements(const ElementKind &kind, int64_t depth, int64_t columns);
mlir::Type getPackedType(const ElementKind &kind);

/// Copies `numRows` rows of `depth` elements, `rowStride` apart from `from` on, to rows that lie `targetStride` apart.
/// They are widened. Behind each row zeros are stored up to a whole step.
void emitPackLeft(IndexMath &m, const ElementKind &kind, mlir::Value source, mlir::Value from, mlir::Value rowStride,
                  mlir::Value numRows, mlir::Value depth, mlir::Value target, int64_t targetStride);

/// Copies `count` adjacent elements of the left operand, widened (`ElementKind::getCopiedLeft`).
void emitCopyLeft(IndexMath &m, const ElementKind &kind, mlir::Value source, mlir::Value from, mlir::Value target,
                  mlir::Value to, mlir::Value count);
/// Stores `value` `count` times.
void emitFill(IndexMath &m, mlir::Value value, mlir::Value target, mlir::Value to, mlir::Value count);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_PACKING_H
