//===- LaunchTest.cpp - tiles, threads, faults, cancelling, profiling -------------------------------------------===//

#include "FakeModel.h"
#include "Pool.h"
#include <atomic>
#include <cstring>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <xmmintrin.h>

using testing::Each;
using testing::ElementsAre;

namespace nncc::rt::test {
namespace {

//===----------------------------------------------------------------------------------------------------------------------===//
// A kernel that counts
//===----------------------------------------------------------------------------------------------------------------------===//

/// args: fault, counts (one atomic a tile), tiles. Its scratch holds the tile's number while it runs.
void countTile(const uint64_t *args, int64_t tile, void *scratch) {
  volatile int64_t *mine = static_cast<volatile int64_t *>(scratch);
  *mine = tile;
  at<std::atomic<int>>(args, 1)[tile].fetch_add(1, std::memory_order_relaxed);
  for (int i = 0; i < 20; ++i)
    if (*mine != tile) // another tile has the same scratch
      at<std::atomic<int>>(args, 1)[tile].fetch_add(1000, std::memory_order_relaxed);
}

int64_t countTiles(const uint64_t *args) { return static_cast<int64_t>(args[2]); }

constexpr int kMaxTiles = 1000;

/// Input: how many tiles. Output: how often each of 1000 ran.
int32_t countSchedule(nnccrt_frame *frame) {
  const int64_t dims[] = {kMaxTiles};
  void *counts = frame->services->output(frame, 0, dims);
  if (!counts)
    return -1;
  std::memset(counts, 0, sizeof(int) * kMaxTiles);
  for (int launch = 0; launch < 5; ++launch) {
    uint64_t args[] = {0, slotOf(counts), static_cast<uint64_t>(*static_cast<const int64_t *>(frame->inputs[0]))};
    if (int32_t result = frame->services->launch(frame, 0, args))
      return result;
  }
  return 0;
}

FakeModel makeCounter() {
  FakeModel model;
  model.input("tiles", NNCCRT_I64, {}).output("counts", NNCCRT_I32, {kMaxTiles}).scratch(8);
  model.kernel(countTile, countTiles, "count").schedule(countSchedule);
  return model;
}

void expectCounts(Session &session, int64_t tiles) {
  *static_cast<int64_t *>(session.input(0).data) = tiles;
  ASSERT_EQ(session.run(), "");
  const int *counts = static_cast<const int *>(session.output(0).data);
  EXPECT_THAT(std::vector<int>(counts, counts + tiles), Each(5));
  EXPECT_THAT(std::vector<int>(counts + tiles, counts + kMaxTiles), Each(0));
}

/// The pool has eight threads, however many cores there are.
class Threads : public testing::Test {
protected:
  Threads() { EXPECT_OK(nnccrt_set_threads(8, &status)); }
  ~Threads() override { EXPECT_OK(nnccrt_set_threads(0, &status)); }
};

TEST_F(Threads, EveryTileOnce) {
  FakeModel model = makeCounter();
  for (uint32_t threads : {1, 2, 3, 0}) {
    Session session(model, threads);
    for (int64_t tiles : {0, 1, 2, 7, 8, 9, 100, kMaxTiles})
      expectCounts(session, tiles);
  }
}

TEST_F(Threads, ManyShortRuns) {
  FakeModel model = makeCounter();
  Session session(model, 0);
  for (int i = 0; i < 2000; ++i)
    expectCounts(session, 16);
}

TEST_F(Threads, ContextsAtOnce) {
  FakeModel counter = makeCounter(), addOne = makeDynamicAddOne();
  counter.get();
  addOne.get();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Session counting(counter, 0), adding(addOne, 0);
      for (int i = 0; i < 200; ++i) {
        expectCounts(counting, 50 + t);
        std::vector<int64_t> dims = {1 + (i + t) % 20, 3};
        std::vector<float> x(3 * dims[0], t);
        nnccrt_tensor tensor = tensorOf(NNCCRT_F32, dims, x.data());
        EXPECT_OK(nnccrt_bind_input(adding, 0, &tensor, &status));
        EXPECT_EQ(adding.run(), "");
        EXPECT_THAT(adding.floats(0), Each(t + 1));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(Threads, BusyPoolIsLeftAlone) {
  // From within a task the pool is busy, so the caller has to do without.
  struct Job {
    std::atomic<int> outer{0}, refused{0};
  } job;
  auto task = [](void *data, uint32_t index) {
    Job &job = *static_cast<Job *>(data);
    job.outer.fetch_add(1);
    if (index == 0)
      job.refused += !pool::run(4, [](void *, uint32_t) {}, nullptr);
  };
  EXPECT_TRUE(pool::run(4, task, &job));
  EXPECT_GE(job.outer, 1);
  EXPECT_EQ(job.refused, 1);
  EXPECT_TRUE(pool::run(4, [](void *, uint32_t) {}, nullptr));
}

TEST_F(Threads, ChildHasItsOwnPool) {
  FakeModel model = makeCounter();
  Session session(model, 0);
  expectCounts(session, 100);
  pid_t child = fork();
  if (child == 0) {
    expectCounts(session, 100);
    // A worker of the child's own takes part sooner or later.
    std::atomic<bool> joined{false};
    while (!joined)
      pool::run(2, [](void *data, uint32_t index) { *static_cast<std::atomic<bool> *>(data) = index == 1; }, &joined);
    _exit(HasFailure());
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  expectCounts(session, 100);
}

TEST_F(Threads, CallersExecutor) {
  static int calls;
  calls = 0;
  nnccrt_context_options options = {};
  options.size = sizeof(options);
  options.threads = 3;
  options.executor = [](void *, uint32_t count, void (*task)(void *, uint32_t), void *job) {
    ++calls;
    EXPECT_EQ(count, 3u);
    std::vector<std::thread> threads;
    threads.reserve(count);
    for (uint32_t i = 0; i < count; ++i)
      threads.emplace_back(task, job, i);
    for (std::thread &thread : threads)
      thread.join();
  };
  FakeModel model = makeCounter();
  Session session(model, options);
  expectCounts(session, 100);
  EXPECT_EQ(calls, 5);
}

TEST(ThreadCount, IsSettable) {
  EXPECT_OK(nnccrt_set_threads(3, &status));
  EXPECT_EQ(nnccrt_threads(), 3u);
  EXPECT_FAILS(nnccrt_set_threads(100000, &status), NNCCRT_INVALID, "100000 threads are more than the 512");
  EXPECT_OK(nnccrt_set_threads(0, &status));
  setenv("NNCC_NUM_THREADS", "5", 1);
  EXPECT_EQ(nnccrt_threads(), 5u);
  EXPECT_OK(nnccrt_set_threads(0, &status));
  setenv("NNCC_NUM_THREADS", "many", 1);
  FakeModel model = makeAddOne();
  nnccrt_program *program;
  nnccrt_context *context;
  EXPECT_OK(nnccrt_load(model.get(), nullptr, &program, &status));
  EXPECT_FAILS(nnccrt_create(program, nullptr, &context, &status), NNCCRT_INVALID,
               "NNCC_NUM_THREADS is 'many', not a number from 1 to 512");
  nnccrt_unload(program);
  unsetenv("NNCC_NUM_THREADS");
  EXPECT_GE(nnccrt_threads(), 1u);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Faults, cancelling
//===----------------------------------------------------------------------------------------------------------------------===//

/// Output i = table of ten [input i]; what is out of range is reported.
void gatherTile(const uint64_t *args, int64_t tile, void *) {
  int64_t index = at<const int64_t>(args, 1)[tile];
  if (index < 0 || index >= 10) {
    nnccrt_fault *fault = at<nnccrt_fault>(args, 0);
    int32_t none = 0;
    if (__atomic_compare_exchange_n(&fault->code, &none, NNCCRT_FAULT_INDEX, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      fault->value = index;
    index = 0;
  }
  at<float>(args, 2)[tile] = static_cast<float>(100 + index);
}

int32_t gatherSchedule(nnccrt_frame *frame) {
  const int64_t dims[] = {4};
  void *result = frame->services->output(frame, 0, dims);
  uint64_t args[] = {0, slotOf(frame->inputs[0]), slotOf(result)};
  return result ? frame->services->launch(frame, 0, args) : -1;
}

FakeModel makeGather(const char *nodes) {
  FakeModel model;
  model.input("indices", NNCCRT_I64, {4}).output("values", NNCCRT_F32, {4});
  model.kernel(gatherTile, [](const uint64_t *) -> int64_t { return 4; }, "k7_gather", nodes).schedule(gatherSchedule);
  return model;
}

TEST_F(Threads, FaultEndsTheRun) {
  FakeModel model = makeGather("/emb/Gather_3\n/emb/Add\n/emb/Mul");
  Session session(model, 0);
  int64_t *indices = static_cast<int64_t *>(session.input(0).data);
  indices[0] = indices[1] = indices[3] = 9;
  indices[2] = -17;
  nnccrt_status status;
  EXPECT_EQ(nnccrt_run(session, &status), NNCCRT_BAD_DATA);
  EXPECT_STREQ(status.message,
               "index -17 is out of range: in node '/emb/Gather_3' or 2 fused with it (kernel k7_gather)");
  nnccrt_tensor values = {};
  values.size = sizeof(values);
  EXPECT_FAILS(nnccrt_output(session, 0, &values, &status), NNCCRT_INVALID, "output 'values' has no value");
  indices[2] = 1;
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.floats(0), ElementsAre(109, 109, 101, 109));
}

TEST(Fault, OneNode) {
  FakeModel model = makeGather("/emb/Gather_3");
  Session session(model);
  int64_t *indices = static_cast<int64_t *>(session.input(0).data);
  indices[0] = indices[1] = indices[2] = 0;
  indices[3] = 10;
  EXPECT_EQ(session.run(), "index 10 is out of range: in node '/emb/Gather_3' (kernel k7_gather)");
}

nnccrt_context *cancelled;

TEST_F(Threads, Cancel) {
  // An endless loop whose third round cancels it.
  FakeModel model;
  model.kernel(
      [](const uint64_t *args, int64_t, void *) {
        if (++*at<int>(args, 1) == 3)
          nnccrt_cancel(cancelled);
      },
      [](const uint64_t *) -> int64_t { return 1; });
  model.schedule([](nnccrt_frame *frame) {
    int rounds = 0;
    uint64_t args[] = {0, slotOf(&rounds)};
    while (true)
      if (int32_t result = frame->services->launch(frame, 0, args)) {
        EXPECT_EQ(rounds, 3);
        return result;
      }
  });
  Session session(model);
  cancelled = session.get();
  nnccrt_status status;
  EXPECT_EQ(nnccrt_run(session, &status), NNCCRT_CANCELLED);
  EXPECT_STREQ(status.message, "the run was cancelled");
  nnccrt_cancel(session); // nothing runs: nothing happens
  EXPECT_EQ(nnccrt_run(session, &status), NNCCRT_CANCELLED);
}

TEST_F(Threads, CancelEndsTheTilesOfAKernel) {
  FakeModel model;
  model.kernel([](const uint64_t *, int64_t, void *) { nnccrt_cancel(cancelled); },
               [](const uint64_t *) -> int64_t { return INT64_MAX / 2; });
  model.schedule([](nnccrt_frame *frame) {
    uint64_t args[] = {0};
    return frame->services->launch(frame, 0, args);
  });
  for (uint32_t threads : {1, 0}) {
    Session session(model, threads);
    cancelled = session.get();
    EXPECT_EQ(session.run(), "the run was cancelled");
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Profiling, floating point
//===----------------------------------------------------------------------------------------------------------------------===//

TEST(Profiler, SeesEveryLaunch) {
  std::vector<nnccrt_launch_event> events;
  nnccrt_context_options options = {};
  options.size = sizeof(options);
  options.threads = 1;
  options.profiler = [](void *user, const nnccrt_launch_event *event) {
    static_cast<std::vector<nnccrt_launch_event> *>(user)->push_back(*event);
  };
  options.profiler_user = &events;
  FakeModel model = makeCounter();
  Session session(model, options);
  expectCounts(session, 7);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_STREQ(events[0].name, "count");
  EXPECT_STREQ(events[0].nodes, "node");
  EXPECT_EQ(events[0].kernel, 0u);
  EXPECT_EQ(events[0].tiles, 7);
  EXPECT_EQ(events[0].threads, 1u);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_LE(events[i].start_ns, events[i].end_ns);
    EXPECT_TRUE(i == 0 || events[i - 1].end_ns <= events[i].start_ns);
  }
}

TEST_F(Threads, FloatingPointOfTheCallerStaysOutside) {
  // Each tile notes the control word that it runs with.
  FakeModel model;
  model.output("words", NNCCRT_I32, {8});
  model.kernel([](const uint64_t *args, int64_t tile, void *) { at<unsigned>(args, 1)[tile] = _mm_getcsr() & 0xffc0; },
               [](const uint64_t *) -> int64_t { return 8; });
  model.schedule([](nnccrt_frame *frame) {
    const int64_t dims[] = {8};
    uint64_t args[] = {0, slotOf(frame->services->output(frame, 0, dims))};
    return frame->services->launch(frame, 0, args);
  });
  unsigned before = _mm_getcsr(), strange = before | 0x8040 | 0x6000; // subnormals are zero, towards zero
  _mm_setcsr(strange);
  Session session(model, 0);
  std::string message = session.run();
  unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(message, "");
  EXPECT_EQ(after, strange);
  const unsigned *words = static_cast<const unsigned *>(session.output(0).data);
  EXPECT_THAT(std::vector<unsigned>(words, words + 8), Each(0x1f80u));
}

} // namespace
} // namespace nncc::rt::test
