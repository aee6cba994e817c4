//===- DeviceMemory.h - allocations of global memory, and what is known of each byte ------------------------------===//

#ifndef NNCCEMU_DEVICE_MEMORY_H
#define NNCCEMU_DEVICE_MEMORY_H

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace nncc::emu {

/// True where all `size` flags are 1.
inline bool allSet(const uint8_t *flags, uint64_t size) {
  uint64_t all = 0x0101010101010101, word = all;
  for (; size >= 8; size -= 8, flags += 8) {
    uint64_t next;
    std::memcpy(&next, flags, 8);
    word &= next;
  }
  for (; size; --size, ++flags)
    word &= all - 1 + *flags;
  return word == all;
}

struct Allocation {
  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };

  uint64_t base = 0, bytes = 0;
  std::unique_ptr<std::byte, Free> data;
  std::unique_ptr<uint8_t, Free> known; ///< one for each byte: 1 once it was written
  bool allKnown = false;                ///< then all of them are 1
  bool readOnly = false;
  bool freed = false;

  bool holds(uint64_t address, uint64_t size) const {
    return size <= bytes && address >= base && address - base <= bytes - size;
  }
  bool knows(uint64_t offset, uint64_t size) const { return allKnown || allSet(known.get() + offset, size); }
  void learn(uint64_t offset, uint64_t size) {
    if (!allKnown)
      std::memset(known.get() + offset, 1, size);
  }
};

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
