//===- MisuseTest.cpp - what a caller can do wrong, and what he is told -----------------------------------------===//

#include "FakeModel.h"

namespace nncc::rt::test {
namespace {

/// x, y: f32 N x 3; z = x + y is not computed: the schedule only hands out z.
int32_t giveOutputs(nnccrt_frame *frame) {
  const int64_t dims[] = {frame->symbols[0], 3};
  for (uint32_t i = 0; i < 2; ++i)
    if (!frame->services->output(frame, i, dims))
      return -1;
  return 0;
}

class Misuse : public testing::Test {
protected:
  static FakeModel makeModel() {
    FakeModel model;
    model.symbol("N").input("x", NNCCRT_F32, {"N", 3}).input("y", NNCCRT_F32, {"N", 3});
    model.output("u", NNCCRT_F32, {"N", 3}).output("v", NNCCRT_F32, {"N", 3}).schedule(giveOutputs);
    return model;
  }

  nnccrt_tensor tensor(int64_t offset = 0) { return tensorOf(NNCCRT_F32, dims, memory + offset); }
  void bindInputs() {
    nnccrt_tensor x = tensor(), y = tensor(16);
    EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
    EXPECT_OK(nnccrt_bind_input(session, 1, &y, &status));
  }

  FakeModel model = makeModel();
  Session session{model};
  std::vector<int64_t> dims = {2, 3};
  alignas(64) float memory[128] = {};
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------------------------------------------------------===//

TEST_F(Misuse, Index) {
  nnccrt_tensor x = tensor();
  EXPECT_FAILS(nnccrt_bind_input(session, 2, &x, &status), NNCCRT_INVALID,
               "there is no input 2: model 'fake' has 2 inputs");
  EXPECT_FAILS(nnccrt_bind_output(session, 9, &x, &status), NNCCRT_INVALID,
               "there is no output 9: model 'fake' has 2 outputs");
  EXPECT_FAILS(nnccrt_input(session, 2, &x, &status), NNCCRT_INVALID, "there is no input 2");
  EXPECT_FAILS(nnccrt_output(session, 2, &x, &status), NNCCRT_INVALID, "there is no output 2");
}

TEST_F(Misuse, Name) {
  nnccrt_tensor x = tensor();
  EXPECT_OK(nnccrt_bind_input_named(session, "y", &x, &status));
  EXPECT_FAILS(nnccrt_bind_input_named(session, "u", &x, &status), NNCCRT_INVALID, "there is no input 'u'");
  EXPECT_FAILS(nnccrt_bind_output_named(session, nullptr, &x, &status), NNCCRT_INVALID, "there is no output '(null)'");
  EXPECT_EQ(nnccrt_find_input(session.getProgram(), "y"), 1);
  EXPECT_EQ(nnccrt_find_output(session.getProgram(), "v"), 1);
  EXPECT_EQ(nnccrt_find_symbol(session.getProgram(), "N"), 0);
  EXPECT_EQ(nnccrt_find_symbol(session.getProgram(), "M"), -1);
}

TEST_F(Misuse, Size) {
  nnccrt_tensor x = tensor();
  x.size = 8;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_INVALID, "nnccrt_tensor.size is 8: set it to sizeof");
  EXPECT_FAILS(nnccrt_output(session, 0, &x, &status), NNCCRT_INVALID, "nnccrt_tensor.size is 8");
  EXPECT_FAILS(nnccrt_output(session, 0, nullptr, &status), NNCCRT_INVALID, "the tensor is a null pointer");
}

TEST_F(Misuse, Kind) {
  nnccrt_tensor x = tensor();
  x.kind = NNCCRT_SEQUENCE;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_UNSUPPORTED,
               "input 'x': this runtime takes tensors only");
}

TEST_F(Misuse, Device) {
  nnccrt_tensor x = tensor();
  x.device_kind = NNCCRT_CUDA;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_UNSUPPORTED,
               "input 'x' lies on a CUDA device, the model runs on the CPU");
}

