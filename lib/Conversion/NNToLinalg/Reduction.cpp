//===- Reduction.cpp - reductions to linalg and exec --------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Reduction.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateReduction(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
