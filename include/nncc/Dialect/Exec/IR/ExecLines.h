//===- ExecLines.h - sorts and scans ----------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_EXEC_IR_EXECLINES_H
#define NNCC_DIALECT_EXEC_IR_EXECLINES_H

#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::exec {

/// Writes a region of exec.sort or exec.scan: gets its arguments and gives what it yields.
using LineBuilder =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

} // namespace nncc::exec

#define GET_OP_CLASSES
#include "nncc/Dialect/Exec/IR/ExecLines.h.inc"

#endif // NNCC_DIALECT_EXEC_IR_EXECLINES_H
