//===- Pooling.h - pooling windows of nn ---------------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_POOLING_H
#define NNCC_DIALECT_NN_IR_POOLING_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Pooling.h.inc"

#endif // NNCC_DIALECT_NN_IR_POOLING_H
