//===- Normalization.h - normalisations and softmax of nn ----------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_NORMALIZATION_H
#define NNCC_DIALECT_NN_IR_NORMALIZATION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Normalization.h.inc"

#endif // NNCC_DIALECT_NN_IR_NORMALIZATION_H
