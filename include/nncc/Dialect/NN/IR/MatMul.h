//===- MatMul.h - matrix products of nn -------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_MATMUL_H
#define NNCC_DIALECT_NN_IR_MATMUL_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/MatMul.h.inc"

#endif // NNCC_DIALECT_NN_IR_MATMUL_H
