//===- FakeModel.h - descriptors written by hand ------------------------------------------------------*- C++ -*-===//
///
/// \file
/// What the compiler would write, built in memory: kernels and schedules are functions of the test.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCC_TEST_UNIT_RUNTIME_FAKEMODEL_H
#define NNCC_TEST_UNIT_RUNTIME_FAKEMODEL_H

#include "nnccrt/nnccrt.h"
#include "gmock/gmock.h"
#include <deque>
#include <string>
#include <vector>

namespace nncc::rt::test {

class FakeModel {
public:
  /// A dim is a number, a symbol of the model, "?" for one known when the run ends, or an expression.
  struct Dim {
    Dim(int size) : size(size) {}
    Dim(int64_t size) : size(size) {}
    Dim(const char *text) : text(text) {}
    int64_t size = -1;
    std::string text;
  };

  FakeModel();

  FakeModel &symbol(const char *name);
  FakeModel &input(const char *name, uint32_t dtype, const std::vector<Dim> &dims);
  FakeModel &output(const char *name, uint32_t dtype, const std::vector<Dim> &dims);
  FakeModel &kernel(nnccrt_kernel_run run, nnccrt_kernel_tiles tiles, const char *name = "k",
                    const char *nodes = "node");
  FakeModel &schedule(int32_t (*run)(nnccrt_frame *));
  /// Bytes of a static plan.
  FakeModel &arena(int64_t bytes);
  /// A plan made by the runtime.
  FakeModel &slots(std::vector<nnccrt_slot> slots, void (*sizes)(const int64_t *, int64_t *));
  FakeModel &scratch(int64_t bytes);
  FakeModel &carries(uint32_t count);

  /// The descriptor, alive as long as this; may be changed before it is loaded. Nothing may be added afterwards.
  nnccrt_model *get();

private:
  nnccrt_value value(const char *name, uint32_t dtype, const std::vector<Dim> &dims);

  bool isComplete = false; ///< get() writes nothing more, so threads may load the model at once
  nnccrt_model model{};
  nnccrt_level level{};
  std::deque<std::vector<nnccrt_dim>> dims;
  std::deque<std::string> texts;
  std::vector<nnccrt_value> inputs, outputs;
  std::vector<const char *> symbols;
  std::vector<nnccrt_kernel> kernels;
  std::vector<nnccrt_kernel_info> infos;
  std::vector<nnccrt_slot> plan;
};

/// A loaded model with a context; every call is expected to succeed.
class Session {
public:
  explicit Session(FakeModel &model, uint32_t threads = 1);
  explicit Session(FakeModel &model, const nnccrt_context_options &options);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  nnccrt_context *get() const { return context; }
  operator nnccrt_context *() const { return context; }
  nnccrt_program *getProgram() const { return program; }

  /// The message of the run's status; empty when it succeeded.
  std::string run();
  nnccrt_tensor input(uint32_t index);
  nnccrt_tensor output(uint32_t index);
  void resize(std::vector<int64_t> symbols);
  std::vector<float> floats(uint32_t output);
  std::vector<int64_t> dims(uint32_t output);

private:
  nnccrt_program *program = nullptr;
  nnccrt_context *context = nullptr;
};

/// A tensor of the caller; `dims` and `strides` must stay alive.
nnccrt_tensor tensorOf(uint32_t dtype, const std::vector<int64_t> &dims, void *data);
nnccrt_tensor stridedTensor(uint32_t dtype, const std::vector<int64_t> &dims, const std::vector<int64_t> &strides,
                            void *data);

template <typename T> T *at(const uint64_t *args, size_t slot) { return reinterpret_cast<T *>(args[slot]); }
inline uint64_t slotOf(const void *data) { return reinterpret_cast<uint64_t>(data); }

#define EXPECT_OK(call)                                                                                                \
  do {                                                                                                                 \
    nnccrt_status status;                                                                                              \
    EXPECT_EQ((call), NNCCRT_OK) << status.message;                                                                    \
  } while (false)
#define EXPECT_FAILS(call, expectedCode, expectedMessage)                                                              \
  do {                                                                                                                 \
    nnccrt_status status;                                                                                              \
    EXPECT_EQ((call), expectedCode);                                                                                   \
    EXPECT_EQ(status.code, expectedCode);                                                                              \
    EXPECT_THAT(status.message, testing::HasSubstr(expectedMessage));                                                  \
  } while (false)

/// y = x + 1 on f32 tensors, 2x3 or Nx3, in tiles of four elements.
FakeModel makeAddOne();
FakeModel makeDynamicAddOne();

} // namespace nncc::rt::test

#endif // NNCC_TEST_UNIT_RUNTIME_FAKEMODEL_H
