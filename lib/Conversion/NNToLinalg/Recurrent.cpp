//===- Recurrent.cpp - LSTM, GRU and RNN to linalg and exec -------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateRecurrent(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
