//===- Reduction.h - reductions of nn ------------------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_REDUCTION_H
#define NNCC_DIALECT_NN_IR_REDUCTION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Reduction.h.inc"

#endif // NNCC_DIALECT_NN_IR_REDUCTION_H
