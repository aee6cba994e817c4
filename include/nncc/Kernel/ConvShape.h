//===- ConvShape.h - a convolution with three spatial dims ----------------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_CONVSHAPE_H
#define NNCC_KERNEL_CONVSHAPE_H

#include "nncc/Kernel/ContractionSite.h"
#include "nncc/Kernel/IndexMath.h"
#include <array>

namespace nncc::kernel {

using namespace kernel;

using Spatial = std::array<int64_t, 3>;

/// What is known of a convolution while compiling. A convolution with fewer spatial dims has leading ones. Sizes of the batch and of
/// images may be dynamic, all else is static.
struct ConvShape {
  int64_t batch, groups, groupInputs, groupOutputs;
  Spatial input, output, kernel, stride, dilation, padBefore;
  /// Whether anything outside of the input is read along a spatial dim.
  std::array<bool, 3> isPaddedAlong;

  /// None when the filter or the number of channels has dynamic sizes.
  static std::optional<ConvShape> of(exec::ConvOp op);
  int64_t getInputs() const { return groups * groupInputs; }
  int64_t getOutputs() const { return groups * groupOutputs; }
  int64_t getTaps() const { return kernel[0] * kernel[1] * kernel[2]; }
  bool isPadded() const { return llvm::is_contained(isPaddedAlong, true); }
  /// A matrix product of pixels and channels.
  bool isPointwise() const;
};

/// The operands of a convolution in memory, and the sizes that are known only now.
struct ConvOperands {
  ConvOperands(IndexMath &m, const ContractionSite &site);

  /// One-dimensional.
  mlir::Value input, filter;
  /// What stands outside of the input.
  mlir::Value outside;
  mlir::Value batch;
  std::array<mlir::Value, 3> inputSizes, outputSizes;
};

} // namespace nncc::kernel

#endif // NNCC_KERNEL_CONVSHAPE_H
