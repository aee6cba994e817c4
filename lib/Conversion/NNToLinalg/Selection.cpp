//===- Selection.cpp - sorting, searching and scattering to linalg and exec ---------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "Lowering.h"

using namespace mlir;

namespace nncc {

void populateSelection(const TypeConverter &, RewritePatternSet &) {}

} // namespace nncc
