//===- MemoryTest.cpp - arenas, workspaces, outputs, buffers made while running ---------------------------------===//

#include "FakeModel.h"
#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

using testing::ElementsAre;

namespace nncc::rt::test {
namespace {

float *floatsAt(const nnccrt_tensor &tensor) { return static_cast<float *>(tensor.data); }

/// 64-byte aligned memory that nothing may be written around.
class GuardedMemory {
public:
  explicit GuardedMemory(uint64_t bytes) : bytes(bytes), all(bytes + 3 * 64, kGuard) {}
  ~GuardedMemory() {
    EXPECT_TRUE(
        std::all_of(all.data(), static_cast<unsigned char *>(get()), [](unsigned char c) { return c == kGuard; }));
    EXPECT_TRUE(std::all_of(static_cast<unsigned char *>(get()) + bytes, all.data() + all.size(),
                            [](unsigned char c) { return c == kGuard; }));
  }
  void *get() {
    uintptr_t start = reinterpret_cast<uintptr_t>(all.data()) + 64;
    return reinterpret_cast<void *>((start + 63) / 64 * 64);
  }
  bool holds(const void *address) {
    const char *start = static_cast<const char *>(get()), *at = static_cast<const char *>(address);
    return at >= start && at < start + bytes;
  }

private:
  static constexpr unsigned char kGuard = 0xa5;
  uint64_t bytes;
  std::vector<unsigned char> all;
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Planned memory
//===----------------------------------------------------------------------------------------------------------------------===//

/// y = ((x + 1) + 1) + 1 through two planned buffers of N floats: the arguments lie where the plan says.
int32_t chainSchedule(nnccrt_frame *frame) {
  int64_t n = frame->symbols[0];
  void *y = frame->services->output(frame, 0, &n);
  if (!y)
    return -1;
  char *a = frame->arena + frame->offsets[0], *b = frame->arena + frame->offsets[1];
  EXPECT_EQ(reinterpret_cast<uintptr_t>(frame->arena) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(frame->inputs[0]) % 4, 0u);
  const void *steps[] = {frame->inputs[0], a, b, y};
  for (int i = 0; i < 3; ++i) {
    uint64_t args[] = {0, slotOf(steps[i]), slotOf(steps[i + 1]), static_cast<uint64_t>(n)};
    if (int32_t result = frame->services->launch(frame, 0, args))
      return result;
  }
  return 0;
}

void addOneElement(const uint64_t *args, int64_t tile, void *) {
  at<float>(args, 2)[tile] = at<const float>(args, 1)[tile] + 1;
}
int64_t elements(const uint64_t *args) { return static_cast<int64_t>(args[3]); }

FakeModel makeChain() {
  FakeModel model;
  model.symbol("N").input("x", NNCCRT_F32, {"N"}).output("y", NNCCRT_F32, {"N"}).kernel(addOneElement, elements);
  model.slots({{-1, 0, 1}, {-1, 1, 2}}, [](const int64_t *symbols, int64_t *bytes) {
    bool overflow = symbols[0] > INT64_MAX / 4;
    bytes[0] = bytes[1] = overflow ? -1 : 4 * symbols[0];
  });
  model.schedule(chainSchedule);
  return model;
}

void expectChain(Session &session, int64_t n) {
  session.resize({n});
  nnccrt_tensor x = session.input(0);
  std::fill_n(floatsAt(x), n, 5.0f);
  EXPECT_EQ(session.run(), "");
  EXPECT_EQ(session.floats(0), std::vector<float>(n, 8));
}

TEST(SymbolicPlan, FollowsTheSymbols) {
  FakeModel model = makeChain();
  Session session(model);
  for (int64_t n : {3, 100, 0, 1, 3, 1000, 100, 7, 8, 9, 10, 11, 12, 13, 3}) // more than are cached
    expectChain(session, n);
  nnccrt_trim(session);
  EXPECT_EQ(session.run(), "input 'x' is not set: bind it, or fill the memory that nnccrt_input gives");
  expectChain(session, 5);
}

TEST(SymbolicPlan, Overflow) {
  FakeModel model = makeChain();
  Session session(model);
  std::vector<int64_t> n = {INT64_MAX / 2};
  EXPECT_FAILS(nnccrt_resize(session, n.data(), 1, &status), NNCCRT_NO_MEMORY, "more than 2^63 bytes");
  n = {int64_t(1) << 55};
  nnccrt_status status;
  EXPECT_EQ(nnccrt_resize(session, n.data(), 1, &status), NNCCRT_NO_MEMORY);
  EXPECT_EQ(status.needed, uint64_t(1) << 57);
  expectChain(session, 4);
}

TEST(Workspace, HoldsARun) {
  FakeModel model = makeChain();
  Session session(model);
  const int64_t n = 50;
  uint64_t bytes = 0;
  EXPECT_OK(nnccrt_workspace_bytes(session, &n, 1, &bytes, &status));
  EXPECT_EQ(bytes, 4u * 256); // x, y and the two planned buffers, in steps of 64
  GuardedMemory memory(bytes);
  EXPECT_OK(nnccrt_set_workspace(session, memory.get(), bytes, &status));
  expectChain(session, n);
  EXPECT_TRUE(memory.holds(session.input(0).data));
  EXPECT_TRUE(memory.holds(session.output(0).data));
  expectChain(session, 3);
  const int64_t more = 65;
  nnccrt_status status;
  EXPECT_EQ(nnccrt_resize(session, &more, 1, &status), NNCCRT_TOO_SMALL);
  EXPECT_EQ(status.needed, 4u * 320);
  EXPECT_STREQ(status.message, "the workspace of 1024 bytes is too small: the run takes 1280");
  EXPECT_OK(nnccrt_set_workspace(session, nullptr, 0, &status));
  expectChain(session, more);
}

TEST(Workspace, NeedsLessForWhatIsBound) {
  FakeModel model = makeChain();
  Session session(model);
  std::vector<float> x(50, 5), y(50);
  std::vector<int64_t> dims = {50};
  nnccrt_tensor input = tensorOf(NNCCRT_F32, dims, x.data()), output = tensorOf(NNCCRT_F32, dims, y.data());
  EXPECT_OK(nnccrt_bind_input(session, 0, &input, &status));
  EXPECT_OK(nnccrt_bind_output(session, 0, &output, &status));
  uint64_t bytes = 0;
  EXPECT_OK(nnccrt_workspace_bytes(session, dims.data(), 1, &bytes, &status));
  EXPECT_EQ(bytes, 2u * 256);
  GuardedMemory memory(bytes);
  EXPECT_OK(nnccrt_set_workspace(session, memory.get(), bytes, &status));
  EXPECT_EQ(session.run(), "");
  EXPECT_EQ(y, std::vector<float>(50, 8));
  EXPECT_OK(nnccrt_bind_output(session, 0, nullptr, &status));
  EXPECT_EQ(session.run(), "the workspace of 512 bytes is too small: the run takes 768");
}

TEST(Workspace, Misaligned) {
  FakeModel model = makeChain();
  Session session(model);
  alignas(64) char memory[256];
  EXPECT_FAILS(nnccrt_set_workspace(session, memory + 8, 128, &status), NNCCRT_MISMATCH, "is not aligned to 64 bytes");
}

TEST(Workspace, KeepsWhatIsFilledWhenOtherInputsChange) {
  // y = w, and x only says how large the plan is.
  FakeModel model;
  model.symbol("N").input("w", NNCCRT_F32, {2}).input("x", NNCCRT_F32, {"N"}).output("y", NNCCRT_F32, {2});
  model.slots({{-1, 0, 0}}, [](const int64_t *symbols, int64_t *bytes) { *bytes = 4 * symbols[0]; });
  model.schedule([](nnccrt_frame *frame) {
    const int64_t dims[] = {2};
    void *y = frame->services->output(frame, 0, dims);
    std::memset(frame->arena + frame->offsets[0], 0xff, 4 * frame->symbols[0]);
    std::memcpy(y, frame->inputs[0], 8);
    return 0;
  });
  Session session(model);
  GuardedMemory memory(4096);
  EXPECT_OK(nnccrt_set_workspace(session, memory.get(), 4096, &status));
  floatsAt(session.input(0))[0] = 1;
  floatsAt(session.input(0))[1] = 2;
  std::vector<float> x(500);
  for (int64_t n : {10, 500, 20}) {
    std::vector<int64_t> dims = {n};
    nnccrt_tensor tensor = tensorOf(NNCCRT_F32, dims, x.data());
    EXPECT_OK(nnccrt_bind_input(session, 1, &tensor, &status));
    EXPECT_EQ(session.run(), "");
    EXPECT_THAT(session.floats(0), ElementsAre(1, 2));
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Outputs that become inputs
//===----------------------------------------------------------------------------------------------------------------------===//

TEST(Feedback, OutputOfOneRunIsTheInputOfTheNext) {
  FakeModel model = makeChain();
  Session session(model);
  session.resize({40});
  std::fill_n(floatsAt(session.input(0)), 40, 0.0f);
  EXPECT_EQ(session.run(), "");
  for (int i = 2; i < 8; ++i) {
    nnccrt_tensor y = session.output(0);
    EXPECT_OK(nnccrt_bind_input(session, 0, &y, &status));
    EXPECT_EQ(session.run(), "");
    EXPECT_EQ(session.floats(0), std::vector<float>(40, 3.0f * i));
    EXPECT_EQ(floatsAt(y)[39], 3.0f * (i - 1)); // the input is still what it was
  }
  EXPECT_EQ(session.run(), "");
  EXPECT_EQ(session.floats(0), std::vector<float>(40, 21));
}

/// past (N floats) and one more of the value N, as a cache grows.
int32_t appendSchedule(nnccrt_frame *frame) {
  int64_t n = frame->symbols[0], more = n + 1;
  float *present = static_cast<float *>(frame->services->output(frame, 0, &more));
  if (!present)
    return -1;
  std::copy_n(static_cast<const float *>(frame->inputs[0]), n, present);
  present[n] = static_cast<float>(n);
  return 0;
}

TEST(Feedback, GrowingCache) {
  FakeModel model;
  model.symbol("past").input("past", NNCCRT_F32, {"past"}).output("present", NNCCRT_F32, {"past + 1"});
  model.schedule(appendSchedule);
  Session session(model);
  std::vector<int64_t> none = {0};
  nnccrt_tensor past = tensorOf(NNCCRT_F32, none, nullptr);
  for (int64_t n = 0; n < 300; ++n) {
    EXPECT_OK(nnccrt_bind_input(session, 0, &past, &status));
    ASSERT_EQ(session.run(), "");
    past = session.output(0);
  }
  std::vector<float> expected(300);
  std::iota(expected.begin(), expected.end(), 0.0f);
  EXPECT_EQ(session.floats(0), expected);
  EXPECT_OK(nnccrt_bind_input(session, 0, &past, &status));
  nnccrt_trim(session); // ends the view and the binding with it
  EXPECT_EQ(session.run(), "input 'past' is not set: bind it, or fill the memory that nnccrt_input gives");
}

TEST(Feedback, NotInsideAWorkspace) {
  FakeModel model = makeChain();
  Session session(model);
  GuardedMemory memory(4096);
  EXPECT_OK(nnccrt_set_workspace(session, memory.get(), 4096, &status));
  expectChain(session, 20);
  nnccrt_tensor y = session.output(0);
  EXPECT_OK(nnccrt_bind_input(session, 0, &y, &status));
  EXPECT_EQ(session.run(), "input 'x' is bound to memory of the workspace: copy it first");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Strides
//===----------------------------------------------------------------------------------------------------------------------===//

TEST(Strides, OfInputsAndOutputs) {
  FakeModel model = makeAddOne();
  Session session(model);
  std::vector<float> memory = {9, 2, 9, 1, 9, 0, 9, 5, 9, 4, 9, 3}; // every second one, backwards in each row
  std::vector<int64_t> dims = {2, 3}, strides = {6, -2}, transposed = {1, 2};
  nnccrt_tensor x = stridedTensor(NNCCRT_F32, dims, strides, &memory[5]);
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.floats(0), ElementsAre(1, 2, 3, 4, 5, 6));

  std::vector<float> result(6);
  nnccrt_tensor y = stridedTensor(NNCCRT_F32, dims, transposed, result.data());
  EXPECT_OK(nnccrt_bind_output(session, 0, &y, &status));
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(result, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(session.output(0).data, result.data());
  EXPECT_THAT(std::vector<int64_t>(session.output(0).strides, session.output(0).strides + 2), ElementsAre(1, 2));
}

TEST(Strides, OfABroadcastInput) {
  FakeModel model = makeAddOne();
  Session session(model);
  float row[] = {1, 2, 3};
  std::vector<int64_t> dims = {2, 3}, strides = {0, 1};
  nnccrt_tensor x = stridedTensor(NNCCRT_F32, dims, strides, row);
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.floats(0), ElementsAre(2, 3, 4, 2, 3, 4));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Sizes known while running
//===----------------------------------------------------------------------------------------------------------------------===//

/// The inputs above zero, through a buffer made while running.
int32_t compressSchedule(nnccrt_frame *frame) {
  const float *x = static_cast<const float *>(frame->inputs[0]);
  float *kept = static_cast<float *>(frame->services->alloc(frame, 4 * frame->symbols[0]));
  if (!kept)
    return -1;
  int64_t count = 0;
  for (int64_t i = 0; i < frame->symbols[0]; ++i)
    if (x[i] > 0)
      kept[count++] = x[i];
  void *y = frame->services->output(frame, 0, &count);
  if (!y)
    return -1;
  std::memcpy(y, kept, 4 * count);
  return 0;
}

class DynamicOutput : public testing::Test {
protected:
  DynamicOutput() {
    model.symbol("N").input("x", NNCCRT_F32, {"N"}).output("y", NNCCRT_F32, {"?"}).schedule(compressSchedule);
    session = std::make_unique<Session>(model);
  }
  std::string run(std::vector<float> values) {
    x = std::move(values);
    dims = {static_cast<int64_t>(x.size())};
    nnccrt_tensor tensor = tensorOf(NNCCRT_F32, dims, x.data());
    EXPECT_OK(nnccrt_bind_input(*session, 0, &tensor, &status));
    return session->run();
  }

  FakeModel model;
  std::unique_ptr<Session> session;
  std::vector<float> x;
  std::vector<int64_t> dims;
};

TEST_F(DynamicOutput, HasItsTrueDims) {
  EXPECT_EQ(run({1, -1, 2}), "");
  EXPECT_THAT(session->floats(0), ElementsAre(1, 2));
  EXPECT_EQ(run({-1, -2}), "");
  EXPECT_THAT(session->dims(0), ElementsAre(0));
  EXPECT_NE(session->output(0).data, nullptr);
  EXPECT_EQ(run(std::vector<float>(10000, 3)), "");
  EXPECT_THAT(session->dims(0), ElementsAre(10000));
}

TEST_F(DynamicOutput, InTheCallersMemory) {
  float y[2];
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  tensor.dtype = NNCCRT_F32;
  tensor.data = y;
  tensor.capacity = sizeof(y);
  EXPECT_OK(nnccrt_bind_output(*session, 0, &tensor, &status));
  EXPECT_EQ(run({1, -1, 2}), "");
  EXPECT_THAT(y, ElementsAre(1, 2));
  EXPECT_THAT(session->dims(0), ElementsAre(2));
  EXPECT_EQ(run({1, 2, 3}), "output 'y' takes 12 bytes, its capacity is 8");
}

TEST_F(DynamicOutput, InAWorkspace) {
  GuardedMemory memory(640);
  EXPECT_OK(nnccrt_set_workspace(*session, memory.get(), 640, &status));
  EXPECT_EQ(run({1, -1, 2}), "");
  EXPECT_THAT(session->floats(0), ElementsAre(1, 2));
  EXPECT_TRUE(memory.holds(session->output(0).data));
  nnccrt_status status;
  EXPECT_EQ(run(std::vector<float>(100, 3)), "the workspace of 640 bytes is too small: the run takes at least 960");
  EXPECT_EQ(nnccrt_run(*session, &status), NNCCRT_TOO_SMALL);
  EXPECT_EQ(status.needed, 960u);
  GuardedMemory larger(960);
  EXPECT_OK(nnccrt_set_workspace(*session, larger.get(), 960, &status));
  EXPECT_EQ(run(std::vector<float>(100, 3)), "");
  EXPECT_THAT(session->floats(0), testing::Each(3));
}

TEST(Stack, MarksNest) {
  FakeModel model;
  model.schedule([](nnccrt_frame *frame) {
    const nnccrt_services &s = *frame->services;
    std::vector<std::pair<char *, size_t>> live;
    auto take = [&](size_t bytes, char fill) {
      char *data = static_cast<char *>(s.alloc(frame, bytes));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
      std::memset(data, fill, bytes);
      live.emplace_back(data, bytes);
    };
    take(100, 0);
    for (int round = 0; round < 20; ++round) {
      int64_t outer = s.mark(frame);
      take(70000, 1); // beyond the first chunk
      int64_t inner = s.mark(frame);
      for (int i = 2; i < 6; ++i)
        take(i * 40000, i);
      s.release(frame, inner);
      live.resize(2);
      take(500000, 2);
      for (size_t i = 0; i < live.size(); ++i)
        EXPECT_EQ(std::count(live[i].first, live[i].first + live[i].second, char(i)), long(live[i].second));
      s.release(frame, outer);
      live.resize(1);
    }
    EXPECT_EQ(s.alloc(frame, -1), nullptr);
    return -1;
  });
  Session session(model);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(session.run(), "a buffer of the model takes more than 2^63 bytes");
}

/// A list that grows by one in each of N rounds, carried through the loop with what it was before.
int32_t growSchedule(nnccrt_frame *frame) {
  const nnccrt_services &s = *frame->services;
  const float *list = nullptr;
  for (int64_t n = 0; n < frame->symbols[0]; ++n) {
    int64_t mark = s.mark(frame);
    float *longer = static_cast<float *>(s.alloc(frame, 4 * (n + 1)));
    if (!longer)
      return -1;
    std::copy_n(list, n, longer);
    longer[n] = static_cast<float>(n);
    const float *before = list;
    list = static_cast<const float *>(s.carry(frame, 0, longer, 4 * (n + 1)));
    if (!list)
      return -1;
    EXPECT_NE(before, list);
    for (int64_t i = 0; i < n; ++i)
      EXPECT_EQ(before[i], static_cast<float>(i)); // the old value is still there
    s.release(frame, mark);
  }
  float *y = static_cast<float *>(s.output(frame, 0, frame->symbols));
  if (!y)
    return -1;
  std::copy_n(list, frame->symbols[0], y);
  return 0;
}

TEST(Carry, OldAndNewCoexist) {
  FakeModel model;
  model.symbol("N").input("x", NNCCRT_F32, {"N"}).output("y", NNCCRT_F32, {"N"}).carries(1).schedule(growSchedule);
  for (bool borrowed : {false, true}) {
    Session session(model);
    GuardedMemory memory(1 << 20);
    if (borrowed)
      EXPECT_OK(nnccrt_set_workspace(session, memory.get(), 1 << 20, &status));
    for (int64_t n : {100, 5, 0, 200}) {
      session.resize({n});
      session.input(0);
      EXPECT_EQ(session.run(), "");
      std::vector<float> expected(n);
      std::iota(expected.begin(), expected.end(), 0.0f);
      EXPECT_EQ(session.floats(0), expected);
    }
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Schedules that end early
//===----------------------------------------------------------------------------------------------------------------------===//

TEST(Schedule, FailsWithAMessage) {
  FakeModel model;
  model.schedule(
      [](nnccrt_frame *frame) { return frame->services->fail(frame, "node '/Reshape': 7 elements do not fit 2 x 3"); });
  Session session(model);
  nnccrt_status status;
  EXPECT_EQ(nnccrt_run(session, &status), NNCCRT_BAD_DATA);
  EXPECT_STREQ(status.message, "node '/Reshape': 7 elements do not fit 2 x 3");
}

TEST(Schedule, BreaksItsContract) {
  FakeModel without;
  without.output("y", NNCCRT_F32, {2}).schedule([](nnccrt_frame *) { return 0; });
  EXPECT_EQ(Session(without).run(), "the schedule of model 'fake' gave no output 'y'");
  FakeModel silent;
  silent.schedule([](nnccrt_frame *) { return -5; });
  EXPECT_EQ(Session(silent).run(), "the schedule of model 'fake' ended with -5 and no reason");
  FakeModel wild;
  wild.schedule([](nnccrt_frame *frame) {
    uint64_t args[] = {0};
    return frame->services->launch(frame, 3, args);
  });
  EXPECT_EQ(Session(wild).run(), "the schedule launches kernel 3 of 0");
  FakeModel carrying;
  carrying.schedule([](nnccrt_frame *frame) { return frame->services->carry(frame, 0, nullptr, 0) ? 0 : -1; });
  EXPECT_EQ(Session(carrying).run(), "the schedule carries value 0 of 0");
  FakeModel giving;
  giving.schedule([](nnccrt_frame *frame) { return frame->services->output(frame, 1, nullptr) ? 0 : -1; });
  EXPECT_EQ(Session(giving).run(), "the schedule gives output 1 of 0");
}

} // namespace
} // namespace nncc::rt::test
