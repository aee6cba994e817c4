//===- Loops.h - loops over index spaces ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_LOOPS_H
#define NNCC_KERNEL_LOOPS_H

#include "mlir/IR/Builders.h"

namespace nncc::kernel {

/// A loop from 0 to each of `sizes`, nested; `body` gets the indices, the builder stands inside.
void buildLoops(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes,
                llvm::function_ref<void(mlir::ValueRange)> body);

/// One loop over the points of an index space that are numbered `begin` to `end`, row-major. The indices are counted up: a
/// division for each would cost more than a short row.
void buildLinearLoop(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange sizes, mlir::Value begin, mlir::Value end,
                     llvm::function_ref<void(mlir::ValueRange)> body);

} // namespace nncc::kernel

#endif // NNCC_KERNEL_LOOPS_H
