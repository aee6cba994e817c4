//===- Selection.td - sorting, searching and scattering --------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_SELECTION_TD
#define NNCC_DIALECT_NN_IR_SELECTION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_SELECTION_TD
