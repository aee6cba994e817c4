//===- Vision.cpp - resizing and boxes to linalg and exec ---------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateVision(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
