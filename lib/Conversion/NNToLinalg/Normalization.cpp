//===- Normalization.cpp - normalisations and softmax to linalg and exec ------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Normalization.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateNormalization(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
