//===- Cpu.h - what this CPU can do -------------------------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_CPU_H
#define NNCCRT_CORE_CPU_H

#include "Report.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace nncc::rt {

/// NNCCRT_CPU_* of this CPU, as far as the operating system saves the registers.
uint64_t cpuFeatures();

/// The last level of the model that the CPU can run and that the environment variable NNCC_CPU_LEVEL (a level's name, or x86-64-v1 to
/// x86-64-v4 for "at most") allows.
const nnccrt_level *chooseLevel(const nnccrt_model &model, Report &report);

/// As kernels expect it while this lives: round to nearest, subnormals kept, no traps. What the caller had comes back at the end,
/// except the exception flags, which are the caller's old ones.
class FloatingPoint {
public:
  FloatingPoint() : before(_mm_getcsr()) {
    if (before != kernels)
      _mm_setcsr(kernels);
  }
  ~FloatingPoint() { _mm_setcsr(before); }
  FloatingPoint(const FloatingPoint &) = delete;
  FloatingPoint &operator=(const FloatingPoint &) = delete;

private:
  static constexpr unsigned kernels = 0x1f80;
  unsigned before;
};

} // namespace nncc::rt

#endif // NNCCRT_CORE_CPU_H
