//===- Elementwise.h - elementwise ops of nn --------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_ELEMENTWISE_H
#define NNCC_DIALECT_NN_IR_ELEMENTWISE_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Elementwise.h.inc"

#endif // NNCC_DIALECT_NN_IR_ELEMENTWISE_H
