//===- Transpose.h - squares of elements in registers ---------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_CPU_TRANSPOSE_H
#define NNCC_LIB_CPU_TRANSPOSE_H

#include "mlir/IR/Builders.h"

namespace nncc::cpu {

/// The columns of a square of as many vectors as they have lanes, a power of two.
llvm::SmallVector<mlir::Value> transposeSquare(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange rows);

} // namespace nncc::cpu

#endif // NNCC_LIB_CPU_TRANSPOSE_H
