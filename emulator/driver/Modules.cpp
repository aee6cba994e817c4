//===- Modules.cpp - modules, kernels and their attributes --------------------------------------------------------===//

#include "Api.h"
#include "Streams.h"
#include <algorithm>
#include <charconv>
#include <cstring>

using namespace nncc::emu;
using namespace nncc::emu::driver;

/// The newest PTX that a driver knows: PTX ISA, "Release Notes", table of versions.
static unsigned newestPtx(unsigned driverVersion) {
  static constexpr unsigned table[][2] = {{8000, 50},  {9000, 60},  {9010, 61},  {9020, 62},  {10000, 63}, {10010, 64},
                                          {10020, 65}, {11000, 70}, {11010, 71}, {11020, 72}, {11030, 73}, {11040, 74},
                                          {11050, 75}, {11060, 76}, {11070, 77}, {11080, 78}, {12000, 80}, {12010, 81},
                                          {12020, 82}, {12030, 83}, {12040, 84}, {12050, 85}, {12070, 86}, {12080, 87},
                                          {12090, 88}, {13000, 90}};
  unsigned newest = 43;
  for (auto &[driver, ptx] : table)
    if (driver <= driverVersion)
      newest = ptx;
  return newest;
}

/// The version that a text states: 78 for ".version 7.8"; 0 where it states none.
static unsigned statedVersion(std::string_view text) {
  size_t at = text.find(".version");
  size_t first = at == text.npos ? at : text.find_first_not_of(" \t", at + 8);
  if (first == text.npos)
    return 0;
  unsigned major = 0, minor = 0;
  const char *end = text.data() + text.size();
  auto [dot, error] = std::from_chars(text.data() + first, end, major);
  if (error != std::errc() || dot == end || *dot != '.' || std::from_chars(dot + 1, end, minor).ec != std::errc())
    return 0;
  return major * 10 + minor;
}

namespace {

/// The buffers for messages that come with a module.
struct JitLog {
  char *text = nullptr;
  void **size = nullptr;

  JitLog(unsigned count, CUjit_option *options, void **values, CUjit_option buffer, CUjit_option bytes) {
    for (unsigned k = 0; k < count; ++k)
      if (options[k] == buffer)
        text = static_cast<char *>(values[k]);
      else if (options[k] == bytes)
        size = &values[k];
  }
  void write(const std::string &message) {
    if (!size)
      return;
    auto room = static_cast<unsigned>(reinterpret_cast<uintptr_t>(*size));
    size_t shown = text && room ? std::min<size_t>(message.size(), room - 1) : 0;
    if (text && room) {
      std::memcpy(text, message.data(), shown);
      text[shown] = '\0';
    }
    *size = reinterpret_cast<void *>(shown);
  }
};

/// What becomes of an image: a module, or a result and why.
struct Loading {
  CUresult result = CUDA_SUCCESS;
  std::string why;
  unsigned version = 0;
  std::string_view text;
  std::optional<ptx::Module> parsed;
  Module *module = nullptr;

  void fail(CUresult with, std::string because) { result = with, why = std::move(because); }
  void check(Driver &d, const void *image);
  void parse();
  void add(Driver &d, Context &context);
};

} // namespace

static void addFunction(Driver &d, Module &module, nncc::emu::Function machine) {
  auto made = std::make_unique<Kernel>();
  made->module = &module, made->machine = machine, made->name = machine.name();
  for (const ptx::Variable &param : machine.params()) {
    uint32_t align = std::max(param.align, 1u);
    made->offsets.push_back((made->paramBytes + align - 1) / align * align);
    made->paramBytes = made->offsets.back() + static_cast<uint32_t>(param.bytes);
  }
  const Card &card = module.context->gpu->machine.card();
  auto fixed = static_cast<unsigned>(std::min<uint64_t>(machine.staticShared(), card.sharedPerBlock));
  made->maxDynamic = card.sharedPerBlock - fixed;
  Kernel *kernel = d.functions.add(std::move(made));
  module.functions[kernel->name] = kernel;
}

