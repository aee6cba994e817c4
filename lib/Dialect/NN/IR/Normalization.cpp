//===- Normalization.cpp - normalisations and softmax of nn -------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Normalization.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Normalization.cpp.inc"
