//===- Pooling.cpp - pooling windows to linalg and exec -----------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Pooling.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populatePooling(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
