//===- ZeroPoints.h - products of integers that have zero points ------------------------------------------------*- C++ -*-===//
///
/// \file
/// Kernels multiply integers as they are. The sum of (x - zx) * (w - zw) is the sum of x * w, less zx times the sum of w - zw, which is
/// known while compiling for a constant w, less zw times the sum of x.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_IR_ZEROPOINTS_H
#define NNCC_DIALECT_NN_IR_ZEROPOINTS_H

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "nncc/Dialect/NN/IR/MatMul.h"

namespace nncc::nn {

/// True for no zero point, and for one that is known to be zero everywhere.
bool isZero(mlir::Value zeroPoint);

/// Makes a convolution of integers, not channels-last, with a filter of static shape, one of integers less their zero points: that of the
/// input, one number, is its `outside`; `filterZero` is one number or O x 1 x .., or null. The bias is part of the sum. Returns the sum.
mlir::Value subtractZeroPoints(mlir::OpBuilder &b, ConvOp conv, mlir::Value filterZero);

/// The same for a matrix product; the zero points broadcast against the operands, being one number along K, or are null.
mlir::Value subtractZeroPoints(mlir::OpBuilder &b, MatMulOp matmul, mlir::Value lhsZero, mlir::Value rhsZero);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_IR_ZEROPOINTS_H
