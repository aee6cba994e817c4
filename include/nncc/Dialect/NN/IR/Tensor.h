//===- Tensor.h - constants, weights and the movement of data in nn ---------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_TENSOR_H
#define NNCC_DIALECT_NN_IR_TENSOR_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Tensor.h.inc"

#endif // NNCC_DIALECT_NN_IR_TENSOR_H
