//===- Windows.h - sizes of sliding windows, for convolution and pooling ----------------------------------------*- C++ -*-===//

#ifndef NNCC_DIALECT_NN_IR_WINDOWS_H
#define NNCC_DIALECT_NN_IR_WINDOWS_H

#include "mlir/IR/Diagnostics.h"
#include "nncc/Dialect/NN/IR/Dim.h"

namespace nncc::nn {

/// A window that slides over k spatial dims. `pads` are k begins, then k ends.
struct Windows {
  llvm::ArrayRef<int64_t> kernel, strides, dilations, pads;
  bool ceilMode =
      false; ///< a last window that hangs over the end counts, if it starts inside the input or its begin pad
};

/// The number of positions along each spatial dim. Fails with a message when the attributes do not fit, or a position count would be
/// negative.
mlir::FailureOr<llvm::SmallVector<Dim>> inferWindows(llvm::ArrayRef<Dim> spatial, const Windows &windows,
                                                     std::optional<mlir::Location> loc);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_IR_WINDOWS_H
