//===- Warp.h - 32 lanes and what they see -----------------------------------------------------------------------===//

#ifndef NNCCEMU_WARP_H
#define NNCCEMU_WARP_H

#include "Program.h"
#include <bit>
#include <cstring>
#include <immintrin.h>

namespace nncc::emu {

inline constexpr unsigned numLanes = 32;
inline constexpr uint32_t allLanes = UINT32_MAX;

struct Block;

/// Lanes that go on at `pc` until `reconverge`.
struct Frame {
  uint32_t pc = 0, reconverge = nowhere, mask = 0;
};

struct AsyncCopy {
  uint32_t shared, bytes;
  uint16_t thread;
  uint32_t time = 0; ///< of the shadow, when it ended
};

struct Warp {
  std::byte *file = nullptr; ///< registers and constants
  uint32_t exec = 0;         ///< lanes that execute the current instruction
  Frame now;
  uint32_t live = 0;
  unsigned index = 0;
  Block *block = nullptr;
  std::vector<Frame> suspended;
  std::vector<AsyncCopy> uncommitted;
  std::vector<std::vector<AsyncCopy>> groups; ///< of cp.async, oldest first
  // Barriers.
  int waitsAt = -1;
  bool yields = false; ///< has found nothing to do: others come first
  uint32_t carry = 0;  ///< of add.cc and sub.cc, a bit a lane

  template <class T> const T *in(Slot slot) const { return reinterpret_cast<const T *>(file + slot); }
  template <class T> T *out(Slot slot) { return reinterpret_cast<T *>(file + slot); }

  unsigned thread(unsigned lane) const { return index * numLanes + lane; }
  /// Stops the launch; the first problem is kept.
  void trap(const Inst &i, unsigned lane, std::string message);
};

/// Before a loop over lanes. An operand is another one's whole or apart from it, so that lanes never disturb each other.
#ifdef __clang__
#define NNCCEMU_LANES _Pragma("clang loop vectorize(assume_safety) interleave_count(4) unroll(disable)")
#else
#define NNCCEMU_LANES _Pragma("GCC ivdep")
#endif

/// d[l] = f(l) for each lane that executes. `f` is called for the others too: it must be harmless for any bits.
template <class D, class F> inline void eachLane(Warp &w, Slot slot, F f) {
  D *d = w.out<D>(slot);
  if (w.exec == allLanes) {
    NNCCEMU_LANES
    for (unsigned l = 0; l < numLanes; ++l)
      d[l] = f(l);
    return;
  }
  NNCCEMU_LANES
  for (unsigned l = 0; l < numLanes; ++l) {
    D value = f(l);
    d[l] = w.exec >> l & 1 ? value : d[l];
  }
}

/// A bit for each lane for which f(l) holds.
template <class F> inline uint32_t bitsWhere(F f) {
  alignas(32) uint8_t flags[numLanes];
  NNCCEMU_LANES
  for (unsigned l = 0; l < numLanes; ++l)
    flags[l] = f(l) ? 0xff : 0;
  return static_cast<uint32_t>(_mm256_movemask_epi8(*reinterpret_cast<const __m256i *>(flags)));
}

/// The same as eachLane for a predicate, which is a bit a lane.
template <class F> inline void eachBit(Warp &w, Slot slot, F f) {
  uint32_t bits = bitsWhere(f), *d = w.out<uint32_t>(slot);
  *d = (*d & ~w.exec) | (bits & w.exec);
}

/// For what cannot be done for a lane that does not execute.
template <class F> inline void activeLanes(uint32_t mask, F f) {
  for (; mask; mask &= mask - 1)
    f(static_cast<unsigned>(std::countr_zero(mask)));
}

// Handlers of operations that treat lanes alike: first the destination, then the sources.
template <class D, class A, auto op> void mapUnary(Warp &w, const Inst &i) {
  const A *a = w.in<A>(i.op[1]);
  eachLane<D>(w, i.op[0], [=](unsigned l) { return static_cast<D>(op(a[l])); });
}
template <class D, class A, class B, auto op> void mapBinary(Warp &w, const Inst &i) {
  const A *a = w.in<A>(i.op[1]);
  const B *b = w.in<B>(i.op[2]);
  eachLane<D>(w, i.op[0], [=](unsigned l) { return static_cast<D>(op(a[l], b[l])); });
}
template <class D, class A, class B, class C, auto op> void mapTernary(Warp &w, const Inst &i) {
  const A *a = w.in<A>(i.op[1]);
  const B *b = w.in<B>(i.op[2]);
  const C *c = w.in<C>(i.op[3]);
  eachLane<D>(w, i.op[0], [=](unsigned l) { return static_cast<D>(op(a[l], b[l], c[l])); });
}

} // namespace nncc::emu

#endif
