//===- Control.cpp - If, Loop and Scan to linalg and exec ---------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Control.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateControl(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
