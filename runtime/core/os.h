//===- os.h - what the runtime asks of the operating system -------------------------------------------*- C++ -*-===//
///
/// \file
/// All that is not ISO C++ stands behind this header: os_linux.cpp (threads, memory, files) and os_elf.cpp (libraries).
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_CORE_OS_H
#define NNCCRT_CORE_OS_H

#include "Report.h"
#include <atomic>
#include <cstdint>

namespace nncc::rt::os {

/// Cores that this process may use: its affinity and its control group's quota (rounded up), at least 1.
uint32_t availableCores();

/// Of a clock that never goes back.
uint64_t nowNs();

/// 64-byte aligned; null: no memory. Large blocks are made of huge pages where the system has them.
void *allocate(uint64_t bytes);
void free(void *memory);

/// Sleeps while `word` holds `expected`; may wake early.
void wait(std::atomic<uint32_t> &word, uint32_t expected);
void wake(std::atomic<uint32_t> &word);

/// A thread with all signals blocked, so that the application's handlers run on its own threads.
struct Thread {
  uint64_t handle;
};
bool start(Thread &thread, void *(*body)(void *), void *argument, uint64_t stackBytes = 1 << 20);
void join(Thread &thread);
/// Calls `handler` in the child after each fork.
void onFork(void (*handler)());

/// A file, read-only.
struct Mapping {
  const char *data = nullptr;
  uint64_t bytes = 0;
};
bool map(const char *path, Mapping &mapping, Report &report);
void unmap(Mapping &mapping);

/// Writes the directory (with its slash) of the executable or library that holds `address`; empty if unknown or longer than `size`.
void directoryOf(const void *address, char *directory, uint64_t size);

/// Asks for the AMX tile registers, which Linux gives on request.
bool enableAmx();

/// Loads a shared library and finds its symbol `prefix` + `name`; with `name` null the only one that starts with `prefix`.
void *openLibrary(const char *path, Report &report);
const void *findSymbol(void *library, const char *path, const char *prefix, const char *name, Report &report);
void closeLibrary(void *library);
/// A library of the system, by its name alone; null with the reason in `why`. A function of it, or null.
void *openSystemLibrary(const char *name, char *why, uint64_t size);
void *findFunction(void *library, const char *name);

} // namespace nncc::rt::os

#endif // NNCCRT_CORE_OS_H
