//===- Selection.h - sorting, searching and scattering of nn -------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_SELECTION_H
#define NNCC_DIALECT_NN_IR_SELECTION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Selection.h.inc"

#endif // NNCC_DIALECT_NN_IR_SELECTION_H
