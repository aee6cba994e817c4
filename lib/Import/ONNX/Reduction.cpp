//===- Reduction.cpp - import of reductions -----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Reduction.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerReduction(ImportTable &table) { table.add({}); }

} // namespace nncc::import
