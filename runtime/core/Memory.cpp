//===- Memory.cpp - where a context's bytes come from -----------------------------------------------------------===//

#include "Memory.h"
#include "os.h"

namespace nncc::rt {

static void *allocateHeap(void *, uint64_t bytes) { return os::allocate(bytes); }
static void releaseHeap(void *, void *data) { os::free(data); }
static bool failHeap(void *, uint64_t bytes, Report &report) { return report.failNoMemory(bytes); }

constinit const Source kHeap = {allocateHeap, releaseHeap, failHeap, nullptr};

//===----------------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------------===//

void Memory::borrow(void *memory, uint64_t size) {
  base = static_cast<char *>(memory);
  bytes = memory ? size / kAlignment * kAlignment : 0;
  bottom = 0;
  top = bytes;
}

bool Memory::failTooSmall(uint64_t size, Report &report) const {
  uint64_t needed = bottom + (bytes - top) + size;
  return report.failNeeding(NNCCRT_TOO_SMALL, needed,
                            "the workspace of %llu bytes is too small: the run takes at least %llu",
                            static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(needed));
}

bool Memory::reserve(Buffer &buffer, uint64_t size, bool late, Report &report) {
  if (buffer.data && buffer.capacity >= size)
    return true;
  if (size > kMaxBytes)
    return report.failNoMemory(size);
  size = roundUp(size);
  if (isBorrowed()) {
    if (size > top - bottom)
      return failTooSmall(size, report);
    buffer = {late ? base + top - size : base + bottom, size, late};
    (late ? top : bottom) += late ? -size : size;
    return true;
  }
  // A size that grows from run to run (a sequence) must not mean a new block each time.
  uint64_t roomy =
      buffer.capacity && buffer.capacity < kMaxBytes / 2 ? roundUp(buffer.capacity + buffer.capacity / 4) : size;
  uint64_t capacity = roomy > size ? roomy : size;
  release(buffer);
  char *data = static_cast<char *>(source.allocate(source.owner, capacity));
  if (!data && capacity > size) {
    capacity = size;
    data = static_cast<char *>(source.allocate(source.owner, capacity));
  }
  if (!data)
    return source.fail(source.owner, size, report);
  buffer = {data, capacity, late};
  return true;
}

void Memory::release(Buffer &buffer) {
  if (!isBorrowed())
    source.release(source.owner, buffer.data);
  buffer = {};
}

char *Memory::detach(Buffer &buffer) {
  if (isBorrowed())
    return nullptr;
  char *data = buffer.data;
  buffer = {};
  return data;
}

void *Memory::takeBottom(uint64_t size, Report &report) {
  if (size > top - bottom) {
    failTooSmall(size, report);
    return nullptr;
  }
  void *data = base + bottom;
  bottom += size;
  return data;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Stack
//===----------------------------------------------------------------------------------------------------------------------===//

// There in an application that is built with AddressSanitizer. Buffers of a run (but in the caller's memory) then have guards, so that a kernel that nncc
// instrumented (--sanitize=address) is caught at the first byte that it takes beyond one.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the sanitizer's names
extern "C" void __asan_poison_memory_region(const volatile void *, size_t) __attribute__((weak));
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" void __asan_unpoison_memory_region(const volatile void *, size_t) __attribute__((weak));

static uint64_t guardBytes() { return __asan_poison_memory_region ? kAlignment : 0; }

/// `bytes` of `size` bytes are a buffer, what is behind them is none of anybody.
void Stack::guard(void *data, uint64_t bytes, uint64_t size) const {
  if (!__asan_poison_memory_region || !data || !memory.isHeap())
    return;
  __asan_unpoison_memory_region(data, bytes);
  __asan_poison_memory_region(static_cast<char *>(data) + bytes, size - bytes);
}

void Stack::freeChunk(Chunk &chunk) {
  guard(chunk.data, chunk.capacity, chunk.capacity);
  memory.from().release(memory.from().owner, chunk.data);
}

static constexpr unsigned kChunkShift = 44; // a mark is chunk number and offset in it: 16 TiB chunks, 2^19 of them

void Stack::reset() {
  if (chunks.size() > 1) {
    wanted = 0;
    for (const Chunk &chunk : chunks)
      wanted += chunk.capacity;
    clear();
  }
  current = used = 0;
}

void Stack::clear() {
  for (Chunk &chunk : chunks)
    freeChunk(chunk);
  chunks.clear();
  current = used = 0;
}

/// Makes `current` a chunk with room for so many bytes. What lies behind it is empty and may be replaced.
bool Stack::openChunk(uint64_t bytes, Report &report) {
  constexpr uint64_t smallest = 64u << 10, largest = uint64_t(1) << kChunkShift;
  if (!chunks.empty() && used)
    ++current;
  used = 0;
  uint64_t capacity = wanted;
  wanted = 0;
  while (chunks.size() > current) {
    if (chunks[current].capacity >= bytes)
      return true;
    capacity = chunks.back().capacity > capacity ? chunks.back().capacity : capacity;
    freeChunk(chunks.back());
    chunks.removeLast();
  }
  if (current)
    capacity = 2 * chunks[current - 1].capacity > capacity ? 2 * chunks[current - 1].capacity : capacity;
  capacity = capacity > smallest ? capacity : smallest;
  if (capacity < bytes || capacity > largest)
    capacity = bytes;
  if (bytes >= largest)
    return report.failNoMemory(bytes);
  const Source &source = memory.from();
  char *data = static_cast<char *>(source.allocate(source.owner, capacity));
  if (!data && capacity > bytes) {
    capacity = bytes;
    data = static_cast<char *>(source.allocate(source.owner, capacity));
  }
  if (!data)
    return source.fail(source.owner, bytes, report);
  if (chunks.append({data, capacity}))
    return true;
  source.release(source.owner, data);
  return report.failNoMemory(sizeof(Chunk));
}

void *Stack::allocate(int64_t bytes, Report &report) {
  if (bytes < 0 || static_cast<uint64_t>(bytes) > kMaxBytes) {
    report.fail(NNCCRT_NO_MEMORY, "a buffer of the model takes more than 2^63 bytes");
    return nullptr;
  }
  uint64_t size = roundUp(static_cast<uint64_t>(bytes));
  if (memory.isBorrowed())
    return memory.takeBottom(size, report);
  size += guardBytes();
  if ((chunks.size() <= current || chunks[current].capacity - used < size) && !openChunk(size, report))
    return nullptr;
  void *data = chunks[current].data + used;
  used += size;
  guard(data, static_cast<uint64_t>(bytes), size);
  return data;
}

int64_t Stack::mark() const {
  return memory.isBorrowed() ? static_cast<int64_t>(memory.position())
                             : static_cast<int64_t>(current << kChunkShift | used);
}

void Stack::release(int64_t mark) {
  if (memory.isBorrowed()) {
    memory.rewind(static_cast<uint64_t>(mark));
    return;
  }
  current = static_cast<uint64_t>(mark) >> kChunkShift;
  used = static_cast<uint64_t>(mark) & ((uint64_t(1) << kChunkShift) - 1);
}

} // namespace nncc::rt
