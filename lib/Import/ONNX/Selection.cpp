//===- Selection.cpp - import of sorting, searching and scattering ------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Selection.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerSelection(ImportTable &table) { table.add({}); }

} // namespace nncc::import
