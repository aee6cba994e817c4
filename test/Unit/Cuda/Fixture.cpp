//===- Fixture.cpp - models for GPUs written by hand, on the emulator -------------------------------------------===//

#include "Fixture.h"
#include <cstdlib>
#include <dlfcn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace nncc::rt::test {

//===----------------------------------------------------------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------------------------------------------------------===//

// Slots: 0 faults, 1 x, 2 n, 3 y, 4 n; the workspace.
#define ADD_KERNEL(name, number, check)                                                                                \
  ".visible .entry " name "(.param .b64 f, .param .b64 x, .param .b64 n, .param .b64 y, .param .b64 m, .param .b64 w)" \
  "{\n"                                                                                                                \
  ".reg .pred %p; .reg .b32 %r<6>; .reg .b64 %a<9>; .reg .f32 %v<3>;\n"                                                \
  "ld.param.b64 %a0, [x]; ld.param.b64 %a1, [n]; ld.param.b64 %a2, [y]; ld.param.b64 %a3, [f];\n"                      \
  "cvta.to.global.u64 %a0, %a0; cvta.to.global.u64 %a2, %a2; cvta.to.global.u64 %a3, %a3;\n"                           \
  "mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x; mov.u32 %r2, %tid.x; mad.lo.u32 %r3, %r0, %r1, %r2;\n"                 \
  "cvt.u64.u32 %a4, %r3; setp.ge.u64 %p, %a4, %a1; @%p bra end;\n"                                                     \
  "shl.b64 %a5, %a4, 2; add.u64 %a6, %a0, %a5; add.u64 %a7, %a2, %a5;\n"                                               \
  "ld.global.f32 %v0, [%a6]; add.rn.f32 %v1, %v0, " number "; st.global.f32 [%a7], %v1;\n" check "end: ret;\n}\n"

#define HEADER ".version 6.3\n.target sm_50\n.address_size 64\n"
#define FIRST_KERNEL                                                                                                   \
  ADD_KERNEL("k0_add", "0f40400000", /* 3 */                                                                           \
             "setp.neu.f32 %p, %v0, 0f41500000; @%p bra end;\n"                                                        \
             "mov.u32 %r4, 1; st.global.u32 [%a3], %r4; mov.u64 %a8, 13; st.global.u64 [%a3+8], %a8;\n")
#define SECOND_KERNEL                                                                                                  \
  ADD_KERNEL("k1_sub", "0fC0000000", /* -2; the counters in front of its workspace are zero */                         \
             "ld.param.b64 %a8, [w]; cvta.to.global.u64 %a8, %a8;\n"                                                   \
             "ld.global.u32 %r4, [%a8-4096]; ld.global.u32 %r5, [%a8-4]; or.b32 %r4, %r4, %r5;\n"                      \
             "setp.ne.u32 %p, %r4, 0; @%p trap;\n")

static constexpr char kText[] = HEADER FIRST_KERNEL SECOND_KERNEL, kFirstText[] = HEADER FIRST_KERNEL,
                      kSecondText[] = HEADER SECOND_KERNEL, kOtherText[] = HEADER ".visible .entry other() { ret; }\n";

static void shape(const uint64_t *args, nnccrt_cuda_launch *launch) {
  *launch = {static_cast<int64_t>((args[2] + 31) / 32), 32, 0};
}

static int64_t workspace(const uint64_t *) { return 512; }

static constexpr nnccrt_cuda_phase kFirst = {"k0_add", shape}, kSecond = {"k1_sub", shape};
static constexpr nnccrt_cuda_kernel kKernels[] = {{1, 5, 0, 0, &kFirst, nullptr}, {1, 5, 0, 0, &kSecond, workspace}};
static constexpr nnccrt_cuda_kernel kKernelsInParts[] = {{1, 5, 0, 0, &kFirst, nullptr},
                                                         {1, 5, 2, 0, &kSecond, workspace}};

static int32_t runSchedule(nnccrt_frame *frame) {
  uint64_t n = static_cast<uint64_t>(frame->symbols[0]);
  int64_t dims[] = {frame->symbols[0]};
  char *middle = frame->arena + frame->offsets[0];
  uint64_t first[] = {0, slotOf(frame->inputs[0]), n, slotOf(middle), n};
  if (frame->services->launch(frame, 0, first))
    return -1;
  void *y = frame->services->output(frame, 0, dims);
  uint64_t second[] = {0, slotOf(middle), n, slotOf(y), n};
  return y ? frame->services->launch(frame, 1, second) : -1;
}

