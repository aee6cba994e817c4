//===- DeviceMemory.h - allocations of global memory, and what is known of each byte ------------------------------===//

#ifndef NNCCEMU_DEVICE_MEMORY_H
#define NNCCEMU_DEVICE_MEMORY_H

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace nncc::emu {

struct Allocation {
  uint64_t base = 0, bytes = 0;
  std::unique_ptr<std::byte[]> data;
  std::unique_ptr<uint8_t[]> known; ///< one for each byte: 1 once it was written
  bool readOnly = false;
  bool freed = false;

  bool holds(uint64_t address, uint64_t size) const {
    return size <= bytes && address >= base && address - base <= bytes - size;
  }
};

/// True where all `size` bytes from `flags` are 1.
inline bool allSet(const uint8_t *flags, unsigned size) {
  if (size == 4) {
    uint32_t word;
    std::memcpy(&word, flags, 4);
    return word == 0x01010101u;
  }
  for (unsigned i = 0; i < size; ++i)
    if (!flags[i])
      return false;
  return true;
}

/// Addresses are the machine's own and are never used twice, so that a stale pointer is always found out.
class DeviceMemory {
public:
  explicit DeviceMemory(uint64_t capacity, unsigned ordinal = 0) : capacity(capacity), next(firstAddress(ordinal)) {}

  /// Above the windows of Program.h and below what x86-64 gives a process; 4 TiB for each device.
  static constexpr uint64_t firstAddress(unsigned ordinal) { return (uint64_t(16) + 4 * ordinal) << 40; }
  static constexpr unsigned maxDevices = 8;

  /// 0 where memory does not suffice.
  uint64_t allocate(uint64_t bytes);
  bool release(uint64_t address);
  /// The allocation that an address is in or closely behind, freed ones too; null where there is none.
  Allocation *find(uint64_t address);
  /// Why an access of `size` bytes is wrong.
  std::string describe(uint64_t address, uint64_t size);
  uint64_t usedBytes() const { return used; }

private:
  static constexpr uint64_t gap = 4096, alignment = 256;

  uint64_t capacity, used = 0, next;
  std::map<uint64_t, Allocation> allocations;
};

} // namespace nncc::emu

#endif
