//===- Vision.h - resizing and boxes of nn -------------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_VISION_H
#define NNCC_DIALECT_NN_IR_VISION_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Vision.h.inc"

#endif // NNCC_DIALECT_NN_IR_VISION_H