/// What is seen without reading it all.
void Loading::check(Driver &d, const void *image) {
  if (auto fault = d.faults.strike("image"))
    return fail(*fault, "the image is corrupt: NNCC_EMU_FAULT");
  if (!std::memcmp(image,
                   "\x7f"
                   "ELF",
                   4))
    return fail(CUDA_ERROR_NO_BINARY_FOR_GPU, "the image is a cubin; this machine runs PTX");
  text = std::string_view(static_cast<const char *>(image));
  version = statedVersion(text);
  unsigned newest = newestPtx(d.version);
  if (!version)
    return fail(CUDA_ERROR_INVALID_IMAGE, "the image is neither a cubin nor PTX");
  if (version > newest)
    fail(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "the image is PTX " + std::to_string(version / 10) + "." +
                                                 std::to_string(version % 10) + "; this driver knows PTX up to " +
                                                 std::to_string(newest / 10) + "." + std::to_string(newest % 10));
}

/// What takes long, and what several threads do at once.
void Loading::parse() {
  Diagnostic diagnostic;
  parsed = ptx::parse(text, diagnostic);
  if (!parsed)
    fail(CUDA_ERROR_INVALID_PTX, "line " + std::to_string(diagnostic.line) + ": " + diagnostic.message);
}

void Loading::add(Driver &d, Context &context) {
  Diagnostic diagnostic;
  Device &machine = context.gpu->machine;
  std::optional<unsigned> number = machine.load(*parsed, diagnostic);
  if (!number)
    return fail(CUDA_ERROR_INVALID_PTX, "line " + std::to_string(diagnostic.line) + ": " + diagnostic.message);
  module = d.modules.add(std::make_unique<Module>());
  module->context = &context, module->number = *number, module->version = version, module->text = text;
  for (nncc::emu::Function function : machine.functions(*number))
    addFunction(d, *module, function);
}

/// Whether as many loads as NNCC_EMU_FAULT wants were under way at once.
static bool areTogether(Driver &d, std::unique_lock<std::mutex> &lock) {
  return d.changed.wait_for(lock, std::chrono::seconds(30), [&] { return d.loadsBegun >= d.faults.together; });
}

CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned count, CUjit_option *options, void **values) {
  Loading loading;
  CUresult problem = inContext("cuModuleLoadData", [&](Driver &d, Context &) {
    if (!out || !image || (count && (!options || !values)))
      return CUDA_ERROR_INVALID_VALUE;
    ++d.loadsBegun;
    d.changed.notify_all();
    loading.check(d, image);
    return CUDA_SUCCESS;
  });
  if (problem)
    return problem;
  if (!loading.result)
    loading.parse();
  Driver &d = Driver::get();
  std::unique_lock lock(d.mutex);
  if (!areTogether(d, lock))
    loading.fail(CUDA_ERROR_UNKNOWN, "no other module was being loaded: NNCC_EMU_FAULT");
  Context *context = d.contexts.find(contextStack().back()); // which others may have destroyed meanwhile
  if (!context)
    return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  if (CUresult sick = health(context))
    return sick;
  if (!loading.result)
    loading.add(d, *context);
  JitLog(count, options, values, JIT_INFO_LOG_BUFFER, JIT_INFO_LOG_BUFFER_SIZE_BYTES).write("");
  JitLog(count, options, values, JIT_ERROR_LOG_BUFFER, JIT_ERROR_LOG_BUFFER_SIZE_BYTES).write(loading.why);
  if (loading.module)
    *out = loading.module->handle;
  else
    d.report->tell(std::string(context->gpu->machine.card().name) + ": a module is refused: " + loading.why);
  return loading.result;
}

CUresult cuModuleLoadData(CUmodule *out, const void *image) {
  return cuModuleLoadDataEx(out, image, 0, nullptr, nullptr);
}

CUresult cuModuleUnload(CUmodule handle) {
  return inContext("cuModuleUnload", [&](Driver &d, Context &context) {
    Module *module = d.modules.find(handle);
    if (!module || module->context != &context)
      return CUDA_ERROR_INVALID_HANDLE;
    CUresult result = runAll(d, context);
    d.functions.removeIf([&](Kernel &f) { return f.module == module; });
    context.gpu->machine.unload(module->number);
    d.modules.remove(handle);
    return result;
  });
}

