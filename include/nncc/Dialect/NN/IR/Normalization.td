//===- Normalization.td - normalisations and softmax -----------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_NORMALIZATION_TD
#define NNCC_DIALECT_NN_IR_NORMALIZATION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_NORMALIZATION_TD
