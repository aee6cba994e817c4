//===- Quantization.cpp - quantised arithmetic to linalg and exec -------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Quantization.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateQuantization(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
