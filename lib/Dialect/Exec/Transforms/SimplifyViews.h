//===- SimplifyViews.h - reshapes that say which dims they split and join ---------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SIMPLIFYVIEWS_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SIMPLIFYVIEWS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::exec {

/// A reshape to dynamic sizes goes through one dim, which hides that most dims stay: (b * s) x 768 to b x s x 768 is written as the
/// expansion of the first dim when the sizes show it.
void simplifyViews(mlir::func::FuncOp schedule);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_SIMPLIFYVIEWS_H
