//===- ScheduleSizes.h - simpler arithmetic on sizes in a schedule ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SCHEDULESIZES_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SCHEDULESIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::exec {

/// Replaces tensor.dim by the size that the tensor was made with, so that a size never depends on a computation.
void resolveSizes(mlir::func::FuncOp schedule);

/// Writes affine.apply as arithmetic.
void expandAffine(mlir::func::FuncOp schedule);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SCHEDULESIZES_H
