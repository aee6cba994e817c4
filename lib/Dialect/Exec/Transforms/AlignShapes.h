//===- AlignShapes.h - elementwise operations take the shape of what they follow --------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_ALIGNSHAPES_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_ALIGNSHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::exec {

/// A matrix product of batch x rows x k with a matrix is computed as one of (batch * rows) x k, and given back its shape by a reshape. What
/// follows it works on (batch * rows) x n as well, as far as it can, and the reshape goes behind it: so it can be fused.
llvm::LogicalResult alignShapes(mlir::func::FuncOp schedule);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_ALIGNSHAPES_H
