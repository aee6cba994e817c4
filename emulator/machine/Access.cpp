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

namespace {
/// How the addresses of all lanes lie, whether they execute or not.
struct Pattern {
  bool uniform, inOrder;
};
} // namespace

/// Fills `lanes.address`; in order are accesses of `size` bytes one after the other.
static Pattern addressesOf(const Warp &w, const Inst &i, Slot slot, unsigned size, Lanes &lanes) {
  const uint64_t *wide = w.in<uint64_t>(slot);
  const uint32_t *narrow = w.in<uint32_t>(slot);
  uint64_t first = (i.wideAddress ? *wide : *narrow) + static_cast<uint64_t>(i.offset);
  __m256i offset = _mm256_set1_epi64x(i.offset), base = _mm256_set1_epi64x(static_cast<long long>(first));
  __m256i step = _mm256_set1_epi64x(4 * static_cast<long long>(size));
  __m256i expected = _mm256_setr_epi64x(0, size, 2 * size, 3 * size);
  __m256i apart = _mm256_setzero_si256(), unordered = apart;
  for (unsigned l = 0; l < numLanes; l += 4) {
    __m256i a = i.wideAddress ? _mm256_loadu_si256(reinterpret_cast<const __m256i *>(wide + l))
                              : _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i *>(narrow + l)));
    a = _mm256_add_epi64(a, offset);
    _mm256_store_si256(reinterpret_cast<__m256i *>(lanes.address + l), a);
    __m256i distance = _mm256_sub_epi64(a, base);
    apart = _mm256_or_si256(apart, distance);
    unordered = _mm256_or_si256(unordered, _mm256_xor_si256(distance, expected));
    expected = _mm256_add_epi64(expected, step);
  }
  return {_mm256_testz_si256(apart, apart) != 0, _mm256_testz_si256(unordered, unordered) != 0};
}

bool Block::resolve(Warp &w, const Inst &i, Slot address, unsigned size, Access access, Lanes &lanes) {
  addressesOf(w, i, address, size, lanes);
  return resolveLanes(w, i, size, access, lanes);
}

bool Block::resolveLanes(Warp &w, const Inst &i, unsigned size, Access access, Lanes &lanes) {
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

//===----------------------------------------------------------------------------------------------------------------------===//
// Short ways: a whole warp at one place, or at one place after the other. What looks wrong is left to the long way, which knows the lane.
//===----------------------------------------------------------------------------------------------------------------------===//

Layout Block::resolveLayout(Warp &w, const Inst &i, Slot slot, unsigned size, Access access, Lanes &lanes) {
  Pattern pattern = addressesOf(w, i, slot, size, lanes);
  uint64_t first = lanes.address[0];
  Layout layout = Layout::Scattered;
  if (w.exec == allLanes && !(first & (size - 1)) && ((pattern.uniform && access == Access::Read) || pattern.inOrder)) {
    Space space = i.space;
    if (space == Space::Generic) {
      space =
          first / sharedWindow == 1 && first % sharedWindow < windowBytes - 32 * size ? Space::Shared : Space::Global;
      first -= space == Space::Shared ? sharedWindow : 0;
    }
    uint64_t bytes = pattern.uniform ? size : uint64_t(size) * numLanes;
    if (space == Space::Global || space == Space::Const)
      layout = layoutGlobal(i, first, size, bytes, access, lanes);
    else if (space == Space::Shared)
      layout = layoutShared(w, first, size, bytes, access, lanes);
    else if (space == Space::Param && pattern.uniform && access == Access::Read && first <= params.size() &&
             size <= params.size() - first) {
      lanes.host[0] = const_cast<std::byte *>(params.data()) + first;
      layout = Layout::Uniform;
    }
  }
  if (layout != Layout::Scattered)
    return layout;
  return resolveLanes(w, i, size, access, lanes) ? Layout::Scattered : Layout::Stopped;
}

Layout Block::layoutGlobal(const Inst &i, uint64_t address, unsigned size, uint64_t bytes, Access access,
                           Lanes &lanes) {
  Allocation *&a = recent[i.index];
  if (!a || !a->holds(address, bytes))
    a = memory.find(address);
  if (!a || a->freed || !a->holds(address, bytes) || (access != Access::Read && a->readOnly))
    return Layout::Scattered;
  uint64_t offset = address - a->base;
  if (access != Access::Write && checks.uninitialised && !a->knows(offset, bytes))
    return Layout::Scattered;
  if (access != Access::Read)
    a->learn(offset, bytes);
  lanes.host[0] = a->data.get() + offset;
  counters.globalSectors += (address + bytes - 1) / 32 - address / 32 + 1;
  ++counters.globalRequests;
  return bytes == size ? Layout::Uniform : Layout::InOrder;
}

Layout Block::layoutShared(Warp &w, uint64_t address, unsigned size, uint64_t bytes, Access access, Lanes &lanes) {
  if (address > shared.size() || bytes > shared.size() - address)
    return Layout::Scattered;
  uint32_t at = static_cast<uint32_t>(address);
  if ((checks.races || checks.uninitialised) &&
      !(bytes == size ? shadow.readByAll(at, size, w.index) : shadow.accessInOrder(at, size, w.index, access)))
    return Layout::Scattered;
  lanes.host[0] = shared.data() + address;
  ++counters.sharedRequests;
  return bytes == size ? Layout::Uniform : Layout::InOrder;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Lane by lane
//===----------------------------------------------------------------------------------------------------------------------===//

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
  Allocation *a = recent[i.index];
  activeLanes(mask, [&](unsigned l) {
    uint64_t address = lanes.address[l];
    if (!a || !a->holds(address, size))
      a = memory.find(address);
    if (!a || a->freed || !a->holds(address, size))
      return w.trap(i, l, std::string(verb(access)) + " of " + memory.describe(address, size));
    uint64_t offset = address - a->base;
    if (access != Access::Read && a->readOnly)
      return w.trap(i, l, "a write to constant memory");
    if (access != Access::Write && checks.uninitialised && !a->knows(offset, size))
      return w.trap(i, l,
                    "a read of " + std::to_string(size) + " bytes at offset " + std::to_string(offset) +
                        " of an allocation of " + std::to_string(a->bytes) + ": never written");
    if (access != Access::Read)
      a->learn(offset, size);
    lanes.host[l] = a->data.get() + offset;
  });
  if (stopped)
    return false;
  recent[i.index] = a;
  countSectors(mask, lanes);
  return true;
}

bool Block::resolveShared(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes) {
  bool checked = checks.races || checks.uninitialised;
  activeLanes(mask, [&](unsigned l) {
    uint64_t address = lanes.address[l];
    if (address > shared.size() || size > shared.size() - address)
      return w.trap(i, l,
                    std::string(verb(access)) + " of " + std::to_string(size) + " bytes at shared address " +
                        std::to_string(static_cast<int64_t>(address)) + ": out of bounds, the block has " +
                        std::to_string(shared.size()) + " bytes");
    uint32_t at = static_cast<uint32_t>(address);
    if (checked && !shadow.access(at, size, w.thread(l), access)) {
      if (access != Access::Write || !shadow.racesWithWritesAlone(at, size, w.thread(l)))
        return w.trap(i, l, shadow.problem(at, size, w.thread(l), access));
      lanes.contested |= 1u << l;
    }
    lanes.host[l] = shared.data() + address;
  });
  if (stopped)
    return false;
  countConflicts(mask, size, lanes);
  return true;
}

bool Block::settle(Warp &w, const Inst &i, unsigned lane, unsigned size, const Lanes &lanes, const std::byte *value) {
  uint32_t at = static_cast<uint32_t>(lanes.host[lane] - shared.data());
  if (!std::memcmp(lanes.host[lane], value, size))
    shadow.shareWrite(at, size);
  else
    w.trap(i, lane, shadow.problem(at, size, w.thread(lane), Access::Write));
  return !stopped;
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
  return !stopped;
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
    lanes.host[l] = const_cast<std::byte *>(params.data()) + address;
  });
  return !stopped;
}

