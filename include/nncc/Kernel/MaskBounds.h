//===- MaskBounds.h - from when on a mask hides a key -----------------------------------------------------*- C++ -*-===//

#ifndef NNCC_KERNEL_MASKBOUNDS_H
#define NNCC_KERNEL_MASKBOUNDS_H

namespace nncc::kernel {

/// A mask hides a key where it is at most `hidden`. In a row whose largest score is above `visible`, such a key has the weight 0, exactly:
/// what is left of a score of any use beside these numbers is far below the smallest exponent.
struct MaskBounds {
  static constexpr double hidden = -1e30, visible = -1e29;
};

} // namespace nncc::kernel

#endif // NNCC_KERNEL_MASKBOUNDS_H
