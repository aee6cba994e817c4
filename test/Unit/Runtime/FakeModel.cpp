//===- FakeModel.cpp - descriptors written by hand --------------------------------------------------------------===//

#include "FakeModel.h"
#include <algorithm>
#include <numeric>

// Allocations that are too large fail as the system's would, and a child may start threads.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the sanitizers' names
extern "C" const char *__asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char *__tsan_default_options() { return "allocator_may_return_null=1:die_after_fork=0"; }
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace nncc::rt::test {

FakeModel::FakeModel() {
  model.size = sizeof(nnccrt_model);
  model.abi_version = NNCCRT_ABI_VERSION;
  model.name = "fake";
  model.producer = "by hand";
  level.cpu = "x86-64";
}

FakeModel &FakeModel::symbol(const char *name) {
  symbols.push_back(name);
  return *this;
}

nnccrt_value FakeModel::value(const char *name, uint32_t dtype, const std::vector<Dim> &given) {
  std::vector<nnccrt_dim> result;
  for (const Dim &dim : given) {
    texts.push_back(dim.text.empty() ? std::to_string(dim.size) : dim.text);
    auto found = std::find(symbols.begin(), symbols.end(), dim.text);
    nnccrt_dim one = {dim.size, -1, 0, texts.back().c_str()};
    if (found != symbols.end())
      one.symbol = static_cast<int32_t>(found - symbols.begin());
    else if (!dim.text.empty())
      one.size = dim.text == "?" ? -2 : -3;
    result.push_back(one);
  }
  dims.push_back(std::move(result));
  return {name, name, NNCCRT_TENSOR, dtype, static_cast<uint32_t>(given.size()), 0, dims.back().data()};
}

FakeModel &FakeModel::input(const char *name, uint32_t dtype, const std::vector<Dim> &given) {
  inputs.push_back(value(name, dtype, given));
  return *this;
}

FakeModel &FakeModel::output(const char *name, uint32_t dtype, const std::vector<Dim> &given) {
  outputs.push_back(value(name, dtype, given));
  return *this;
}

FakeModel &FakeModel::kernel(nnccrt_kernel_run run, nnccrt_kernel_tiles tiles, const char *name, const char *nodes) {
  kernels.push_back({run, tiles});
  infos.push_back({name, nodes, nullptr, nullptr});
  return *this;
}

FakeModel &FakeModel::schedule(int32_t (*run)(nnccrt_frame *)) {
  model.run = run;
  return *this;
}

FakeModel &FakeModel::arena(int64_t bytes) {
  model.arena_bytes = bytes;
  return *this;
}

FakeModel &FakeModel::slots(std::vector<nnccrt_slot> given, void (*sizes)(const int64_t *, int64_t *)) {
  plan = std::move(given);
  model.sizes = sizes;
  model.arena_bytes = -1;
  return *this;
}

FakeModel &FakeModel::scratch(int64_t bytes) {
  model.scratch_bytes = bytes;
  return *this;
}

FakeModel &FakeModel::carries(uint32_t count) {
  model.num_carries = count;
  return *this;
}

nnccrt_model *FakeModel::get() {
  if (isComplete)
    return &model;
  isComplete = true;
  model.num_inputs = inputs.size();
  model.num_outputs = outputs.size();
  model.num_symbols = symbols.size();
  model.num_kernels = kernels.size();
  model.num_slots = plan.size();
  model.num_levels = 1;
  model.inputs = inputs.data();
  model.outputs = outputs.data();
  model.symbols = symbols.data();
  model.kernel_infos = infos.data();
  model.slots = plan.data();
  level.kernels = kernels.data();
  model.levels = &level;
  return &model;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------------------------------------------------------===//

Session::Session(FakeModel &model, const nnccrt_context_options &options) {
  EXPECT_OK(nnccrt_load(model.get(), nullptr, &program, &status));
  EXPECT_OK(nnccrt_create(program, &options, &context, &status));
}

static nnccrt_context_options withThreads(uint32_t threads) {
  nnccrt_context_options options = {};
  options.size = sizeof(options);
  options.threads = threads;
  return options;
}

Session::Session(FakeModel &model, uint32_t threads) : Session(model, withThreads(threads)) {}

Session::~Session() {
  nnccrt_destroy(context);
  nnccrt_unload(program);
}

std::string Session::run() {
  nnccrt_status status;
  nnccrt_code code = nnccrt_run(context, &status);
  EXPECT_EQ(code == NNCCRT_OK, status.message[0] == '\0');
  return status.message;
}

nnccrt_tensor Session::input(uint32_t index) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  EXPECT_OK(nnccrt_input(context, index, &tensor, &status));
  return tensor;
}

nnccrt_tensor Session::output(uint32_t index) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  EXPECT_OK(nnccrt_output(context, index, &tensor, &status));
  return tensor;
}

