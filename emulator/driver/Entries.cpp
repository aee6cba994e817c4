//===- Entries.cpp - cuGetProcAddress, and the calls whose default stream is the thread's own ---------------------===//

#include "Api.h"
#include "Driver.h"
#include <algorithm>

using namespace nncc::emu::driver;

// Arguments of the macros below are names of functions.
// NOLINTBEGIN(bugprone-macro-parentheses)

namespace {

/// A call in which stream 0 is that of the thread.
template <auto Function, class = decltype(Function)> struct PerThread;
template <auto Function, class... Args> struct PerThread<Function, CUresult (*)(Args...)> {
  static CUresult call(Args... args) {
    defaultIsPerThread() = true;
    CUresult result = Function(args...);
    defaultIsPerThread() = false;
    return result;
  }
};

struct Entry {
  std::string_view name;
  unsigned since;
  void *function, *perThread;
};

const Entry entries[] = {
#define ENTRY(name, function, since)                                                                                   \
  {#name, since, reinterpret_cast<void *>(&function), reinterpret_cast<void *>(&function)},
#define STREAM_ENTRY(name, function, since, alias)                                                                     \
  {#name, since, reinterpret_cast<void *>(&function), reinterpret_cast<void *>(&PerThread<&function>::call)},
#include "Entries.def"
#undef ENTRY
#undef STREAM_ENTRY
};

} // namespace

// Applications compiled with CUDA_API_PER_THREAD_DEFAULT_STREAM are linked to these names.
#define ENTRY(name, function, since)
#define STREAM_ENTRY(name, function, since, alias)                                                                     \
  extern "C" {                                                                                                         \
  __attribute__((no_sanitize("all"), used)) static decltype(&function) find_##alias() {                                \
    return &PerThread<&function>::call;                                                                                \
  }                                                                                                                    \
  __attribute__((visibility("default"), ifunc("find_" #alias))) decltype(function) alias;                              \
  }
#include "Entries.def"
#undef ENTRY
#undef STREAM_ENTRY

// NOLINTEND(bugprone-macro-parentheses)

CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags,
                             CUdriverProcAddressQueryResult *status) {
  enum : uint64_t { LegacyStream = 1, PerThreadStream = 2 };
  return call("cuGetProcAddress", [&](Driver &d) {
    if (!name || !function || version < 0 || flags > PerThreadStream)
      return CUDA_ERROR_INVALID_VALUE;
    *function = nullptr;
    unsigned newest = std::min(static_cast<unsigned>(version), d.version);
    bool exists = false;
    for (const Entry &entry : entries) {
      if (entry.name != name)
        continue;
      exists = true;
      if (entry.since <= newest)
        *function = flags & PerThreadStream ? entry.perThread : entry.function;
    }
    if (status)
      *status = *function ? PROC_SUCCESS : exists ? PROC_VERSION_NOT_SUFFICIENT : PROC_NOT_FOUND;
    // The second version tells by the status alone; so does the first where it is asked through it.
    return *function || status ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
  });
}

CUresult cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
  return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
