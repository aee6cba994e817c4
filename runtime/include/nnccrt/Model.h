//===- Model.h - compiled models from C++ -------------------------------------------------------------*- C++ -*-===//
///
/// \file
/// C++17 on top of nnccrt.h, without exceptions: what can fail returns a Status or a Result. The header that nncc writes for a model
/// derives typed classes from these:
///
///   auto model = resnet50::Model::load();      if (!model) return fail(model.status());
///   auto run = model->context();               if (!run) return fail(run.status());
///   fill(run->input());                        // a view into the context: no copy
///   if (auto s = run->run(); !s) return fail(s);
///   use(run->logits());                        // valid until the next run or resize
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_MODEL_H
#define NNCCRT_MODEL_H

#include "nnccrt/View.h"
#include <cstdio>
#include <new>

namespace nncc {

//===----------------------------------------------------------------------------------------------------------------------===//
// Status and Result
//===----------------------------------------------------------------------------------------------------------------------===//

/// How a call ended; true when it did what it should.
class [[nodiscard]] Status {
public:
  Status() { ok(); }

  explicit operator bool() const { return raw.code == NNCCRT_OK; }
  /// NNCCRT_OK, NNCCRT_INVALID, ...
  nnccrt_code code() const { return raw.code; }
  /// One line: "input 'x' dim 2: expected 5, got 1". Empty when all is well.
  const char *message() const { return raw.message; }
  /// With NNCCRT_TOO_SMALL: bytes that it takes.
  uint64_t needed() const { return raw.needed; }

  Status(const Status &other) { *this = other; }
  Status &operator=(const Status &other) {
    if (other.raw.code == NNCCRT_OK)
      ok();
    else
      raw = other.raw;
    return *this;
  }

  /// For a call of the C API.
  nnccrt_status *get() { return &raw; }

private:
  void ok() { // not 500 bytes of zeros
    raw.code = NNCCRT_OK;
    raw.reserved = 0;
    raw.needed = 0;
    raw.message[0] = '\0';
  }

  nnccrt_status raw;
};

/// A T, or why there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T &&value) : hasValue(true) { new (&storage) T(std::move(value)); }
  Result(const Status &status) : why(status) {}
  Result(Result &&other) noexcept : why(other.why), hasValue(other.hasValue) {
    if (hasValue)
      new (&storage) T(std::move(*other));
  }
  Result(const Result &) = delete;
  Result &operator=(const Result &) = delete;
  ~Result() {
    if (hasValue)
      (**this).~T();
  }

  explicit operator bool() const { return hasValue; }
  const Status &status() const { return why; }
  /// Only when there is one.
  T &operator*() { return *std::launder(reinterpret_cast<T *>(&storage)); }
  const T &operator*() const { return *std::launder(reinterpret_cast<const T *>(&storage)); }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }

private:
  Status why;
  bool hasValue = false;
  alignas(T) unsigned char storage[sizeof(T)];
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------------------------------------------------------===//

/// nnccrt_load_options.
struct LoadOptions {
  const char *device = nullptr;
  const char *weights_path = nullptr;
  const void *weights = nullptr;
  uint64_t weights_bytes = 0;
  int (*read_weights)(void *user, uint64_t offset, void *target, uint64_t bytes) = nullptr;
  void *user = nullptr;
  const char *weights_directory = nullptr;
  bool verify_weights = false;
  uint64_t memory_limit = 0;
};

/// nnccrt_context_options.
struct ContextOptions {
  uint32_t threads = 0;
  nnccrt_executor executor = nullptr;
  void *executor_user = nullptr;
  void (*profiler)(void *user, const nnccrt_launch_event *event) = nullptr;
  void *profiler_user = nullptr;
};

/// A CUstream or cudaStream_t, for run().
struct Stream {
  void *handle;
};
inline Stream on(void *stream) { return {stream}; }

//===----------------------------------------------------------------------------------------------------------------------===//
// Context
//===----------------------------------------------------------------------------------------------------------------------===//

