//===- Target.h - what the kernel emitters know about the CPU -------------------------------------------*- C++ -*-===//

#ifndef NNCC_CPU_TARGET_H
#define NNCC_CPU_TARGET_H

#include <cstdint>

namespace nncc::cpu {

/// The vector unit and the caches that a kernel is written for. One value a level of the object (-mcpu).
struct CPUTarget {
  /// Bits of the widest vector register: 128 (x86-64, x86-64-v2), 256 (v3) or 512 (v4).
  unsigned vectorBits = 256;
  /// Fused multiply-add. Without it `vector.fma` and `math.fma` must not be emitted: they would call libm for each
  /// lane.
  bool hasFMA = true;
  /// AVX512-VNNI: four u8 x s8 products added to an i32.
  bool hasVNNI = false;
  /// 0: one scalar loop nest an op, accumulated in order; nothing fused, tiled or packed.
  unsigned optLevel = 3;
  /// Bytes of cache that one core may fill with a block of data.
  int64_t l1Bytes = 32 << 10;
  int64_t l2Bytes = 512 << 10;

  bool hasAVX512() const { return vectorBits == 512; }
  /// Vector registers that the instruction set names.
  unsigned getNumRegisters() const { return hasAVX512() ? 32 : 16; }
};

} // namespace nncc::cpu

#endif // NNCC_CPU_TARGET_H
