//===- Attention.cpp - import of scaled dot-product attention -----------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Attention.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerAttention(ImportTable &table) { table.add({}); }

} // namespace nncc::import
