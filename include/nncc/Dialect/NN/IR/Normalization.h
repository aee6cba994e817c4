//===- Normalization.h - normalisations and softmax of nn ----------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_NORMALIZATION_H
#define NNCC_DIALECT_NN_IR_NORMALIZATION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

namespace nncc::nn {

/// Whether a scale or a bias of type `parameter` has the element type of `input` and broadcasts to it along the dims from `axis` on alone
/// (as far as sizes are known).
bool broadcastsBehind(mlir::RankedTensorType parameter, mlir::RankedTensorType input, int64_t axis);

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Normalization.h.inc"

#endif // NNCC_DIALECT_NN_IR_NORMALIZATION_H
