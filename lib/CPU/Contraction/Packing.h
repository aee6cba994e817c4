//===- Packing.h - copies of operands in the order in which the inner loop reads them -------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_CONTRACTION_PACKING_H
#define NNCC_LIB_CPU_CONTRACTION_PACKING_H

#include "GemmBlock.h"

namespace nncc::cpu {

/// Copies matrix.packedDepth steps of the columns of one register tile, from `column` on, to matrix.packed:
/// [depth][columns], in the type of sums. Columns that `masks` excludes hold anything.
void emitPackRight(IndexMath &m, const ElementKind &kind, const RightMatrix &matrix, mlir::Value column,
                   mlir::Value numColumns, llvm::ArrayRef<mlir::Value> masks);
/// Elements that matrix.packed needs for `depth` steps of `columns` columns.
int64_t getPackedElements(const ElementKind &kind, int64_t depth, int64_t columns);

/// Copies `count` adjacent elements between one-dimensional memrefs of the same type.
void emitCopy(IndexMath &m, mlir::Value source, mlir::Value from, mlir::Value target, mlir::Value to, mlir::Value count,
              int64_t lanes);
/// Stores `value` `count` times.
void emitFill(IndexMath &m, mlir::Value value, mlir::Value target, mlir::Value to, mlir::Value count, int64_t lanes);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_CONTRACTION_PACKING_H
