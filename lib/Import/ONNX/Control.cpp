//===- Control.cpp - import of If, Loop and Scan ------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Control.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerControl(ImportTable &table) { table.add({}); }

} // namespace nncc::import
