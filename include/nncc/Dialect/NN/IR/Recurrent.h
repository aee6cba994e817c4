//===- Recurrent.h - LSTM, GRU and RNN of nn -----------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_RECURRENT_H
#define NNCC_DIALECT_NN_IR_RECURRENT_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Recurrent.h.inc"

#endif // NNCC_DIALECT_NN_IR_RECURRENT_H
