//===- NNOps.h - all op families of nn --------------------------------------------------------------------------*- C++ -*-===//
/// \file
/// For the few files that treat all families alike. A file about one family includes only that family's header.
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_IR_NNOPS_H
#define NNCC_DIALECT_NN_IR_NNOPS_H

#include "nncc/Dialect/NN/IR/Convolution.h"
#include "nncc/Dialect/NN/IR/Elementwise.h"
#include "nncc/Dialect/NN/IR/MatMul.h"
#include "nncc/Dialect/NN/IR/Tensor.h"

#endif // NNCC_DIALECT_NN_IR_NNOPS_H
