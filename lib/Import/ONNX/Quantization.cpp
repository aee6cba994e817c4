//===- Quantization.cpp - import of quantised arithmetic ----------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Quantization.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerQuantization(ImportTable &table) { table.add({}); }

} // namespace nncc::import
