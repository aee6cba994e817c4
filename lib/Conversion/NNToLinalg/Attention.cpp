//===- Attention.cpp - scaled dot-product attention to linalg and exec --------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Attention.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateAttention(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
