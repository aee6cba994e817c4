//===- Weights.h - results of @weights that passes add ----------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_EXEC_TRANSFORMS_WEIGHTS_H
#define NNCC_LIB_DIALECT_EXEC_TRANSFORMS_WEIGHTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Dialect/Exec/IR/ExecOps.h"

namespace nncc::exec {

/// The convolutions outside of the function @weights.
llvm::SmallVector<ConvOp> collectConvolutions(mlir::ModuleOp module, mlir::func::FuncOp weights);

/// The weight that `operand` is, through reshapes; null: it is none, or has no elements.
WeightOp findWeight(mlir::Value operand);

/// Another result of @weights: its number.
int64_t addWeight(mlir::func::FuncOp weights, mlir::Value value);

/// The elements of `source`, as they lie, under another static shape.
mlir::Value withShape(mlir::OpBuilder &b, mlir::Location loc, mlir::Value source, llvm::ArrayRef<int64_t> shape);

} // namespace nncc::exec

#endif // NNCC_LIB_DIALECT_EXEC_TRANSFORMS_WEIGHTS_H
