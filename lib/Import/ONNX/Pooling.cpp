//===- Pooling.cpp - import of pooling windows --------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Pooling.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerPooling(ImportTable &table) { table.add({}); }

} // namespace nncc::import
