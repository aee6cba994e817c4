//===- Normalization.cpp - import of normalisations and softmax ---------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Normalization.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerNormalization(ImportTable &table) { table.add({}); }

} // namespace nncc::import
