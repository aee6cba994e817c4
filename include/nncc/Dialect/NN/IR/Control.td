//===- Control.td - If, Loop and Scan --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_CONTROL_TD
#define NNCC_DIALECT_NN_IR_CONTROL_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_CONTROL_TD
