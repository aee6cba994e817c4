//===- Quantization.h - quantised arithmetic of nn -----------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_QUANTIZATION_H
#define NNCC_DIALECT_NN_IR_QUANTIZATION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Quantization.h.inc"

#endif // NNCC_DIALECT_NN_IR_QUANTIZATION_H