static int32_t runDynamic(nnccrt_frame *frame) {
  float value = 0;
  if (frame->symbols[0] && frame->services->read(frame, &value, frame->inputs[0], 4))
    return -1;
  return value == 99 ? frame->services->fail(frame, "99 is no size") : runSchedule(frame);
}

static int32_t runCopying(nnccrt_frame *frame) {
  uint64_t n = static_cast<uint64_t>(frame->symbols[0]);
  int64_t dims[] = {frame->symbols[0]};
  uint64_t x = slotOf(frame->inputs[0]), b = slotOf(frame->inputs[1]),
           middle = slotOf(frame->arena + frame->offsets[0]);
  auto add = [&](uint32_t kernel, uint64_t from, uint64_t to) {
    uint64_t args[] = {0, from, n, to, n};
    return to && !frame->services->launch(frame, kernel, args);
  };
  auto output = [&](uint32_t index) { return slotOf(frame->services->output(frame, index, dims)); };
  return add(0, x, output(0)) && add(0, x, middle) && add(1, b, output(1)) && add(1, middle, output(2)) ? 0 : -1;
}

static int32_t runCopyingDynamic(nnccrt_frame *frame) {
  float value = 0;
  return frame->services->read(frame, &value, frame->inputs[0], 4) ? -1 : runCopying(frame);
}

static int32_t runOnHost(nnccrt_frame *frame) {
  int64_t dims[] = {frame->symbols[0]};
  float *y = static_cast<float *>(frame->services->output(frame, 0, dims));
  for (int64_t i = 0; y && i < dims[0]; ++i)
    y[i] = static_cast<const float *>(frame->inputs[0])[i] + 1;
  return y ? 0 : -1;
}

static void sizes(const int64_t *symbols, int64_t *bytes) { bytes[0] = 4 * symbols[0]; }

CudaModel::CudaModel(const std::vector<uint32_t> &sms, bool isDynamic) {
  for (FakeModel *model : {&fake, &host})
    model->symbol("n").input("x", NNCCRT_F32, {"n"}).output("y", NNCCRT_F32, {"n"}).slots({{-1, 0, 1}}, sizes);
  fake.kernel(nullptr, nullptr, "k0_add", "/add").kernel(nullptr, nullptr, "k1_sub", "/sub");
  fake.schedule(isDynamic ? runDynamic : runSchedule);
  host.schedule(runOnHost);
  for (uint32_t sm : sms) {
    images.push_back({sm, NNCCRT_CUDA_PTX, 1, 0, nullptr, kKernels});
    parts.push_back({kText, sizeof(kText) - 1});
  }
}

CopyingModel::CopyingModel(bool isDynamic) {
  fake.input("b", NNCCRT_F32, {"n"}).output("q", NNCCRT_F32, {"n"}).output("r", NNCCRT_F32, {"n"});
  fake.schedule(isDynamic ? runCopyingDynamic : runCopying);
}

CudaModel &CudaModel::inParts() {
  parts.clear();
  for (nnccrt_cuda_image &image : images) {
    parts.insert(parts.end(), {{kFirstText, sizeof(kFirstText) - 1},
                               {kOtherText, sizeof(kOtherText) - 1},
                               {kSecondText, sizeof(kSecondText) - 1}});
    image.num_parts = 3;
    image.kernels = kKernelsInParts;
  }
  return *this;
}

nnccrt_model *CudaModel::get() {
  const nnccrt_cuda_part *next = parts.data();
  for (nnccrt_cuda_image &image : images) {
    image.parts = next;
    next += image.num_parts;
  }
  cuda = {static_cast<uint32_t>(images.size()), 0, images.data(), 0};
  nnccrt_model *model = fake.get();
  model->cuda = &cuda;
  return model;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Processes
//===----------------------------------------------------------------------------------------------------------------------===//

static std::string inChild(const Environment &environment, bool hasDriver, const std::function<std::string()> &work) {
  int ends[2];
  if (pipe(ends))
    return "no pipe";
  pid_t child = fork();
  if (!child) {
    setenv("NNCC_EMU", "t4", 1);
    for (auto [name, value] : environment)
      setenv(name, value, 1);
    std::string text = "no emulator";
    if (!hasDriver || dlopen(EMULATED_DRIVER, RTLD_NOW | RTLD_LOCAL))
      text = work();
    bool written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    exit(written ? 0 : 1); // the emulator writes its counters at exit
  }
  close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t count; (count = read(ends[0], part, sizeof(part))) > 0;)
    text.append(part, static_cast<size_t>(count));
  close(ends[0]);
  int state = 0;
  waitpid(child, &state, 0);
  return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? text : text + " (crashed)";
}