bool Block::resolveAsync(Warp &w, const Inst &i, Slot address, unsigned size, Lanes &lanes) {
  // As a write, but the bytes stay pending.
  if (!resolve(w, i, address, size, Access::Write, lanes))
    return false;
  activeLanes(w.exec, [&](unsigned l) {
    uint32_t at = static_cast<uint32_t>(lanes.host[l] - shared.data());
    if (lanes.contested >> l & 1)
      return w.trap(i, l, shadow.problem(at, size, w.thread(l), Access::Write));
    shadow.beginAsync(at, size, w.thread(l));
  });
  return !stopped;
}

uint64_t Block::sharedAddress(const Warp &w, const Inst &i, Slot address, unsigned lane) const {
  uint64_t at = i.wideAddress ? w.in<uint64_t>(address)[lane] : w.in<uint32_t>(address)[lane];
  at += static_cast<uint64_t>(i.offset);
  return at >= sharedWindow && at - sharedWindow < windowBytes ? at - sharedWindow : at;
}

bool Block::copyBulk(Warp &w, const Inst &i, unsigned lane, uint64_t to, uint64_t from, uint32_t bytes) {
  if (bytes % 16 || to % 16 || from % 16) {
    w.trap(i, lane,
           "misaligned: a bulk copy of " + std::to_string(bytes) + " bytes: all of it is in units of 16 bytes");
    return false;
  }
  Lanes source, target;
  for (uint32_t done = 0; done < bytes; done += 16) {
    source.address[lane] = from + done, target.address[lane] = to + done;
    if (!resolveGlobal(w, i, 1u << lane, 16, Access::Read, source) ||
        !resolveShared(w, i, 1u << lane, 16, Access::Write, target))
      return false;
    std::memcpy(target.host[lane], source.host[lane], 16);
  }
  return true;
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

/// 32 banks of 4 bytes. An access of 8 or 16 bytes a lane is made in 2 or 4 passes of so many lanes less; lanes that want the same word share it. As
/// accesses are aligned, one of 8 or 16 bytes meets another in all its banks or in none.
void Block::countConflicts(uint32_t mask, unsigned size, const Lanes &lanes) {
  ++counters.sharedRequests;
  unsigned unit = std::max(size, 4u), group = 128 / unit, shift = static_cast<unsigned>(std::countr_zero(unit));
  for (unsigned first = 0; first < numLanes; first += group) {
    uint64_t wanted[numLanes], rows[numLanes];
    uint32_t taken = 0;
    unsigned count = 0;
    bool clash = false;
    for (unsigned l = first; l < first + group; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint64_t at = lanes.address[l] >> shift, bank = at & (group - 1);
      clash |= taken >> bank & 1 && rows[bank] != at;
      taken |= 1u << bank;
      rows[bank] = at;
      wanted[count++] = at;
    }
    if (!clash)
      continue;
    std::sort(wanted, wanted + count);
    count = static_cast<unsigned>(std::unique(wanted, wanted + count) - wanted);
    unsigned depth[32] = {}, deepest = 0;
    for (unsigned k = 0; k < count; ++k)
      deepest = std::max(deepest, ++depth[wanted[k] & (group - 1)]);
    counters.bankConflicts += deepest - 1;
  }
}

} // namespace nncc::emu
