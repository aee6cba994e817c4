//===- Fixture.h - models for GPUs written by hand, on the emulator -----------------------------------*- C++ -*-===//

#ifndef NNCC_TEST_UNIT_CUDA_FIXTURE_H
#define NNCC_TEST_UNIT_CUDA_FIXTURE_H

#include "../Runtime/FakeModel.h"
#include <functional>

namespace nncc::rt::test {

/// y = x + 1 on f32[n], by two launches: x + 3 to the arena, - 2 to y. An element that is 13 is a fault of the first.
class CudaModel {
public:
  /// `sms`: of the images, which are all the same text. `isDynamic`: the schedule reads a size from the device first.
  explicit CudaModel(const std::vector<uint32_t> &sms = {50}, bool isDynamic = false);
  /// The images in three modules: one of the first kernel, one of the second, and one that no launch needs.
  CudaModel &inParts();

  nnccrt_model *get();

  FakeModel fake;
  FakeModel host; ///< the same for CPUs
  std::vector<nnccrt_cuda_image> images;
  std::vector<nnccrt_cuda_part> parts; ///< of all images

private:
  nnccrt_cuda cuda{};
};

/// Of x and b: y = x + 3, q = b - 2 and r = x + 1, by four launches in the order y, x + 3, q, r. So b is not needed before the third, y is there
/// behind the first, and q behind the third.
class CopyingModel : public CudaModel {
public:
  /// `isDynamic`: the schedule reads an element of x first.
  explicit CopyingModel(bool isDynamic = false);
};

using Environment = std::vector<std::pair<const char *, const char *>>;

/// Runs `work` in a process of its own, on the emulator (a T4 unless NNCC_EMU says otherwise); returns what it returned.
std::string onEmulator(const Environment &environment, const std::function<std::string()> &work);
/// The same without any driver.
std::string withoutDriver(const Environment &environment, const std::function<std::string()> &work);

/// Loads the model on "cuda", gives it 1, 2, .. and returns "2 3 4 .." or the message.
std::string runOnce(CudaModel &model, const char *device = "cuda", uint32_t count = 4);

/// A loaded model and a context; `message` is not empty where that failed.
struct Loaded {
  explicit Loaded(CudaModel &model, const nnccrt_load_options &options = optionsFor("cuda"),
                  const nnccrt_context_options *contextOptions = nullptr);
  ~Loaded();
  static nnccrt_load_options optionsFor(const char *device);

  using Bind = nnccrt_code(nnccrt_context *, uint32_t, const nnccrt_tensor *, nnccrt_status *);
  std::string bind(Bind *bind, uint32_t index, void *data, int64_t count, uint32_t kind, int64_t stride = 1);
  std::string bindInput(void *data, int64_t count, uint32_t kind = NNCCRT_CPU) {
    return bind(nnccrt_bind_input, 0, data, count, kind);
  }
  std::string bindOutput(void *data, int64_t count, uint32_t kind = NNCCRT_CPU) {
    return bind(nnccrt_bind_output, 0, data, count, kind);
  }
  std::string run();
  /// "2 3 4", of the host's view.
  std::string output(uint32_t index = 0);

  nnccrt_program *program = nullptr;
  nnccrt_context *context = nullptr;
  nnccrt_status status{};
};

/// The driver API, as an application calls it that has buffers and streams of its own.
struct Driver {
  Driver();
  template <typename F> F *find(const char *name) const { return reinterpret_cast<F *>(look(name)); }
  void *look(const char *name) const;
  void *upload(const std::vector<float> &values) const;
  std::string download(const void *data, size_t count) const;
  void *stream() const;
  /// A context besides the primary one, for what comes now; and back.
  void enterNewContext() const;
  void leaveContext() const;
  void wait(void *stream) const;

  void *library;
};

/// One behind the other, as the calls in braces were made: operands of + come in any order.
std::string sequence(std::initializer_list<std::string> texts);
std::string join(const std::vector<float> &values);

} // namespace nncc::rt::test

#endif // NNCC_TEST_UNIT_CUDA_FIXTURE_H
