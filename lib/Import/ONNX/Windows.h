//===- Windows.h - attributes of sliding windows ----------------------------------------------------------------*- C++ -*-===//

#ifndef NNCC_LIB_IMPORT_ONNX_WINDOWS_H
#define NNCC_LIB_IMPORT_ONNX_WINDOWS_H

#include "nncc/Import/ONNX/NodeImporter.h"

namespace nncc::import {

struct WindowAttributes {
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads; ///< pads: all begins, then all ends
};

/// `strides`, `dilations`, `pads` and `auto_pad` of Conv and the pooling operators for an input N x C x D1..Dk, with their defaults.
/// `auto_pad` is resolved to pads; that needs the input's sizes where a stride is not 1.
mlir::FailureOr<WindowAttributes> importWindows(NodeImporter &node, mlir::RankedTensorType input,
                                                llvm::ArrayRef<int64_t> kernel, bool resolveAutoPad = true);

} // namespace nncc::import

#endif // NNCC_LIB_IMPORT_ONNX_WINDOWS_H
