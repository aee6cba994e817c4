//===- Pool.cpp - the threads of this process -------------------------------------------------------------------===//
///
/// \file
/// Workers start when a run first needs them. A job is open while its caller works on it: a worker that wakes in time joins, one that
/// wakes late finds it closed and nobody waits for it, so a run is never slower than the slowest thread that has begun.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Pool.h"
#include "Cpu.h"
#include "os.h"
#include <atomic>
#include <cstdlib>

namespace nncc::rt::pool {

namespace {
constexpr uint64_t spinNs = 50000; // how long a thread waits awake for more to do

struct alignas(64) Worker {
  std::atomic<uint32_t> asleep; // futex: 1 while the worker sleeps or is about to
  uint32_t index;
  os::Thread thread;
};

/// The job's state in one word, so that a worker joins what is open in one step: bit 31 open, bits 16 to 30 how many may take part,
/// bits 0 to 15 how many workers have joined.
constexpr uint32_t openBit = 1u << 31, joinedMask = 0xffff;
constexpr unsigned countShift = 16;

struct Pool {
  std::atomic<uint32_t> wanted;  // threads; 0: not asked yet
  std::atomic<uint32_t> busy;    // 1 while a caller uses the pool, for ever after the end
  std::atomic<uint32_t> started; // workers, of index 1 to `started`
  std::atomic<uint32_t> signal;  // counts jobs
  std::atomic<uint32_t> sleepers;
  std::atomic<uint32_t> stopping;
  std::atomic<uint32_t> state;
  std::atomic<uint32_t> done; // futex: workers that have left the job
  std::atomic<uint32_t> callerSleeps;
  Task task;
  void *job;
  Worker workers[maxThreads];
};
Pool pool; // zero, without a constructor: usable before main and after it
} // namespace

static void pause() { __builtin_ia32_pause(); }

/// Spins until `ready` or the deadline.
template <typename Ready> static bool spin(uint64_t deadline, const Ready &ready) {
  constexpr int pausesPerLook = 32;
  while (true) {
    for (int i = 0; i < pausesPerLook; ++i) {
      if (ready())
        return true;
      pause();
    }
    if (os::nowNs() >= deadline)
      return ready();
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Workers
//===----------------------------------------------------------------------------------------------------------------------===//

/// Returns when there is another job than `seen`, which it updates.
static void waitForJob(Worker &worker, uint32_t &seen, uint64_t deadline) {
  auto changed = [&] { return pool.signal.load(std::memory_order_acquire) != seen; };
  if (!spin(deadline, changed)) {
    pool.sleepers.fetch_add(1, std::memory_order_seq_cst);
    while (true) {
      // Set before the signal is read again; the caller writes the signal before it reads this: one of the two sees the other.
      worker.asleep.store(1, std::memory_order_seq_cst);
      if (pool.signal.load(std::memory_order_seq_cst) != seen)
        break;
      os::wait(worker.asleep, 1);
    }
    worker.asleep.store(0, std::memory_order_relaxed);
    pool.sleepers.fetch_sub(1, std::memory_order_seq_cst);
  }
  seen = pool.signal.load(std::memory_order_acquire);
}

static bool join(uint32_t index) {
  uint32_t state = pool.state.load(std::memory_order_acquire);
  while ((state & openBit) && index < ((state & ~openBit) >> countShift))
    if (pool.state.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire))
      return true;
  return false;
}

static void leave() {
  pool.done.fetch_add(1, std::memory_order_seq_cst);
  if (pool.callerSleeps.load(std::memory_order_seq_cst))
    os::wake(pool.done);
}

static void *work(void *argument) {
  Worker &worker = *static_cast<Worker *>(argument);
  uint32_t seen = 0;
  uint64_t deadline = os::nowNs() + spinNs;
  while (true) {
    if (pool.stopping.load(std::memory_order_acquire))
      return nullptr;
    if (join(worker.index)) {
      pool.task(pool.job, worker.index);
      leave();
      deadline = os::nowNs() + spinNs;
    }
    waitForJob(worker, seen, deadline);
  }
}

/// After a fork the child has none of the threads, and whoever used the pool is gone.
static void forget() {
  pool.busy.store(0, std::memory_order_relaxed);
  pool.started.store(0, std::memory_order_relaxed);
  pool.sleepers.store(0, std::memory_order_relaxed);
  pool.state.store(0, std::memory_order_relaxed);
  pool.callerSleeps.store(0, std::memory_order_relaxed);
  for (Worker &worker : pool.workers)
    worker.asleep.store(0, std::memory_order_relaxed);
}

/// Called by who holds `busy`. With fewer threads than wanted the others do their share.
static void startWorkers(uint32_t count) {
  static std::atomic<uint32_t> forkHandled;
  if (!forkHandled.exchange(1, std::memory_order_relaxed))
    os::onFork(forget);
  uint32_t started = pool.started.load(std::memory_order_relaxed);
  while (started + 1 < count) {
    Worker &worker = pool.workers[started + 1];
    worker.index = started + 1;
    if (!os::start(worker.thread, work, &worker))
      break;
    ++started;
  }
  pool.started.store(started, std::memory_order_relaxed);
}

/// At the end of the process, or when the library that holds this code is unloaded, which would leave the workers without code.
[[gnu::destructor]] static void stop() {
  if (pool.busy.exchange(1, std::memory_order_acquire))
    return; // someone still runs: the process ends anyway
  pool.stopping.store(1, std::memory_order_release);
  pool.signal.fetch_add(1, std::memory_order_seq_cst);
  for (uint32_t i = 1; i <= pool.started.load(std::memory_order_relaxed); ++i) {
    pool.workers[i].asleep.store(0, std::memory_order_seq_cst);
    os::wake(pool.workers[i].asleep);
    os::join(pool.workers[i].thread);
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Callers
//===----------------------------------------------------------------------------------------------------------------------===//

static void wakeSleepers(uint32_t count) {
  if (!pool.sleepers.load(std::memory_order_seq_cst))
    return;
  for (uint32_t i = 1; i < count; ++i) {
    std::atomic<uint32_t> &asleep = pool.workers[i].asleep;
    if (asleep.load(std::memory_order_seq_cst) && asleep.exchange(0, std::memory_order_seq_cst))
      os::wake(asleep);
  }
}

static void waitForWorkers(uint32_t joined) {
  auto finished = [&] { return pool.done.load(std::memory_order_acquire) == joined; };
  if (spin(os::nowNs() + spinNs, finished))
    return;
  pool.callerSleeps.store(1, std::memory_order_seq_cst);
  for (uint32_t done; (done = pool.done.load(std::memory_order_seq_cst)) != joined;)
    os::wait(pool.done, done);
  pool.callerSleeps.store(0, std::memory_order_relaxed);
}

bool run(uint32_t count, Task task, void *job) {
  if (pool.busy.exchange(1, std::memory_order_acquire))
    return false;
  startWorkers(count);
  pool.task = task;
  pool.job = job;
  pool.done.store(0, std::memory_order_relaxed);
  pool.state.store(openBit | count << countShift, std::memory_order_release);
  pool.signal.fetch_add(1, std::memory_order_seq_cst);
  wakeSleepers(count);
  task(job, 0);
  uint32_t joined = pool.state.fetch_and(~openBit, std::memory_order_acq_rel) & joinedMask;
  waitForWorkers(joined);
  pool.busy.store(0, std::memory_order_release);
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// How many
//===----------------------------------------------------------------------------------------------------------------------===//

bool threads(uint32_t &count, Report &report) {
  count = pool.wanted.load(std::memory_order_relaxed);
  if (count)
    return true;
  if (const char *text = std::getenv("NNCC_NUM_THREADS"); text && *text) {
    char *end = nullptr;
    unsigned long value = std::strtoul(text, &end, 10);
    if (*end || *text == '-' || value < 1 || value > maxThreads)
      return report.fail(NNCCRT_INVALID, "NNCC_NUM_THREADS is '%s', not a number from 1 to %u", text, maxThreads);
    count = static_cast<uint32_t>(value);
  } else {
    count = os::availableCores();
    count = count < maxThreads ? count : maxThreads;
  }
  uint32_t none = 0;
  if (!pool.wanted.compare_exchange_strong(none, count, std::memory_order_relaxed))
    count = none; // set meanwhile
  return true;
}

void setThreads(uint32_t count) { pool.wanted.store(count, std::memory_order_relaxed); }

} // namespace nncc::rt::pool

uint32_t nnccrt_threads(void) {
  nncc::rt::Report report(nullptr);
  uint32_t count = 1;
  return nncc::rt::pool::threads(count, report) ? count : 1;
}

nnccrt_code nnccrt_set_threads(uint32_t count, nnccrt_status *status) {
  nncc::rt::Report report(status);
  if (count > nncc::rt::pool::maxThreads)
    report.fail(NNCCRT_INVALID, "%u threads are more than the %u that the pool can have", count,
                nncc::rt::pool::maxThreads);
  else
    nncc::rt::pool::setThreads(count);
  return report.code();
}
