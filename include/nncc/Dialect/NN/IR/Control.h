//===- Control.h - If, Loop and Scan of nn -------------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_CONTROL_H
#define NNCC_DIALECT_NN_IR_CONTROL_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Control.h.inc"

#endif // NNCC_DIALECT_NN_IR_CONTROL_H
