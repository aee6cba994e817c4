//===- Planner.cpp - where each buffer of a schedule lies in the arena ------------------------------------------===//

#include "Planner.h"
#include <algorithm>

namespace nncc::rt {

static constexpr int64_t alignment = 64;

/// False beyond 64 bits.
static bool roundUp(int64_t bytes, int64_t &rounded) {
  if (bytes < 0 || bytes > INT64_MAX - alignment)
    return false;
  rounded = (bytes + alignment - 1) / alignment * alignment;
  return true;
}

int64_t liveBytes(const nnccrt_slot *slots, const int64_t *bytes, uint32_t count) {
  // The maximum is at the start of some slot.
  int64_t most = 0;
  for (uint32_t i = 0; i < count; ++i) {
    int64_t live = 0, rounded = 0;
    for (uint32_t k = 0; k < count; ++k)
      if (slots[k].first <= slots[i].first && slots[i].first <= slots[k].last && roundUp(bytes[k], rounded))
        live = live > INT64_MAX - rounded ? INT64_MAX : live + rounded;
    most = std::max(most, live);
  }
  return most;
}

namespace {
class Packer {
public:
  Packer(const nnccrt_slot *slots, uint32_t count) : slots(slots), count(count) {}

  bool prepare(const int64_t *bytes, Packing &problem) {
    problem = Packing::NoMemory;
    if (!sizes.resize(count) || !order.resize(count) || !placed.resize(count))
      return false;
    problem = Packing::Overflow;
    for (uint32_t i = 0; i < count; ++i)
      if (!roundUp(bytes[i], sizes[i]))
        return false;
    return true;
  }

  /// Places the slots in the order of `before`, each in the smallest gap that holds it.
  template <typename Before> bool place(const Before &before, int64_t *offsets, int64_t &total) {
    for (uint32_t i = 0; i < count; ++i)
      order[i] = i;
    std::sort(order.begin(), order.end(), before);
    total = 0;
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t slot = order[i];
      offsets[slot] = bestGap(slot, i, offsets);
      if (offsets[slot] > INT64_MAX - sizes[slot])
        return false;
      total = std::max(total, offsets[slot] + sizes[slot]);
      // `placed` stays sorted by offset, so that gaps are found in one walk.
      uint32_t *position = std::upper_bound(placed.begin(), placed.begin() + i, slot,
                                            [&](uint32_t a, uint32_t b) { return offsets[a] < offsets[b]; });
      std::move_backward(position, placed.begin() + i, placed.begin() + i + 1);
      *position = slot;
    }
    return true;
  }

  int64_t size(uint32_t slot) const { return sizes[slot]; }
  uint64_t lifetime(uint32_t slot) const { return uint64_t(slots[slot].last) - slots[slot].first + 1; }
  uint32_t first(uint32_t slot) const { return slots[slot].first; }

private:
  int64_t bestGap(uint32_t slot, uint32_t numPlaced, const int64_t *offsets) const {
    int64_t end = 0, best = -1, bestSize = INT64_MAX;
    for (uint32_t i = 0; i < numPlaced; ++i) {
      uint32_t other = placed[i];
      if (slots[other].last < slots[slot].first || slots[slot].last < slots[other].first)
        continue;
      int64_t gap = offsets[other] - end;
      if (gap >= sizes[slot] && gap < bestSize) {
        best = end;
        bestSize = gap;
      }
      end = std::max(end, offsets[other] + sizes[other]);
    }
    return best >= 0 ? best : end;
  }

  const nnccrt_slot *slots;
  uint32_t count;
  Array<int64_t> sizes;
  Array<uint32_t> order, placed;
};
} // namespace

Packing pack(const nnccrt_slot *slots, const int64_t *bytes, uint32_t count, Array<int64_t> &offsets, int64_t &total) {
  Packer packer(slots, count);
  Array<int64_t> attempt;
  Packing problem;
  if (!packer.prepare(bytes, problem))
    return problem;
  if (!offsets.resize(count) || !attempt.resize(count))
    return Packing::NoMemory;

  auto bySize = [&](uint32_t a, uint32_t b) {
    return packer.size(a) != packer.size(b) ? packer.size(a) > packer.size(b) : a < b;
  };
  if (!packer.place(bySize, offsets.data(), total))
    return Packing::Overflow;
  int64_t bound = liveBytes(slots, bytes, count);
  auto closeEnough = [&] { return total - bound <= bound / 32; };
  auto consider = [&](const auto &before) {
    int64_t attemptTotal = 0;
    if (closeEnough() || !packer.place(before, attempt.data(), attemptTotal) || attemptTotal >= total)
      return;
    total = attemptTotal;
    std::copy(attempt.begin(), attempt.end(), offsets.begin());
  };
  consider([&](uint32_t a, uint32_t b) { // what is large for long first
    double areaA = static_cast<double>(packer.size(a)) * static_cast<double>(packer.lifetime(a));
    double areaB = static_cast<double>(packer.size(b)) * static_cast<double>(packer.lifetime(b));
    return areaA != areaB ? areaA > areaB : a < b;
  });
  consider([&](uint32_t a, uint32_t b) {
    return packer.lifetime(a) != packer.lifetime(b) ? packer.lifetime(a) > packer.lifetime(b) : bySize(a, b);
  });
  consider([&](uint32_t a, uint32_t b) {
    return packer.first(a) != packer.first(b) ? packer.first(a) < packer.first(b) : bySize(a, b);
  });
  return Packing::Done;
}

} // namespace nncc::rt