CUresult cuModuleGetFunction(CUfunction *out, CUmodule handle, const char *name) {
  return inContext("cuModuleGetFunction", [&](Driver &d, Context &) {
    Module *module = d.modules.find(handle);
    if (!out || !name || !module)
      return module ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    auto found = module->functions.find(std::string_view(name));
    if (found == module->functions.end())
      return CUDA_ERROR_NOT_FOUND;
    *out = found->second->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
  return inContext("cuModuleGetGlobal", [&](Driver &d, Context &context) {
    Module *module = d.modules.find(handle);
    if (!name || !module)
      return module ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    uint64_t found = context.gpu->machine.variable(module->number, name);
    if (!found)
      return CUDA_ERROR_NOT_FOUND;
    if (address)
      *address = found;
    if (bytes)
      *bytes = context.gpu->machine.allocationOf(found)->bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetLoadingMode(int *mode) {
  return initialised("cuModuleGetLoadingMode", [&](Driver &) {
    if (!mode)
      return CUDA_ERROR_INVALID_VALUE;
    *mode = 1; // eager
    return CUDA_SUCCESS;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------------------------------------------------------===//

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle) {
  return inContext("cuFuncGetAttribute", [&](Driver &d, Context &context) {
    Kernel *f = d.functions.find(handle);
    if (!value || !f)
      return f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    const Card &card = context.gpu->machine.card();
    unsigned threads = f->machine.maxThreads() ? f->machine.maxThreads() : card.threadsPerBlock;
    switch (attribute) {
    case FUNCTION_MAX_THREADS_PER_BLOCK:
      *value = static_cast<int>(std::min(threads, card.threadsPerBlock));
      return CUDA_SUCCESS;
    case FUNCTION_SHARED_SIZE_BYTES:
      *value = static_cast<int>(f->machine.staticShared());
      return CUDA_SUCCESS;
    case FUNCTION_LOCAL_SIZE_BYTES:
      *value = static_cast<int>(f->machine.localBytes());
      return CUDA_SUCCESS;
    case FUNCTION_PTX_VERSION:
    case FUNCTION_BINARY_VERSION:
      *value = static_cast<int>(attribute == FUNCTION_PTX_VERSION ? f->module->version : card.sm);
      return CUDA_SUCCESS;
    case FUNCTION_NUM_REGS:
      *value = static_cast<int>(registersOf(card, *f));
      return CUDA_SUCCESS;
    case FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      *value = static_cast<int>(f->maxDynamic);
      return CUDA_SUCCESS;
    case FUNCTION_CONST_SIZE_BYTES:
    case FUNCTION_CACHE_MODE_CA:
      *value = 0;
      return CUDA_SUCCESS;
    case FUNCTION_PREFERRED_SHARED_MEMORY_CARVEOUT:
      *value = -1;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  return inContext("cuFuncSetAttribute", [&](Driver &d, Context &context) {
    Kernel *f = d.functions.find(handle);
    if (!f)
      return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == FUNCTION_PREFERRED_SHARED_MEMORY_CARVEOUT) // A hint about time, which the machine does not have.
      return value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    if (attribute != FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 ||
        static_cast<uint64_t>(value) + f->machine.staticShared() > context.gpu->machine.card().sharedOptIn)
      return CUDA_ERROR_INVALID_VALUE;
    f->maxDynamic = static_cast<unsigned>(value);
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetCacheConfig(CUfunction handle, int) {
  return inContext("cuFuncSetCacheConfig", [&](Driver &d, Context &) {
    return d.functions.find(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuFuncGetModule(CUmodule *module, CUfunction handle) {
  return inContext("cuFuncGetModule", [&](Driver &d, Context &) {
    Kernel *f = d.functions.find(handle);
    if (!module || !f)
      return f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *module = f->module->handle;
    return CUDA_SUCCESS;
  });
}
