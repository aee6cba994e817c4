//===- NNDialect.h - the nn dialect, its attributes and types ---------------------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_NNDIALECT_H
#define NNCC_DIALECT_NN_IR_NNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "nncc/Dialect/NN/IR/NNDialect.h.inc"
#include "nncc/Dialect/NN/IR/NNEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "nncc/Dialect/NN/IR/NNAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "nncc/Dialect/NN/IR/NNTypes.h.inc"

namespace nncc::nn {

/// True when each declared type could be the inferred one: same element type and rank, no two different static sizes.
bool areCompatibleTypes(mlir::TypeRange inferred, mlir::TypeRange declared);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_IR_NNDIALECT_H
