//===- NNOps.h - all op families of nn --------------------------------------------------------------------------*- C++ -*-===//
/// \file
/// For the few files that treat all families alike. A file about one family includes only that family's header.
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_IR_NNOPS_H
#define NNCC_DIALECT_NN_IR_NNOPS_H

#include "nncc/Dialect/NN/IR/Attention.h"
#include "nncc/Dialect/NN/IR/Control.h"
#include "nncc/Dialect/NN/IR/Convolution.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Normalization.h"
#include "nncc/Dialect/NN/IR/Pooling.h"
#include "nncc/Dialect/NN/IR/Quantization.h"
#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Dialect/NN/IR/Selection.h"
#include "nncc/Dialect/NN/IR/Tensor.h"
#include "nncc/Dialect/NN/IR/Vision.h"

#endif // NNCC_DIALECT_NN_IR_NNOPS_H
