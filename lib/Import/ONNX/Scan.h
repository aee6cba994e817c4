//===- Scan.h - import of ONNX's Scan -----------------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_SCAN_H
#define NNCC_LIB_IMPORT_ONNX_SCAN_H

#include "nncc/Import/ONNX/NodeImporter.h"

namespace nncc::import {

mlir::LogicalResult importScan(NodeImporter &node);
/// Version 8: all inputs have a batch dim, each sequence perhaps a length of its own.
mlir::LogicalResult importBatchedScan(NodeImporter &node);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_SCAN_H
