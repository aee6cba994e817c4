//===- Quantization.td - quantised arithmetic ------------------------------------------------------------*- tablegen -*-===//
#ifndef NNCC_DIALECT_NN_IR_QUANTIZATION_TD
#define NNCC_DIALECT_NN_IR_QUANTIZATION_TD

include "nncc/Dialect/NN/IR/NNBase.td"

#endif // NNCC_DIALECT_NN_IR_QUANTIZATION_TD