/// Memory to run a model in; used by one thread at a time. The names of its members are not available to the accessors that nncc
/// writes for inputs and outputs.
class Context {
public:
  Context() = default;
  Context(Context &&other) noexcept : handle(std::exchange(other.handle, nullptr)), last(other.last) {}
  Context &operator=(Context &&other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  ~Context() { nnccrt_destroy(handle); }

  Status run() { return call(nnccrt_run(handle, last.get())); }
  /// On a GPU: enqueued on the caller's stream, run(on(stream)); see nnccrt_run_on.
  Status run(Stream stream) { return call(nnccrt_run_on(handle, stream.handle, last.get())); }
  Status synchronize() { return call(nnccrt_synchronize(handle, last.get())); }
  /// Allocates what a run takes, so that the run does not.
  Status prepare() { return call(nnccrt_prepare(handle, last.get())); }
  /// From any thread.
  void cancel() { nnccrt_cancel(handle); }

  /// Values of all symbols, in the model's order; a generated class has a resize with their names.
  Status resize_to(Span<const int64_t> symbols) {
    return call(nnccrt_resize(handle, symbols.data(), static_cast<uint32_t>(symbols.size()), last.get()));
  }
  Result<uint64_t> workspace_bytes_for(Span<const int64_t> symbols) {
    uint64_t bytes = 0;
    uint32_t count = static_cast<uint32_t>(symbols.size());
    if (nnccrt_workspace_bytes(handle, symbols.data(), count, &bytes, last.get()))
      return last;
    return bytes;
  }
  /// Memory for all runs from now on, 64-byte aligned; null: the heap.
  Status set_workspace(void *memory, uint64_t bytes) {
    return call(nnccrt_set_workspace(handle, memory, bytes, last.get()));
  }
  void trim() { nnccrt_trim(handle); }

  /// The input's memory, to be filled. An empty view, with the reason in status(), when it has no size yet.
  template <typename T> View<T> input_at(uint32_t index) {
    nnccrt_tensor tensor = blank();
    return nnccrt_input(handle, index, &tensor, last.get()) ? View<T>() : viewOf<T>("input", index, tensor);
  }
  /// What the last run gave, valid until the next run or resize. An empty view, with the reason in status(), when there is nothing.
  template <typename T> View<const T> output_at(uint32_t index) {
    nnccrt_tensor tensor = blank();
    return nnccrt_output(handle, index, &tensor, last.get()) ? View<const T>()
                                                             : viewOf<const T>("output", index, tensor);
  }

  /// The same in the memory of the GPU, without a copy.
  template <typename T> View<const T> device_output_at(uint32_t index) {
    nnccrt_tensor tensor = blank();
    return nnccrt_device_output(handle, index, &tensor, last.get()) ? View<const T>()
                                                                    : viewOf<const T>("output", index, tensor);
  }

  /// Reads the input from the caller's memory from now on. A view without dims has those that resize or the other inputs give.
  template <typename T> Status bind_input_at(uint32_t index, View<T> view) {
    const nnccrt_model *model = nnccrt_model_of(handle);
    nnccrt_tensor tensor = describe(view, model && index < model->num_inputs ? model->inputs[index].dtype : 0);
    return call(nnccrt_bind_input(handle, index, &tensor, last.get()));
  }
  /// Writes the output into the caller's memory from now on. A view without dims takes what has room in it.
  template <typename T> Status bind_output_at(uint32_t index, View<T> view) {
    static_assert(!std::is_const_v<T>, "an output is written");
    const nnccrt_model *model = nnccrt_model_of(handle);
    nnccrt_tensor tensor = describe(view, model && index < model->num_outputs ? model->outputs[index].dtype : 0);
    return call(nnccrt_bind_output(handle, index, &tensor, last.get()));
  }
  /// Back to the context's own memory.
  Status unbind_input_at(uint32_t index) { return call(nnccrt_bind_input(handle, index, nullptr, last.get())); }
  Status unbind_output_at(uint32_t index) { return call(nnccrt_bind_output(handle, index, nullptr, last.get())); }

  /// Of the last call.
  const Status &status() const { return last; }
  /// For calls of the C API.
  nnccrt_context *get() const { return handle; }

private:
  friend class Model;

  static nnccrt_tensor blank() {
    nnccrt_tensor tensor = {};
    tensor.size = sizeof(tensor);
    return tensor;
  }
  const Status &call(nnccrt_code) { return last; }

  /// The view, alive as long as the tensor. With an element type that does not fit, nnccrt_bind_* says so.
  template <typename T> static nnccrt_tensor describe(const View<T> &view, uint32_t dtype) {
    nnccrt_tensor tensor = blank();
    tensor.dtype = holds<T>(dtype) ? dtype : dtype_of<T>();
    tensor.data = const_cast<std::remove_const_t<T> *>(view.data());
    tensor.device_kind = view.device_kind();
    tensor.device_index = view.device_index();
    if (view.flat()) {
      tensor.capacity = view.size() * sizeof(T);
      return tensor;
    }
    tensor.rank = static_cast<uint32_t>(view.rank());
    tensor.dims = view.dims().data();
    tensor.strides = view.contiguous() ? nullptr : view.strides().data();
    return tensor;
  }

  template <typename T> View<T> viewOf(const char *what, uint32_t index, const nnccrt_tensor &tensor) {
    nnccrt_status &raw = *last.get();
    T *data = static_cast<T *>(tensor.data);
    if (!holds<T>(tensor.dtype) || tensor.rank > View<T>::kMaxRank) {
      raw.code = NNCCRT_MISMATCH;
      std::snprintf(raw.message, sizeof(raw.message), "%s %u is %s of rank %u, which View<%s> does not hold", what,
                    index, nnccrt_dtype_name(tensor.dtype), tensor.rank, nnccrt_dtype_name(dtype_of<T>()));
      return {};
    }
    View<T> view(data, static_cast<size_t>(tensor.capacity));
    if (!std::is_same_v<std::remove_const_t<T>, packed>)
      view = {data, Span<const int64_t>(tensor.dims, tensor.rank),
              Span<const int64_t>(tensor.strides, tensor.strides ? tensor.rank : 0)};
    return tensor.device_kind == NNCCRT_CUDA ? view.on_device(tensor.device_index) : view;
  }

  nnccrt_context *handle = nullptr;
  Status last;
};

//===----------------------------------------------------------------------------------------------------------------------===//
// Model
//===----------------------------------------------------------------------------------------------------------------------===//

/// A loaded model: immutable, shared by all threads. Contexts may outlive it.
class Model {
public:
  Model() = default;
  Model(Model &&other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Model &operator=(Model &&other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  ~Model() { nnccrt_unload(handle); }

  static Result<Model> load(const nnccrt_model &descriptor, const LoadOptions &options = {}) {
    return load_as<Model>(descriptor, options);
  }
  /// From a shared library; `name` null: the only model in it.
  static Result<Model> open(const char *path, const char *name = nullptr, const LoadOptions &options = {}) {
    Status status;
    Model model;
    nnccrt_load_options raw = rawOptions(options);
    if (nnccrt_open(path, name, &raw, &model.handle, status.get()))
      return status;
    return model;
  }
  Result<Context> context(const ContextOptions &options = {}) const { return context_as<Context>(options); }

  /// Names, dims, symbols, kernels, metadata.
  const nnccrt_model &describe() const { return *nnccrt_describe(handle); }
  const char *cpu_level() const { return nnccrt_cpu_level(handle); }
  /// "cpu", "cuda:0 (Tesla T4, sm_75)".
  const char *device() const { return nnccrt_device(handle); }
  /// For calls of the C API.
  nnccrt_program *get() const { return handle; }

protected:
  /// For generated classes, which derive from Model and Context.
  template <typename Derived>
  static Result<Derived> load_as(const nnccrt_model &descriptor, const LoadOptions &options) {
    Status status;
    Derived model;
    nnccrt_load_options raw = rawOptions(options);
    if (nnccrt_load(&descriptor, &raw, &static_cast<Model &>(model).handle, status.get()))
      return status;
    return model;
  }
  template <typename Derived> Result<Derived> context_as(const ContextOptions &options) const {
    Status status;
    Derived context;
    nnccrt_context_options raw = {sizeof(raw),           options.threads,  options.executor,
                                  options.executor_user, options.profiler, options.profiler_user};
    if (nnccrt_create(handle, &raw, &static_cast<Context &>(context).handle, status.get()))
      return status;
    return context;
  }

private:
  static nnccrt_load_options rawOptions(const LoadOptions &options) {
    nnccrt_load_options raw = {};
    raw.size = sizeof(raw);
    raw.flags = options.verify_weights ? NNCCRT_VERIFY_WEIGHTS : 0;
    raw.device = options.device;
    raw.weights_path = options.weights_path;
    raw.weights = options.weights;
    raw.weights_bytes = options.weights_bytes;
    raw.read_weights = options.read_weights;
    raw.user = options.user;
    raw.weights_directory = options.weights_directory;
    raw.memory_limit = options.memory_limit;
    return raw;
  }

  nnccrt_program *handle = nullptr;
};

} // namespace nncc

#endif // NNCCRT_MODEL_H
