//===- Vision.td - resizing and boxes --------------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_VISION_TD
#define NNCC_DIALECT_NN_IR_VISION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_VISION_TD
