//===- Convolution.h - convolutions of nn -----------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_CONVOLUTION_H
#define NNCC_DIALECT_NN_IR_CONVOLUTION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Convolution.h.inc"

#endif // NNCC_DIALECT_NN_IR_CONVOLUTION_H