TEST_F(Misuse, ElementType) {
  nnccrt_tensor x = tensor();
  x.dtype = NNCCRT_I64;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH, "input 'x' dtype: expected f32, got i64");
  x.dtype = 77;
  EXPECT_FAILS(nnccrt_bind_output(session, 1, &x, &status), NNCCRT_MISMATCH, "output 'v' dtype: expected f32, got ?");
}

TEST_F(Misuse, Rank) {
  nnccrt_tensor x = tensor();
  x.rank = 1;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH, "input 'x' rank: expected 2, got 1");
  x.rank = 2;
  x.dims = nullptr;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_INVALID, "input 'x' has no dims");
}

TEST_F(Misuse, Dim) {
  dims = {2, 4};
  nnccrt_tensor x = tensor();
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH, "input 'x' dim 1: expected 3, got 4");
  dims = {-1, 3};
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH, "input 'x' dim 0: -1 is negative");
  dims = {INT64_MAX / 2, 3};
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH, "take more than 2^63 bytes");
}

TEST_F(Misuse, Address) {
  nnccrt_tensor x = tensor();
  x.data = nullptr;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_INVALID,
               "input 'x': nnccrt_tensor.data is a null pointer");
  x.data = reinterpret_cast<char *>(memory) + 2;
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH,
               "is not aligned to 4 bytes, its element type f32");
  dims = {0, 3}; // no element, no address
  x.data = nullptr;
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
}

TEST_F(Misuse, Capacity) {
  nnccrt_tensor x = tensor();
  x.capacity = 20;
  nnccrt_status status;
  EXPECT_EQ(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_TOO_SMALL);
  EXPECT_EQ(status.needed, 24u);
  EXPECT_STREQ(status.message, "input 'x': its dims take 24 bytes, its capacity is 20");
}

