//===- Quantization.h - quantised arithmetic of nn -----------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_QUANTIZATION_H
#define NNCC_DIALECT_NN_IR_QUANTIZATION_H

#include "mlir/IR/BuiltinTypes.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"

namespace nncc::nn {

/// The 1-D tensor of bytes that a tensor of elements of 4 or 2 bits is at the interface of a model.
mlir::RankedTensorType packedType(mlir::RankedTensorType type);

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Quantization.h.inc"

#endif // NNCC_DIALECT_NN_IR_QUANTIZATION_H
