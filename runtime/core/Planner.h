//===- Planner.h - where each buffer of a schedule lies in the arena ----------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_PLANNER_H
#define NNCCRT_CORE_PLANNER_H

#include "Heap.h"
#include "nnccrt/abi.h"

namespace nncc::rt {

enum class Packing { Done, NoMemory, Overflow };

/// Gives each slot an offset (a multiple of 64) so that slots alive at the same launch do not overlap, and `total` the bytes of the
/// arena. Best fit, the largest slots first; other orders are tried when that is far from what is alive at once.
Packing pack(const nnccrt_slot *slots, const int64_t *bytes, uint32_t count, Array<int64_t> &offsets, int64_t &total);

/// The most bytes alive at one launch: no plan has less.
int64_t liveBytes(const nnccrt_slot *slots, const int64_t *bytes, uint32_t count);

} // namespace nncc::rt

#endif // NNCCRT_CORE_PLANNER_H
