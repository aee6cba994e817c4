//===- Sorting.h - lines in order, and counting -----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CONVERSION_NNTOLINALG_SORTING_H
#define NNCC_LIB_CONVERSION_NNTOLINALG_SORTING_H

#include "Lowering.h"
#include "nncc/Dialect/Exec/IR/Body.h"

namespace nncc {

/// x < y in the order of sorts, in which NaN is the largest. `type` is the original element type.
mlir::Value lessInOrder(Body c, mlir::Value x, mlir::Value y, mlir::Type type);
/// Element i of the result, which has one element more than `size`, is the sum of what `element` gives (i64, for its number and memrefs of the
/// inputs) for the first i.
mlir::Value sumsBefore(mlir::OpBuilder &b, mlir::Location loc, mlir::OpFoldResult size, mlir::ValueRange inputs,
                       llvm::function_ref<mlir::Value(Body, mlir::Value, mlir::ValueRange)> element);
/// Element i of the result, which has one element more than the 1-D i64 tensor `counts`, is the sum of the first i counts.
mlir::Value prefixSums(mlir::OpBuilder &b, mlir::Location loc, mlir::Value counts);
/// The last element of prefixSums, read by the schedule: how many there are in all.
mlir::Value readTotal(mlir::OpBuilder &b, mlir::Location loc, mlir::Value sums);

} // namespace nncc

#endif // NNCC_LIB_CONVERSION_NNTOLINALG_SORTING_H
