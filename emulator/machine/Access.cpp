//===- Access.cpp - checks accesses of memory, finds their bytes, counts them ------------------------------------===//

#include "Block.h"
#include <algorithm>

namespace nncc::emu {

static const char *verb(Access access) { return access == Access::Read ? "a read" : "a write"; }

bool Block::aligned(Warp &w, const Inst &i, uint32_t mask, unsigned size, const Lanes &lanes) {
  uint64_t low = 0;
  activeLanes(mask, [&](unsigned l) { low |= lanes.address[l]; });
  if (!(low & (size - 1)))
    return true;
  activeLanes(mask, [&](unsigned l) {
    if (lanes.address[l] & (size - 1))
      w.trap(i, l,
             "misaligned: an access of " + std::to_string(size) + " bytes at address " +
                 std::to_string(lanes.address[l]));
  });
  return false;
}

bool Block::resolve(Warp &w, const Inst &i, Slot address, unsigned size, Access access, Lanes &lanes) {
  if (i.wideAddress) {
    const uint64_t *a = w.in<uint64_t>(address);
    for (unsigned l = 0; l < numLanes; ++l)
      lanes.address[l] = a[l] + static_cast<uint64_t>(i.offset);
  } else {
    const uint32_t *a = w.in<uint32_t>(address);
    for (unsigned l = 0; l < numLanes; ++l)
      lanes.address[l] = a[l] + static_cast<uint64_t>(i.offset);
  }
  if (!aligned(w, i, w.exec, size, lanes))
    return false;
  if (i.space != Space::Generic)
    return resolveWindow(w, i, w.exec, i.space, size, access, lanes);
  // A generic address says by its window which space it means; lanes may differ.
  uint32_t masks[4] = {};
  activeLanes(w.exec, [&](unsigned l) {
    uint64_t window = lanes.address[l] / sharedWindow;
    bool inWindow = window >= 1 && window <= 3 && lanes.address[l] % sharedWindow < windowBytes;
    masks[inWindow ? window : 0] |= 1u << l;
    lanes.address[l] -= inWindow ? window * sharedWindow : 0;
  });
  constexpr Space spaces[] = {Space::Global, Space::Shared, Space::Local, Space::Param};
  for (unsigned s = 0; s < 4; ++s)
    if (masks[s] && !resolveWindow(w, i, masks[s], spaces[s], size, access, lanes))
      return false;
  return true;
}

bool Block::resolveWindow(Warp &w, const Inst &i, uint32_t mask, Space space, unsigned size, Access access,
                          Lanes &lanes) {
  switch (space) {
  case Space::Shared:
    return resolveShared(w, i, mask, size, access, lanes);
  case Space::Local:
    return resolveLocal(w, i, mask, size, access, lanes);
  case Space::Param:
    return resolveParam(w, i, mask, size, access, lanes);
  default:
    return resolveGlobal(w, i, mask, size, access, lanes);
  }
}

bool Block::resolveGlobal(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes) {
  Allocation *a = lastAllocation;
  activeLanes(mask, [&](unsigned l) {
    uint64_t address = lanes.address[l];
    if (!a || !a->holds(address, size))
      a = memory.find(address);
    if (!a || a->freed || !a->holds(address, size))
      return w.trap(i, l, std::string(verb(access)) + " of " + memory.describe(address, size));
    uint64_t offset = address - a->base;
    if (access != Access::Read && a->readOnly)
      return w.trap(i, l, "a write to constant memory");
    if (access != Access::Write && checks.uninitialised && !allSet(a->known.get() + offset, size))
      return w.trap(i, l,
                    "a read of " + std::to_string(size) + " bytes at offset " + std::to_string(offset) +
                        " of an allocation of " + std::to_string(a->bytes) + ": never written");
    if (access != Access::Read)
      std::memset(a->known.get() + offset, 1, size);
    lanes.host[l] = a->data.get() + offset;
  });
  if (trap)
    return false;
  lastAllocation = a;
  countSectors(mask, lanes);
  return true;
}

bool Block::resolveShared(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes) {
  activeLanes(mask, [&](unsigned l) {
    uint64_t address = lanes.address[l];
    if (trap)
      return;
    if (address > shared.size() || size > shared.size() - address)
      return w.trap(i, l,
                    std::string(verb(access)) + " of " + std::to_string(size) + " bytes at shared address " +
                        std::to_string(static_cast<int64_t>(address)) + ": out of bounds, the block has " +
                        std::to_string(shared.size()) + " bytes");
    if (checks.races || checks.uninitialised) {
      std::string problem =
          shadow.access(static_cast<uint32_t>(address), size, w.thread(l), access, checks.races, checks.uninitialised);
      if (!problem.empty())
        return w.trap(i, l, std::move(problem));
    }
    lanes.host[l] = shared.data() + address;
  });
  if (trap)
    return false;
  countConflicts(mask, size, lanes);
  return true;
}

bool Block::resolveLocal(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes) {
  activeLanes(mask, [&](unsigned l) {
    uint64_t address = lanes.address[l];
    if (address > program.localBytes || size > program.localBytes - address)
      return w.trap(i, l,
                    std::string(verb(access)) + " of " + std::to_string(size) + " bytes at local address " +
                        std::to_string(static_cast<int64_t>(address)) + ": out of bounds, the thread has " +
                        std::to_string(program.localBytes) + " bytes");
    size_t offset = w.thread(l) * program.localBytes + address;
    if (access != Access::Write && checks.uninitialised && !allSet(localKnown.data() + offset, size))
      return w.trap(i, l, "a read of local address " + std::to_string(address) + ": never written");
    if (access != Access::Read)
      std::memset(localKnown.data() + offset, 1, size);
    lanes.host[l] = local.data() + offset;
  });
  return !trap;
}

bool Block::resolveParam(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes) {
  activeLanes(mask, [&](unsigned l) {
    uint64_t address = lanes.address[l];
    if (access != Access::Read)
      return w.trap(i, l, "a write to the parameters of the kernel");
    if (address > params.size() || size > params.size() - address)
      return w.trap(i, l,
                    "a read of " + std::to_string(size) + " bytes at parameter address " +
                        std::to_string(static_cast<int64_t>(address)) + ": out of bounds, there are " +
                        std::to_string(params.size()) + " bytes");
    lanes.host[l] = params.data() + address;
  });
  return !trap;
}

bool Block::resolveAsync(Warp &w, const Inst &i, Slot address, unsigned size, Lanes &lanes) {
  // As a write, but the bytes stay pending.
  if (!resolve(w, i, address, size, Access::Write, lanes))
    return false;
  activeLanes(w.exec, [&](unsigned l) {
    uint32_t at = static_cast<uint32_t>(lanes.host[l] - shared.data());
    std::string problem = shadow.beginAsync(at, size, w.thread(l), checks.races);
    if (!problem.empty())
      w.trap(i, l, std::move(problem));
  });
  return !trap;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------------------------------------------------------===//

void Block::countSectors(uint32_t mask, const Lanes &lanes) {
  uint64_t sectors[numLanes];
  unsigned count = 0;
  bool sorted = true;
  activeLanes(mask, [&](unsigned l) {
    uint64_t sector = lanes.address[l] / 32;
    if (count && sectors[count - 1] == sector)
      return;
    sorted &= !count || sectors[count - 1] < sector;
    sectors[count++] = sector;
  });
  // An access is aligned to its size, so none spans two sectors.
  if (!sorted) {
    std::sort(sectors, sectors + count);
    count = static_cast<unsigned>(std::unique(sectors, sectors + count) - sectors);
  }
  counters.globalSectors += count;
  ++counters.globalRequests;
}

/// 32 banks of 4 bytes. An access of 8 or 16 bytes a lane is made in 2 or 4 passes of so many lanes less; lanes that want the same word share it.
void Block::countConflicts(uint32_t mask, unsigned size, const Lanes &lanes) {
  ++counters.sharedRequests;
  unsigned words = size <= 4 ? 1 : size / 4, group = numLanes / words;
  for (unsigned first = 0; first < numLanes; first += group) {
    uint32_t part = mask & (group == numLanes ? allLanes : ((1u << group) - 1) << first);
    uint64_t wanted[numLanes];
    uint32_t taken = 0;
    unsigned count = 0;
    bool clash = false;
    activeLanes(part, [&](unsigned l) {
      for (unsigned k = 0; k < words; ++k) {
        uint64_t word = lanes.address[l] / 4 + k;
        clash |= taken >> word % 32 & 1;
        taken |= 1u << word % 32;
        wanted[count++] = word;
      }
    });
    if (!clash)
      continue;
    std::sort(wanted, wanted + count);
    count = static_cast<unsigned>(std::unique(wanted, wanted + count) - wanted);
    unsigned depth[32] = {}, deepest = 0;
    for (unsigned k = 0; k < count; ++k)
      deepest = std::max(deepest, ++depth[wanted[k] % 32]);
    counters.bankConflicts += deepest - 1;
  }
}

} // namespace nncc::emu
