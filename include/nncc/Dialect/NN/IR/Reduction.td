//===- Reduction.td - reductions -------------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_REDUCTION_TD
#define NNCC_DIALECT_NN_IR_REDUCTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_REDUCTION_TD
