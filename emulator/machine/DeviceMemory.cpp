//===- DeviceMemory.cpp - allocations of global memory -----------------------------------------------------------===//

#include "DeviceMemory.h"
#include <algorithm>
#include <cstdio>

namespace nncc::emu {

static std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

uint64_t DeviceMemory::allocate(uint64_t bytes) {
  if (!bytes || bytes > capacity - used)
    return 0;
  Allocation a;
  a.base = next, a.bytes = bytes;
  a.data.reset(static_cast<std::byte *>(std::malloc(bytes)));
  a.known.reset(static_cast<uint8_t *>(std::calloc(bytes, 1)));
  if (!a.data || !a.known)
    return 0;
  // Not zero: who reads what was never written shall not be lucky when the check is off.
  std::memset(a.data.get(), 0xcb, bytes);
  used += bytes;
  next = (next + bytes + gap + alignment - 1) / alignment * alignment;
  return allocations.emplace(a.base, std::move(a)).first->first;
}

bool DeviceMemory::release(uint64_t address) {
  auto at = allocations.find(address);
  if (at == allocations.end() || at->second.freed)
    return false;
  at->second.freed = true;
  at->second.data.reset();
  at->second.known.reset();
  used -= at->second.bytes;
  return true;
}

Allocation *DeviceMemory::find(uint64_t address) {
  auto at = allocations.upper_bound(address);
  return at == allocations.begin() ? nullptr : &std::prev(at)->second;
}

std::string DeviceMemory::describe(uint64_t address, uint64_t size) {
  std::string access = std::to_string(size) + " bytes at global address " + hex(address);
  Allocation *below = find(address);
  if (!below || address - below->base >= below->bytes + gap / 2) {
    auto above = allocations.upper_bound(address);
    if (above != allocations.end() && above->first - address <= gap / 2)
      return access + ": out of bounds, " + std::to_string(above->first - address) + " bytes before an allocation of " +
             std::to_string(above->second.bytes);
    return access + ": no allocation is there";
  }
  if (below->freed)
    return access + ": use after free, offset " + std::to_string(address - below->base) + " of a freed allocation of " +
           std::to_string(below->bytes);
  return access + ": out of bounds, offset " + std::to_string(address - below->base) + " of an allocation of " +
         std::to_string(below->bytes);
}

} // namespace nncc::emu
