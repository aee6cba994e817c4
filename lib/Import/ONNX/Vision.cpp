//===- Vision.cpp - import of resizing and boxes ------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Vision.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerVision(ImportTable &table) { table.add({}); }

} // namespace nncc::import
