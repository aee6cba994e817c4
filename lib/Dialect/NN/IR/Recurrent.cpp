//===- Recurrent.cpp - LSTM, GRU and RNN of nn --------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/NN/IR/ShapeInference.h"

using namespace mlir;
using namespace nncc::nn;

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Recurrent.cpp.inc"
