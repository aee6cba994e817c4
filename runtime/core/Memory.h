//===- Memory.h - where a context's bytes come from ---------------------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CORE_MEMORY_H
#define NNCCRT_CORE_MEMORY_H

#include "Heap.h"
#include "Report.h"

namespace nncc::rt {

constexpr uint64_t kAlignment = 64;
constexpr uint64_t kDeviceAlignment = 256; ///< of a workspace on a GPU

/// Never below 64, so that an empty tensor has an address.
constexpr uint64_t roundUp(uint64_t bytes) {
  return bytes ? (bytes + kAlignment - 1) / kAlignment * kAlignment : kAlignment;
}
constexpr uint64_t kMaxBytes = static_cast<uint64_t>(INT64_MAX) - kAlignment;

struct Buffer {
  char *data = nullptr;
  uint64_t capacity = 0;
  bool late = false; ///< from the top of the caller's workspace: ends with the next run
};

/// Where blocks come from.
struct Source {
  void *(*allocate)(void *owner, uint64_t bytes);            ///< at least 64-byte aligned; null: there is none
  void (*release)(void *owner, void *data);                  ///< null data: nothing
  bool (*fail)(void *owner, uint64_t bytes, Report &report); ///< tells why; returns false
  void *owner;
};
extern constinit const Source kHeap;

/// The heap, or the caller's workspace. In a workspace planned memory grows from the bottom, what runs ask for from the top.
class Memory {
public:
  /// Where memory comes from that is not borrowed: once, before all else.
  void use(const Source &from) { source = from; }
  const Source &from() const { return source; }
  bool isHeap() const { return source.allocate == kHeap.allocate; }

  /// Null: the heap. No buffer may be in use.
  void borrow(void *memory, uint64_t bytes);
  bool isBorrowed() const { return base != nullptr; }
  char *data() const { return base; }
  uint64_t size() const { return bytes; }

  /// Gives the buffer at least so many bytes; if it grows, its contents are lost.
  bool reserve(Buffer &buffer, uint64_t size, Report &report) { return reserve(buffer, size, /*late=*/false, report); }
  bool reserveLate(Buffer &buffer, uint64_t size, Report &report) {
    return reserve(buffer, size, /*late=*/true, report);
  }
  void release(Buffer &buffer);
  /// Moves the buffer out of the heap's care; null if it is not of the heap.
  char *detach(Buffer &buffer);

  /// Workspace only: the bottom, to come back to.
  uint64_t position() const { return bottom; }
  void rewind(uint64_t position) { bottom = position; }
  void *takeBottom(uint64_t size, Report &report);
  void forgetLate() { top = bytes; }

private:
  bool reserve(Buffer &buffer, uint64_t size, bool late, Report &report);
  bool failTooSmall(uint64_t size, Report &report) const;

  Source source = kHeap;
  char *base = nullptr;
  uint64_t bytes = 0, bottom = 0, top = 0;
};

/// What exec.alloc asks for while a run goes on.
class Stack {
public:
  explicit Stack(Memory &memory) : memory(memory) {}
  ~Stack() { clear(); }

  /// At the start of a run. Chunks of the last run are joined into one.
  void reset();
  void clear();
  void *allocate(int64_t bytes, Report &report);
  int64_t mark() const;
  void release(int64_t mark);

private:
  struct Chunk {
    char *data;
    uint64_t capacity;
  };
  bool openChunk(uint64_t bytes, Report &report);
  void guard(void *data, uint64_t bytes, uint64_t size) const;
  void freeChunk(Chunk &chunk);

  Memory &memory;
  Array<Chunk> chunks;
  uint64_t current = 0, used = 0, wanted = 0;
};

} // namespace nncc::rt

#endif // NNCCRT_CORE_MEMORY_H
