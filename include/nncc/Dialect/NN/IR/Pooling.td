//===- Pooling.td - pooling windows ----------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_POOLING_TD
#define NNCC_DIALECT_NN_IR_POOLING_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_POOLING_TD
