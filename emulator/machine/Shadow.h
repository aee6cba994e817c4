//===- Shadow.h - who touched each byte of shared memory, and when -----------------------------------------------===//

#ifndef NNCCEMU_SHADOW_H
#define NNCCEMU_SHADOW_H

#include <cstdint>
#include <string>
#include <vector>

namespace nncc::emu {

/// Two accesses of a byte by different threads, one of them a write, race unless a barrier of both stands between them. Time is the number of
/// barriers passed in the block; `seen[a][b]` is the time before which everything that warp b did has happened for warp a.
class Shadow {
public:
  enum class Access : uint8_t { Read, Write, Atomic };
  static constexpr unsigned maxWarps = 32;

  void reset(size_t bytes, unsigned warps);
  /// Nothing, or what is wrong with it.
  std::string access(uint32_t address, unsigned size, unsigned thread, Access kind, bool races, bool uninitialised);
  /// The bytes belong to an asynchronous copy of `thread` until it has waited.
  std::string beginAsync(uint32_t address, unsigned size, unsigned thread, bool races);
  void endAsync(uint32_t address, unsigned size, unsigned thread);
  /// All that these warps did happened before all that they will do. Those in `passing` only arrive: they learn nothing.
  void join(uint32_t waiting, uint32_t passing);
  /// The same between the lanes of a warp.
  void joinLanes(unsigned warp);

private:
  struct Cell {
    uint32_t writer = 0, reader = 0;
  };
  enum Kind : uint32_t { Nobody, Thread, OneWarp, Many };
  static uint32_t tag(uint32_t time, Kind kind, unsigned thread) { return time << 12 | kind << 10 | thread; }
  bool ordered(uint32_t tag, unsigned thread) const;
  uint32_t joined(uint32_t reader, unsigned thread) const;
  void tick();

  std::vector<Cell> cells;
  std::vector<uint8_t> state; ///< Known bits
  enum State : uint8_t { Unknown = 0, Known = 1, Pending = 2, AtomicWrite = 4 };
  unsigned numWarps = maxWarps;
  uint32_t time = 1;
  uint32_t seen[maxWarps][maxWarps] = {};
};

} // namespace nncc::emu

#endif
