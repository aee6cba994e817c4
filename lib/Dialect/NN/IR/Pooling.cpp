//===- Pooling.cpp - pooling windows of nn ------------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Pooling.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Pooling.cpp.inc"
