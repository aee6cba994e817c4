//===- Recurrent.cpp - import of LSTM, GRU and RNN ----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Recurrent.h"
#include "nncc/Import/ONNX/ImportTable.h"
#include "nncc/Import/ONNX/NodeImporter.h"

using namespace mlir;

namespace nncc::import {

void registerRecurrent(ImportTable &table) { table.add({}); }

} // namespace nncc::import
