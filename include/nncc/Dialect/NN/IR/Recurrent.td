//===- Recurrent.td - LSTM, GRU and RNN ------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_RECURRENT_TD
#define NNCC_DIALECT_NN_IR_RECURRENT_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_RECURRENT_TD
