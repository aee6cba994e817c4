//===- Attention.h - scaled dot-product attention of nn ------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_ATTENTION_H
#define NNCC_DIALECT_NN_IR_ATTENTION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Attention.h.inc"

#endif // NNCC_DIALECT_NN_IR_ATTENTION_H
