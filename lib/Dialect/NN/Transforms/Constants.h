//===- Constants.h - values that are known while compiling ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_NN_TRANSFORMS_CONSTANTS_H
#define NNCC_LIB_DIALECT_NN_TRANSFORMS_CONSTANTS_H

#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

namespace nncc::nn {

/// Whether `value` depends on constants alone, through a few ops, so that what is done to it is done while compiling.
bool isConstant(mlir::Value value);

/// Whether a constant can say a shape of these sizes for a tensor of type `from`: one may be unknown or symbolic, besides those that
/// stand where `from` has them.
bool canReshapeTo(mlir::RankedTensorType from, llvm::ArrayRef<Dim> sizes);
/// `value` under that shape; null where a constant cannot say it.
mlir::Value reshapeTo(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, llvm::ArrayRef<Dim> sizes);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_TRANSFORMS_CONSTANTS_H
