//===- Quantization.cpp - quantised arithmetic of nn --------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Quantization.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Quantization.cpp.inc"
