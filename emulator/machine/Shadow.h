//===- Shadow.h - who touched each part of shared memory, and when -----------------------------------------------===//

#ifndef NNCCEMU_SHADOW_H
#define NNCCEMU_SHADOW_H

#include <cstdint>
#include <immintrin.h>
#include <string>
#include <vector>

namespace nncc::emu {

/// Two accesses of a byte by different threads, one of them a write, race unless a barrier of both stands between them. Time is the number of
/// barriers passed in the block; `seen[a][b]` is the time before which everything that warp b did has happened for warp a.
///
/// A cell stands for as many bytes as the smallest access of the kernel has, at most 4. It has two tags: who wrote it last, who has read it since, and
/// when. What is older than the limit of a warp has happened for it, whoever did it: one comparison serves most accesses.
class Shadow {
public:
  enum class Access : uint8_t { Read, Write, Atomic };
  static constexpr unsigned maxWarps = 32;

  void configure(size_t bytes, unsigned warps, unsigned granule, bool races, bool uninitialised);
  void reset();

  /// False where it is wrong; `problem` then says why.
  bool access(uint32_t address, unsigned size, unsigned thread, Access kind);
  std::string problem(uint32_t address, unsigned size, unsigned thread, Access kind) const;
  /// Whether all that is wrong with a write is that others wrote there too.
  bool racesWithWritesAlone(uint32_t address, unsigned size, unsigned thread) const;
  /// Several threads wrote the same bytes.
  void shareWrite(uint32_t address, unsigned size);
  /// All lanes of a warp access `size` bytes each, one after the other in memory. False, and nothing is noted, where it may be wrong.
  bool accessInOrder(uint32_t address, unsigned size, unsigned warp, Access kind);
  /// All lanes of a warp read the same bytes. False as above.
  bool readByAll(uint32_t address, unsigned size, unsigned warp);

  /// The bytes, just written, belong to an asynchronous copy of `thread` until it has waited.
  void beginAsync(uint32_t address, unsigned size, unsigned thread);
  void endAsync(uint32_t address, unsigned size, unsigned thread, uint32_t when);
  uint32_t now() const { return time; }
  /// All that these warps did happened before all that they will do. Those in `passing` only arrive: they learn nothing.
  void join(uint32_t waiting, uint32_t passing);
  /// The same between the lanes of a warp.
  void joinLanes(unsigned warp);
  /// For each warp, the time before which all that it did has happened.
  struct Clock {
    uint32_t before[maxWarps] = {};
  };
  /// Adds what a warp did and knows to a clock, and takes over what a clock knows.
  void release(unsigned warp, Clock &clock);
  void acquire(unsigned warp, const Clock &clock);
  /// Whether who wrote these bytes did so before; no note is taken.
  bool seesWrites(uint32_t address, unsigned size, unsigned thread) const;

private:
  // A tag: 20 bits of time, 2 of kind, 10 of thread; 0 is nobody. `OneWarp` and `Many` name no thread, so that equal ones are equal.
  enum ReaderKind : uint32_t { Thread = 1, OneWarp = 2, Many = 3 };
  enum WriterKind : uint32_t { AtomicThread = 2, ManyEqual = 3 }; ///< many: atomic operations, or writes of equal bytes
  static constexpr uint32_t unknown = UINT32_MAX, pending = 0xffffe000u, firstSpecial = pending;

  static uint32_t tag(uint32_t time, uint32_t kind, unsigned thread) { return time << 12 | kind << 10 | thread; }
  uint32_t mine(unsigned thread) const { return tag(time, Thread, thread); }
  uint32_t leastSeen(unsigned warp) const;
  bool writerOrdered(uint32_t tag, unsigned thread) const;
  bool readerOrdered(uint32_t tag, unsigned thread) const;
  uint32_t joined(uint32_t reader, unsigned thread) const;
  bool readCell(uint32_t cell, unsigned thread);
  bool writeCell(uint32_t cell, unsigned thread, bool isAtomic);
  bool quadFast(uint32_t cell, unsigned thread, bool isRead);
  void tick();
  void setLimits();

  std::vector<uint32_t> writers, readers;
  unsigned numWarps = maxWarps, shift = 0;
  bool races = true, uninitialised = true;
  uint32_t time = 1;
  uint32_t limits[maxWarps] = {};
  uint32_t seen[maxWarps][maxWarps] = {};
};

/// The tag of all who have read a cell, with `thread` among them, where the reads before did not all happen before.
inline uint32_t Shadow::joined(uint32_t reader, unsigned thread) const {
  unsigned kind = reader >> 10 & 3, who = reader & 1023, warp = thread / 32;
  if (kind == Many)
    return reader < limits[warp] ? mine(thread) : tag(time, Many, 0);
  if (reader >> 12 < seen[warp][who / 32] || reader == mine(thread))
    return mine(thread);
  return who / 32 == warp ? tag(time, OneWarp, warp * 32) : tag(time, Many, 0);
}

/// Four cells at once, as an access of 16 bytes has: true where all are as they are most often.
inline bool Shadow::quadFast(uint32_t cell, unsigned thread, bool isRead) {
  auto *w = reinterpret_cast<__m128i *>(&writers[cell]), *r = reinterpret_cast<__m128i *>(&readers[cell]);
  __m128i me = _mm_set1_epi32(static_cast<int>(mine(thread)));
  __m128i last = _mm_set1_epi32(static_cast<int>(limits[thread / 32] - 1));
  auto good = [&](__m128i tags) {
    return _mm_or_si128(_mm_cmpeq_epi32(_mm_max_epu32(tags, last), last), _mm_cmpeq_epi32(tags, me));
  };
  auto all = [](__m128i mask) { return _mm_movemask_epi8(mask) == 0xffff; };
  __m128i written = _mm_loadu_si128(w), read = _mm_loadu_si128(r);
  if (isRead) {
    if (!all(good(written)))
      return false;
    if (all(good(read))) {
      _mm_storeu_si128(r, me);
      return true;
    }
    uint32_t first = static_cast<uint32_t>(_mm_cvtsi128_si32(read)), next = joined(first, thread);
    if (!all(_mm_cmpeq_epi32(read, _mm_shuffle_epi32(read, 0))))
      return false;
    if (next != first)
      _mm_storeu_si128(r, _mm_set1_epi32(static_cast<int>(next)));
    return true;
  }
  __m128i fresh = _mm_cmpeq_epi32(written, _mm_set1_epi32(static_cast<int>(unknown)));
  if (!all(_mm_and_si128(_mm_or_si128(good(written), fresh), good(read))))
    return false;
  _mm_storeu_si128(w, me);
  return true;
}

inline bool Shadow::readCell(uint32_t cell, unsigned thread) {
  uint32_t me = mine(thread), limit = limits[thread / 32], writer = writers[cell], reader = readers[cell];
  if (writer >= limit && writer != me && !writerOrdered(writer, thread))
    return false;
  if (reader < limit)
    readers[cell] = me;
  else if (uint32_t next = joined(reader, thread); next != reader)
    readers[cell] = next;
  return true;
}

inline bool Shadow::access(uint32_t address, unsigned size, unsigned thread, Access kind) {
  uint32_t cell = address >> shift, end = (address + size) >> shift;
  if (size == 16 && shift == 2 && kind != Access::Atomic && quadFast(cell, thread, kind == Access::Read))
    return true;
  for (; cell != end; ++cell)
    if (!(kind == Access::Read ? readCell(cell, thread) : writeCell(cell, thread, kind == Access::Atomic)))
      return false;
  return true;
}

} // namespace nncc::emu

#endif
