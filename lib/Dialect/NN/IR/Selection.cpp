//===- Selection.cpp - sorting, searching and scattering of nn ----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Selection.cpp.inc"
