//===- Windows.cpp - sizes of sliding windows -----------------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IR/Windows.h"

using namespace mlir;

namespace nncc::nn {

static LogicalResult checkWindows(size_t rank, const Windows &windows, std::optional<Location> loc) {
  if (windows.kernel.size() != rank || windows.strides.size() != rank || windows.dilations.size() != rank ||
      windows.pads.size() != 2 * rank)
    return emitOptionalError(loc, "needs ", rank, " kernel sizes, strides and dilations and ", 2 * rank, " pads, got ",
                             windows.kernel.size(), ", ", windows.strides.size(), ", ", windows.dilations.size(),
                             " and ", windows.pads.size());
  // Bounded, so that no product of them overflows.
  constexpr int64_t kLimit = int64_t(1) << 30;
  auto inRange = [](ArrayRef<int64_t> values, int64_t low) {
    return llvm::all_of(values, [&](int64_t value) { return value >= low && value <= kLimit; });
  };
  if (!inRange(windows.strides, 1) || !inRange(windows.dilations, 1))
    return emitOptionalError(loc, "strides and dilations must be positive");
  if (!inRange(windows.kernel, 1))
    return emitOptionalError(loc, "kernel sizes must be positive");
  if (!inRange(windows.pads, -kLimit))
    return emitOptionalError(loc, "pads are out of range");
  return success();
}

FailureOr<SmallVector<Dim>> inferWindows(ArrayRef<Dim> spatial, const Windows &windows, std::optional<Location> loc) {
  size_t rank = spatial.size();
  if (failed(checkWindows(rank, windows, loc)))
    return failure();
  SmallVector<Dim> result;
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = windows.strides[i], extent = windows.dilations[i] * (windows.kernel[i] - 1) + 1;
    Dim room = spatial[i] + Dim(windows.pads[i] + windows.pads[rank + i] - extent);
    if (room.isStatic() && room.getStatic() < 0)
      return emitOptionalError(loc, "a window of ", extent, " does not fit a padded size of ",
                               room.getStatic() + extent);
    Dim positions = (windows.ceilMode ? room.ceilDiv(stride) : room.floorDiv(stride)) + Dim(1);
    // A window that starts in the end pad sees nothing of the input.
    if (windows.ceilMode && positions.isStatic() && spatial[i].isStatic() &&
        (positions.getStatic() - 1) * stride >= spatial[i].getStatic() + windows.pads[i])
      positions = positions - Dim(1);
    else if (windows.ceilMode && !positions.isStatic())
      positions = Dim::min(positions, (spatial[i] + Dim(windows.pads[i] - 1)).floorDiv(stride) + Dim(1));
    result.push_back(positions);
  }
  return result;
}

} // namespace nncc::nn