TEST_F(Misuse, Strides) {
  std::vector<int64_t> strides = {INT64_MAX / 4, 1};
  nnccrt_tensor x = stridedTensor(NNCCRT_F32, dims, strides, memory);
  EXPECT_FAILS(nnccrt_bind_input(session, 0, &x, &status), NNCCRT_MISMATCH, "take more than 2^63 bytes");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------------===//

TEST_F(Misuse, SymbolsDisagree) {
  nnccrt_tensor x = tensor();
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
  std::vector<int64_t> other = {5, 3};
  nnccrt_tensor y = tensorOf(NNCCRT_F32, other, memory + 32);
  EXPECT_OK(nnccrt_bind_input(session, 1, &y, &status));
  EXPECT_EQ(session.run(), "input 'y' dim 0 (N): expected 2, as input 'x' dim 0 is, got 5");
}

TEST_F(Misuse, MissingInput) {
  EXPECT_EQ(session.run(), "input 'x' is not set: bind it, or fill the memory that nnccrt_input gives");
  nnccrt_tensor x = tensor();
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
  EXPECT_EQ(session.run(), "input 'y' is not set: bind it, or fill the memory that nnccrt_input gives");
  EXPECT_FAILS(nnccrt_input(session, 1, &x, &status), NNCCRT_INVALID,
               "input 'y' dim 0 (N) has no size yet: resize, or bind");
}

TEST_F(Misuse, NoSizes) {
  nnccrt_tensor x = tensor();
  x.rank = 0;
  x.dims = nullptr;
  x.capacity = 24;
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
  EXPECT_OK(nnccrt_bind_input(session, 1, &x, &status));
  EXPECT_EQ(session.run(), "symbol 'N' has no value: bind the inputs that have it, or resize");
}

TEST_F(Misuse, FilledForOtherSizes) {
  session.resize({4});
  session.input(1);
  nnccrt_tensor x = tensor();
  EXPECT_OK(nnccrt_bind_input(session, 0, &x, &status));
  EXPECT_EQ(session.run(),
            "input 'y' dim 0 (N) is 4, but the last resize or other inputs make it 2: resize and fill it "
            "again, or bind it");
  session.resize({2});
  EXPECT_EQ(session.run(),
            "input 'y' is not set: bind it, or fill the memory that nnccrt_input gives"); // a resize ends views
  session.input(1);
  EXPECT_EQ(session.run(), "");
}

TEST_F(Misuse, BoundForOtherSizes) {
  bindInputs();
  EXPECT_EQ(session.run(), "");
  session.resize({5});
  EXPECT_EQ(session.run(), "input 'x' dim 0 (N) is 2, but the last resize or other inputs make it 5: bind it again");
  bindInputs();
  EXPECT_EQ(session.run(), "");
}

TEST_F(Misuse, Resize) {
  const int64_t values[] = {3, -1};
  EXPECT_FAILS(nnccrt_resize(session, values, 2, &status), NNCCRT_INVALID, "model 'fake' has 1 symbols, got 2 values");
  EXPECT_FAILS(nnccrt_resize(session, values + 1, 1, &status), NNCCRT_MISMATCH, "symbol 'N': -1 is negative");
  EXPECT_FAILS(nnccrt_resize(session, nullptr, 1, &status), NNCCRT_INVALID,
               "the values of the symbols are a null pointer");
  const int64_t huge = INT64_MAX / 4;
  EXPECT_FAILS(nnccrt_resize(session, &huge, 1, &status), NNCCRT_NO_MEMORY,
               "takes more than 2^63 bytes for these sizes");
}

TEST_F(Misuse, OutputBeforeRun) {
  nnccrt_tensor u = tensor();
  EXPECT_FAILS(nnccrt_output(session, 0, &u, &status), NNCCRT_INVALID, "output 'u' has no value");
  bindInputs();
  EXPECT_EQ(session.run(), "");
  EXPECT_OK(nnccrt_output(session, 0, &u, &status));
  session.resize({2});
  EXPECT_FAILS(nnccrt_output(session, 0, &u, &status), NNCCRT_INVALID, "output 'u' has no value");
}

TEST_F(Misuse, OutputOverlapsInput) {
  bindInputs();
  nnccrt_tensor u = tensor(18); // inside y
  EXPECT_OK(nnccrt_bind_output(session, 0, &u, &status));
  EXPECT_EQ(session.run(), "output 'u' overlaps input 'y' in memory");
  u.data = memory + 22; // right behind it
  EXPECT_OK(nnccrt_bind_output(session, 0, &u, &status));
  EXPECT_EQ(session.run(), "");
}

TEST_F(Misuse, OutputsOverlap) {
  bindInputs();
  nnccrt_tensor u = tensor(64), v = tensor(68);
  EXPECT_OK(nnccrt_bind_output(session, 0, &u, &status));
  EXPECT_OK(nnccrt_bind_output(session, 1, &v, &status));
  EXPECT_EQ(session.run(), "output 'v' overlaps output 'u' in memory");
}

TEST_F(Misuse, OutputOfOtherDims) {
  bindInputs();
  std::vector<int64_t> other = {4, 3};
  nnccrt_tensor u = tensorOf(NNCCRT_F32, other, memory + 64);
  EXPECT_OK(nnccrt_bind_output(session, 0, &u, &status));
  EXPECT_EQ(session.run(), "output 'u' dim 0: the caller's memory is bound with 4, the model gives 2");
}

TEST_F(Misuse, OutputTooSmall) {
  bindInputs();
  nnccrt_tensor u = tensor(64);
  u.rank = 0;
  u.dims = nullptr;
  u.capacity = 20;
  EXPECT_OK(nnccrt_bind_output(session, 0, &u, &status));
  nnccrt_status status;
  EXPECT_EQ(nnccrt_run(session, &status), NNCCRT_TOO_SMALL);
  EXPECT_EQ(status.needed, 24u);
  EXPECT_STREQ(status.message, "output 'u' takes 24 bytes, its capacity is 20");
  u.capacity = 24; // and on it goes
  EXPECT_OK(nnccrt_bind_output(session, 0, &u, &status));
  EXPECT_EQ(session.run(), "");
  EXPECT_THAT(session.dims(0), testing::ElementsAre(2, 3));
}

TEST_F(Misuse, RunInsideARun) {
  nnccrt_context_options options = {};
  options.size = sizeof(options);
  static nnccrt_context *inner;
  static std::string message;
  options.profiler = [](void *, const nnccrt_launch_event *) {
    nnccrt_status status;
    nnccrt_run(inner, &status);
    message = status.message;
  };
  FakeModel addOne = makeAddOne();
  Session nested(addOne, options);
  inner = nested.get();
  nested.input(0);
  EXPECT_EQ(nested.run(), "");
  EXPECT_EQ(message, "the context is running: it may be used by one thread at a time");
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Null and options
//===----------------------------------------------------------------------------------------------------------------------===//

TEST_F(Misuse, Null) {
  nnccrt_program *program;
  nnccrt_context *context;
  nnccrt_tensor x = tensor();
  uint64_t bytes;
  EXPECT_FAILS(nnccrt_load(nullptr, nullptr, &program, &status), NNCCRT_INVALID, "the model is a null pointer");
  EXPECT_FAILS(nnccrt_load(model.get(), nullptr, nullptr, &status), NNCCRT_INVALID, "the place for the program");
  EXPECT_FAILS(nnccrt_create(nullptr, nullptr, &context, &status), NNCCRT_INVALID, "the program is a null pointer");
  EXPECT_FAILS(nnccrt_run(nullptr, &status), NNCCRT_INVALID, "the context is a null pointer");
  EXPECT_FAILS(nnccrt_bind_input(nullptr, 0, &x, &status), NNCCRT_INVALID, "the context is a null pointer");
  EXPECT_FAILS(nnccrt_workspace_bytes(session, nullptr, 0, nullptr, &status), NNCCRT_INVALID,
               "the place for the number");
  EXPECT_FAILS(nnccrt_workspace_bytes(nullptr, nullptr, 0, &bytes, &status), NNCCRT_INVALID,
               "the context is a null pointer");
  EXPECT_EQ(nnccrt_run(nullptr, nullptr), NNCCRT_INVALID); // without a status too
  EXPECT_EQ(nnccrt_describe(nullptr), nullptr);
  nnccrt_cancel(nullptr);
  nnccrt_trim(nullptr);
  nnccrt_destroy(nullptr);
  nnccrt_unload(nullptr);
}

TEST_F(Misuse, Options) {
  nnccrt_context *context;
  struct {
    nnccrt_context_options known;
    uint64_t unknown;
  } options = {};
  EXPECT_FAILS(nnccrt_create(session.getProgram(), &options.known, &context, &status), NNCCRT_INVALID,
               "nnccrt_context_options.size is 0: set it to sizeof");
  options.known.size = sizeof(options); // of a newer header, but nothing new is used
  EXPECT_OK(nnccrt_create(session.getProgram(), &options.known, &context, &status));
  nnccrt_destroy(context);
  options.unknown = 1;
  EXPECT_FAILS(nnccrt_create(session.getProgram(), &options.known, &context, &status), NNCCRT_UNSUPPORTED,
               "nnccrt_context_options sets options that this runtime (0.1.0) does not know");
}

TEST_F(Misuse, MessagesAreOneLineOfText) {
  auto messageFor = [&](const std::string &name) -> std::string {
    FakeModel strange;
    strange.input(name.c_str(), NNCCRT_F32, {2}).schedule([](nnccrt_frame *) { return 0; });
    Session other(strange);
    nnccrt_tensor x = tensor();
    nnccrt_status status;
    EXPECT_EQ(nnccrt_bind_input(other, 0, &x, &status), NNCCRT_MISMATCH);
    return status.message;
  };
  EXPECT_EQ(messageFor(std::string(70000, 'a')), "input '" + std::string(160, 'a') + "' rank: expected 1, got 2");
  EXPECT_EQ(messageFor("a\nb\x1b[1mc"), "input 'a?b?[1mc' rank: expected 1, got 2");
  EXPECT_EQ(messageFor("Größe 大 \xf0\x9f\x99\x82"), "input 'Größe 大 \xf0\x9f\x99\x82' rank: expected 1, got 2");
  EXPECT_EQ(messageFor("\xff\xc0\x80\xe0\x80\x80\xed\xa0\x80\xf5z"), "input '?????????\x3fz' rank: expected 1, got 2");
  EXPECT_EQ(messageFor(std::string(159, 'a') + "ö"), "input '" + std::string(159, 'a') + "?' rank: expected 1, got 2");
}

} // namespace
} // namespace nncc::rt::test
