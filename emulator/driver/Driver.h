//===- Driver.h - the state behind the driver API ----------------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_DRIVER_H
#define NNCCEMU_DRIVER_DRIVER_H

#include "Fault.h"
#include "Report.h"
#include "Work.h"
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace nncc::emu::driver {

struct Context;
struct Module;
struct Graph;
struct GraphExec;
struct Capture;

/// Handles are numbers that are never used twice and never an object of the wrong kind: a stale or a wrong one is always found out.
uintptr_t freshHandle();

template <class T, class Handle> class Table {
public:
  T *add(std::unique_ptr<T> object) {
    auto number = freshHandle();
    object->handle = reinterpret_cast<Handle>(number);
    return (live[number] = std::move(object)).get();
  }
  T *find(Handle handle) const {
    auto found = live.find(reinterpret_cast<uintptr_t>(handle));
    return found == live.end() ? nullptr : found->second.get();
  }
  void remove(Handle handle) { live.erase(reinterpret_cast<uintptr_t>(handle)); }
  template <class F> void removeIf(F predicate) {
    std::erase_if(live, [&](auto &entry) { return predicate(*entry.second); });
  }
  /// In the order in which they were made.
  std::vector<T *> all() const {
    std::vector<T *> objects;
    for (auto &[number, object] : live)
      objects.push_back(object.get());
    return objects;
  }
  size_t size() const { return live.size(); }

private:
  std::map<uintptr_t, std::unique_ptr<T>> live;
};

struct Gpu {
  Gpu(const Card &card, unsigned ordinal) : machine(card, ordinal), ordinal(ordinal) {}

  Device machine;
  unsigned ordinal;
  Context *primary = nullptr;
  unsigned retained = 0, primaryFlags = 0;
  CUresult lost = CUDA_SUCCESS;
  Pool *defaultPool = nullptr, *pool = nullptr;
  uint64_t cached = 0; ///< freed memory that pools keep
};

struct Kernel {
  CUfunction handle = nullptr;
  Module *module = nullptr;
  emu::Function machine;
  std::string name;
  std::vector<uint32_t> offsets; ///< of the parameters
  uint32_t paramBytes = 0;
  unsigned maxDynamic = 0; ///< shared bytes that a launch may add
};

struct Module {
  CUmodule handle = nullptr;
  Context *context = nullptr;
  unsigned number = 0;
  unsigned version = 0; ///< of PTX: 78
  std::string text;
  std::map<std::string, Kernel *, std::less<>> functions;
};

struct Stream {
  CUstream handle = nullptr;
  Context *context = nullptr;
  bool blocking = true; ///< ordered with the legacy stream
  int priority = 0;
  std::deque<Work> queue;
  bool busy = false; ///< a thread executes its first item
  Capture *capture = nullptr;
  std::vector<CUgraphNode> tips; ///< what the next captured item comes behind
};

struct Event {
  CUevent handle = nullptr;
  Context *context = nullptr;
  bool timing = true;
  MarkRef mark;         ///< null: never recorded
  uint64_t capture = 0; ///< the capture that it was recorded in
  std::vector<CUgraphNode> tips;
};

struct Pool {
  CUmemoryPool handle = nullptr;
  Gpu *gpu = nullptr;
  uint64_t threshold = 0, used = 0, usedHigh = 0, cached = 0, reservedHigh = 0;
  int reuse[4] = {0, 1, 1, 1};
};

struct Memory {
  uint64_t bytes = 0;
  Pool *pool = nullptr; ///< null: of cuMemAlloc
  bool freeing = false; ///< a stream holds its release
};

struct Context {
  CUcontext handle = nullptr;
  Gpu *gpu = nullptr;
  unsigned flags = 0;
  CUresult error = CUDA_SUCCESS; ///< sticky
  unsigned users = 0;            ///< threads of the driver's own that are at work in it
  Stream legacy;
  std::map<std::thread::id, std::unique_ptr<Stream>> perThread;
  std::map<CUdeviceptr, Memory> memory;
};

struct Pinned {
  uint64_t bytes = 0;
  bool registered = false;    ///< the application's own memory
  Context *context = nullptr; ///< with which it goes
};

struct Driver {
  Driver();
  ~Driver();
  /// Never destroyed: applications' destructors may come late.
  static Driver &get();
  /// Forgets everything and reads the environment again.
  void start();

  std::mutex mutex;
  std::condition_variable_any changed; ///< a stream is no longer busy, or a load has begun
  uint64_t loadsBegun = 0;
  std::string problem; ///< with the environment
  bool initialised = false;
  unsigned version = 0;
  std::vector<const Card *> cards;
  std::string cardNames;
  Checks checks;
  Faults faults;
  std::unique_ptr<Report> report;

  std::vector<std::unique_ptr<Gpu>> gpus;
  Table<Context, CUcontext> contexts;
  Table<Module, CUmodule> modules;
  Table<Kernel, CUfunction> functions;
  Table<Stream, CUstream> streams;
  Table<Event, CUevent> events;
  Table<Pool, CUmemoryPool> pools;
  Table<Graph, CUgraph> graphs;
  Table<GraphExec, CUgraphExec> execs;
  std::map<CUgraphNode, Graph *> nodes;
  std::vector<std::unique_ptr<Capture>> captures;
  std::map<uint64_t, Pinned> pinned;

  /// The gpu of a valid ordinal, or null.
  Gpu *gpu(CUdevice ordinal) const;
  /// The gpu that an address belongs to; null: the host.
  Gpu *gpuOf(uint64_t address) const;
  /// The pinned range that holds all of these bytes.
  bool isPinned(uint64_t address, uint64_t bytes) const;

  std::vector<std::string> leaks() const;
  /// What a context in good health still held when it was destroyed, which frees it.
  std::vector<std::string> abandoned;
};

/// The contexts that a thread has pushed, the current one last.
std::vector<CUcontext> &contextStack();
/// True while this thread runs a function that a stream called: the API is closed to it.
bool &insideCallback();
/// True while stream 0 is the thread's own.
bool &defaultIsPerThread();

/// Counts the call, lets it fail where that was asked for, and locks the driver.
template <class F> CUresult call(std::string_view name, F body) {
  if (insideCallback())
    return CUDA_ERROR_NOT_PERMITTED;
  Driver &d = Driver::get();
  std::lock_guard lock(d.mutex);
  d.report->called(name);
  if (auto fault = d.faults.strike(name))
    return *fault;
  return body(d);
}

/// The same, once cuInit was called.
template <class F> CUresult initialised(std::string_view name, F body) {
  return call(name, [&](Driver &d) { return d.initialised ? body(d) : CUDA_ERROR_NOT_INITIALIZED; });
}

/// What is wrong with a context, or nothing.
CUresult health(const Context *context);

/// The same, in the thread's current context if it is usable.
template <class F> CUresult inContext(std::string_view name, F body) {
  return initialised(name, [&](Driver &d) {
    auto &stack = contextStack();
    if (stack.empty() || !stack.back())
      return CUDA_ERROR_INVALID_CONTEXT;
    Context *context = d.contexts.find(stack.back());
    if (!context)
      return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    if (CUresult problem = health(context))
      return problem;
    return body(d, *context);
  });
}

/// What the device has in bytes, NNCC_EMU_FAULT considered.
uint64_t memoryOf(const Driver &d, const Gpu &gpu);
/// Stream-ordered allocation came with CUDA 11.2.
bool hasPools(const Driver &d);
/// Gives back what a pool keeps beyond `keep` bytes.
void shrink(Pool &pool, uint64_t keep);
/// Gives back what pools keep beyond their thresholds, as every synchronisation does.
void trimPools(Driver &d, Gpu &gpu);
/// The most registers a thread may have by the launch bounds of a kernel: ptxas allocates them, and there is none here.
unsigned registersOf(const Card &card, const Kernel &function);

/// Destroys what belongs to a context. Nothing of it may run any more.
void destroyContext(Driver &d, Context &context);

} // namespace nncc::emu::driver

#endif
