//===- Attention.td - scaled dot-product attention -------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_ATTENTION_TD
#define NNCC_DIALECT_NN_IR_ATTENTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_ATTENTION_TD
