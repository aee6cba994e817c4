//===- Constants.h - values that are known while compiling ------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_DIALECT_NN_TRANSFORMS_CONSTANTS_H
#define NNCC_LIB_DIALECT_NN_TRANSFORMS_CONSTANTS_H

#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

namespace nncc::nn {

/// Whether `value` depends on constants alone, through a few ops, so that what is done to it is done while compiling.
bool isConstant(mlir::Value value);

/// `value` under a shape of these sizes, of which one may be unknown or symbolic; null when more are.
mlir::Value reshapeTo(mlir::PatternRewriter &rewriter, mlir::Location loc, mlir::Value value,
                      llvm::ArrayRef<Dim> sizes);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_TRANSFORMS_CONSTANTS_H
