//===- Control.cpp - If, Loop and Scan of nn ----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Control.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Control.cpp.inc"