void Session::resize(std::vector<int64_t> symbols) {
  EXPECT_OK(nnccrt_resize(context, symbols.data(), symbols.size(), &status));
}

std::vector<int64_t> Session::dims(uint32_t index) {
  nnccrt_tensor tensor = output(index);
  return {tensor.dims, tensor.dims + tensor.rank};
}

std::vector<float> Session::floats(uint32_t index) {
  nnccrt_tensor tensor = output(index);
  int64_t count = std::accumulate(tensor.dims, tensor.dims + tensor.rank, int64_t(1), std::multiplies<>());
  const float *data = static_cast<const float *>(tensor.data);
  return {data, data + count};
}

nnccrt_tensor tensorOf(uint32_t dtype, const std::vector<int64_t> &dims, void *data) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  tensor.dtype = dtype;
  tensor.rank = dims.size();
  tensor.dims = dims.data();
  tensor.data = data;
  return tensor;
}

nnccrt_tensor stridedTensor(uint32_t dtype, const std::vector<int64_t> &dims, const std::vector<int64_t> &strides,
                            void *data) {
  nnccrt_tensor tensor = tensorOf(dtype, dims, data);
  tensor.strides = strides.data();
  return tensor;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Models that several tests use
//===----------------------------------------------------------------------------------------------------------------------===//

/// args: fault, x, y, elements. Tiles of four elements.
static int64_t addOneTiles(const uint64_t *args) { return (static_cast<int64_t>(args[3]) + 3) / 4; }

static void addOneRun(const uint64_t *args, int64_t tile, void *) {
  int64_t end = std::min<int64_t>(4 * tile + 4, static_cast<int64_t>(args[3]));
  for (int64_t i = 4 * tile; i < end; ++i)
    at<float>(args, 2)[i] = at<const float>(args, 1)[i] + 1;
}

static int32_t addOneStatic(nnccrt_frame *frame) {
  const int64_t dims[] = {2, 3};
  void *y = frame->services->output(frame, 0, dims);
  if (!y)
    return -1;
  uint64_t args[] = {0, slotOf(frame->inputs[0]), slotOf(y), 6};
  return frame->services->launch(frame, 0, args);
}

static int32_t addOneDynamic(nnccrt_frame *frame) {
  const int64_t dims[] = {frame->symbols[0], 3};
  void *y = frame->services->output(frame, 0, dims);
  if (!y)
    return -1;
  uint64_t args[] = {0, slotOf(frame->inputs[0]), slotOf(y), static_cast<uint64_t>(3 * dims[0])};
  return frame->services->launch(frame, 0, args);
}

FakeModel makeAddOne() {
  FakeModel model;
  model.input("x", NNCCRT_F32, {2, 3}).output("y", NNCCRT_F32, {2, 3});
  model.kernel(addOneRun, addOneTiles, "k0_add", "/add").schedule(addOneStatic);
  return model;
}

FakeModel makeDynamicAddOne() {
  FakeModel model;
  model.symbol("N").input("x", NNCCRT_F32, {"N", 3}).output("y", NNCCRT_F32, {"N", 3});
  model.kernel(addOneRun, addOneTiles, "k0_add", "/add").schedule(addOneDynamic);
  return model;
}

} // namespace nncc::rt::test
