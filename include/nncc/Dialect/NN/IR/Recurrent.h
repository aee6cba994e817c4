//===- Recurrent.h - LSTM, GRU and RNN of nn -----------------------------------------------------------------*- C++ -*--===//

#ifndef NNCC_DIALECT_NN_IR_RECURRENT_H
#define NNCC_DIALECT_NN_IR_RECURRENT_H

#include "nncc/Dialect/NN/IR/NNDialect.h"

namespace nncc::nn {

/// What the cells of nn.recurrence differ in.
struct RecurrentCell {
  llvm::StringRef name;
  /// Gates of each product.
  llvm::SmallVector<int64_t, 2> gates;
  int64_t numStates, numActivations;
  /// Parameters of a unit, if it has any.
  int64_t numParameters;

  int64_t getNumGates() const;
  /// Nothing when there is no such cell.
  static std::optional<RecurrentCell> find(llvm::StringRef name);
};

/// The activations that nn.recurrence knows: lower-case names, and what alpha and beta are unless a model says so.
struct RecurrentActivation {
  llvm::StringRef name;
  bool hasAlpha, hasBeta;
  float alpha, beta;

  /// Null when there is none of that name.
  static const RecurrentActivation *find(llvm::StringRef name);
};

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/IR/Recurrent.h.inc"

#endif // NNCC_DIALECT_NN_IR_RECURRENT_H
