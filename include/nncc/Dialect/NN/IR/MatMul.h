//===- MatMul.h - matrix products of nn -------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_MATMUL_H
#define NNCC_DIALECT_NN_IR_MATMUL_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

namespace nncc::nn {

/// The element type of sums of products of these: i32 for integers of 8 and 16 bits, else the type that both have; fails with a
/// message when they have none in common.
mlir::FailureOr<mlir::Type> inferProductType(std::optional<mlir::Location> loc, mlir::Type left, mlir::Type right);

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/MatMul.h.inc"

#endif // NNCC_DIALECT_NN_IR_MATMUL_H
