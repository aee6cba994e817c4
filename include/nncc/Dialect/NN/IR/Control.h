//===- Control.h - If, Loop and Scan of nn -------------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_CONTROL_H
#define NNCC_DIALECT_NN_IR_CONTROL_H

#include "nncc/Dialect/NN/IR/Dim.h"
#include "nncc/Dialect/NN/IR/NNDialect.h"

namespace nncc::nn {

/// What two tensors have in common: a size where they agree, else unknown. Null when ranks or element types differ.
mlir::RankedTensorType joinTypes(mlir::Type a, mlir::Type b);

/// How often an nn.loop runs whose body yields the condition `again`; unknown when that is not known. `trips` and `condition` may be null.
Dim getTripCount(mlir::Value trips, mlir::Value condition, mlir::Value again);

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Control.h.inc"

#endif // NNCC_DIALECT_NN_IR_CONTROL_H