std::string onEmulator(const Environment &environment, const std::function<std::string()> &work) {
  return inChild(environment, true, work);
}

std::string withoutDriver(const Environment &environment, const std::function<std::string()> &work) {
  return inChild(environment, false, work);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------------------------------------------------------===//

nnccrt_load_options Loaded::optionsFor(const char *device) {
  nnccrt_load_options options = {};
  options.size = sizeof(options);
  options.device = device;
  return options;
}

Loaded::Loaded(CudaModel &model, const nnccrt_load_options &options, const nnccrt_context_options *contextOptions) {
  if (!nnccrt_load(model.get(), &options, &program, &status))
    nnccrt_create(program, contextOptions, &context, &status);
}

Loaded::~Loaded() {
  nnccrt_destroy(context);
  nnccrt_unload(program);
}

std::string Loaded::bind(Bind *bind, uint32_t index, void *data, int64_t count, uint32_t kind, int64_t stride) {
  int64_t dims[] = {count}, strides[] = {stride};
  nnccrt_tensor tensor = tensorOf(NNCCRT_F32, {}, data);
  tensor.rank = 1;
  tensor.dims = dims;
  tensor.strides = stride == 1 ? nullptr : strides;
  tensor.device_kind = kind;
  return bind(context, index, &tensor, &status) ? status.message : "";
}

std::string Loaded::run() { return nnccrt_run(context, &status) ? status.message : ""; }

std::string Loaded::output(uint32_t index) {
  nnccrt_tensor tensor = {};
  tensor.size = sizeof(tensor);
  if (nnccrt_output(context, index, &tensor, &status))
    return status.message;
  const float *data = static_cast<const float *>(tensor.data);
  return join({data, data + tensor.dims[0]});
}

std::string sequence(std::initializer_list<std::string> texts) {
  std::string all;
  for (const std::string &text : texts)
    all += text;
  return all;
}

std::string join(const std::vector<float> &values) {
  std::ostringstream text;
  for (size_t i = 0; i < values.size(); ++i)
    text << (i ? " " : "") << values[i];
  return text.str();
}

std::string runOnce(CudaModel &model, const char *device, uint32_t count) {
  Loaded loaded(model, Loaded::optionsFor(device));
  if (!loaded.context)
    return loaded.status.message;
  std::vector<float> x(count);
  for (uint32_t i = 0; i < count; ++i)
    x[i] = static_cast<float>(i + 1);
  if (std::string problem = sequence({loaded.bindInput(x.data(), count), loaded.run()}); !problem.empty())
    return problem;
  return loaded.output();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The driver
//===----------------------------------------------------------------------------------------------------------------------===//

Driver::Driver() : library(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
  void *context = nullptr;
  find<int(unsigned)>("cuInit")(0);
  find<int(void **, int)>("cuDevicePrimaryCtxRetain")(&context, 0);
  find<int(void *)>("cuCtxPushCurrent_v2")(context);
}

void *Driver::look(const char *name) const { return dlsym(library, name); }

void *Driver::upload(const std::vector<float> &values) const {
  unsigned long long data = 0;
  size_t bytes = values.size() * sizeof(float);
  find<int(unsigned long long *, size_t)>("cuMemAlloc_v2")(&data, bytes);
  find<int(unsigned long long, const void *, size_t)>("cuMemcpyHtoD_v2")(data, values.data(), bytes);
  return reinterpret_cast<void *>(data); // NOLINT(performance-no-int-to-ptr): on the device
}

std::string Driver::download(const void *data, size_t count) const {
  std::vector<float> values(count);
  find<int(void *, unsigned long long, size_t)>("cuMemcpyDtoH_v2")(
      values.data(), reinterpret_cast<unsigned long long>(data), count * sizeof(float));
  return join(values);
}

void *Driver::stream() const {
  void *stream = nullptr;
  find<int(void **, unsigned)>("cuStreamCreate")(&stream, 1);
  return stream;
}

void Driver::enterNewContext() const {
  void *context = nullptr;
  find<int(void **, unsigned, int)>("cuCtxCreate_v2")(&context, 0, 0);
}

void Driver::leaveContext() const {
  void *context = nullptr;
  find<int(void **)>("cuCtxPopCurrent_v2")(&context);
}

void Driver::wait(void *stream) const { find<int(void *)>("cuStreamSynchronize")(stream); }

} // namespace nncc::rt::test
