//===- Target.h - what the kernel emitters know about the GPU -------------------------------------------*- C++ -*-===//

#ifndef NNCC_GPU_TARGET_H
#define NNCC_GPU_TARGET_H

#include <cstdint>

namespace nncc::gpu {

/// The family of cards that a kernel is written for. One value an image of the object (-gpu).
struct GPUTarget {
  /// Compute capability: 35 for 3.5, 80 for 8.0.
  unsigned sm = 50;
  /// 0: nothing fused or tiled.
  unsigned optLevel = 3;
  /// Whether operands of f32 products may be rounded to tf32 (--tf32); a card without it has them as they are.
  bool tf32 = false;

  /// Of an image: 60 for 6.0. The oldest version that knows the family and has what we use (`shfl.sync` is of 6.0, Turing's
  /// `ldmatrix` and `mma.sync` of m16n8k8 are of 6.5), so that the oldest driver that does takes it;
  /// Kepler's last one stops at 7.4.
  unsigned getPtxVersion() const {
    constexpr struct {
      unsigned sm, version;
    } table[] = {{121, 88}, {120, 87}, {103, 88}, {100, 86}, {89, 78},
                 {87, 74},  {86, 71},  {80, 70},  {75, 65},  {72, 61}};
    for (auto [family, version] : table)
      if (sm >= family)
        return version;
    return 60;
  }

  /// Arithmetic on two f16 an instruction.
  bool hasHalfArithmetic() const { return sm >= 60 && sm != 61; }
  /// `dp4a`: the products of 4 bytes, added to an i32. (PTX ISA: "requires sm_61 or higher".)
  bool hasByteProducts() const { return sm >= 61; }
  /// `mma.sync` of f16: m16n8k8 (and of s8), from Turing on.
  bool hasMma() const { return sm >= 75; }
  /// m16n8k16, bf16 and tf32 operands, `cp.async`.
  bool hasAmpereMma() const { return sm >= 80; }
  bool hasAsyncCopy() const { return sm >= 80; }
  /// Whether f32 products go to tensor cores.
  bool usesTF32() const { return tf32 && hasAmpereMma(); }
  /// Conversions to bf16 in hardware.
  bool hasBF16() const { return sm >= 80; }

  /// Bytes of shared memory that a block has without being asked for more, and the most it may have.
  static constexpr int64_t sharedBytes = 48 << 10;
  int64_t getMaxSharedBytes() const {
    if (sm >= 120)
      return 99 << 10;
    if (sm >= 90)
      return 227 << 10;
    if (sm == 80 || sm == 87)
      return 163 << 10;
    if (sm >= 86)
      return 99 << 10;
    if (sm >= 75)
      return 64 << 10;
    return sm >= 70 ? 96 << 10 : sharedBytes;
  }
};

} // namespace nncc::gpu

#endif // NNCC_GPU_TARGET_H
