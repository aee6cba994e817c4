//===- Gpu.cpp - a GPU with the kernels and the weights of a model ----------------------------------------------===//

#include "Gpu.h"
#include "Pool.h"
#include "os.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace nncc::rt::cuda {

//===----------------------------------------------------------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------------------------------------------------------===//

bool Device::open(uint64_t memoryLimit, Report &report) {
  limit = memoryLimit;
  int count = 0, major = 0, minor = 0, pools = 0;
  if (Result result = driver.deviceCount(&count))
    return driver.fail(result, report, "counting the CUDA devices");
  if (!count)
    return report.fail(NNCCRT_DEVICE, "the CUDA driver finds no device");
  if (index >= count)
    return report.fail(NNCCRT_DEVICE, "there is no CUDA device %d: the driver finds %d", index, count);
  char card[64] = "?";
  if (Result result = driver.deviceGet(&device, index))
    return driver.fail(result, report, "opening CUDA device %d", index);
  driver.deviceName(card, sizeof(card), device);
  if (Result result = driver.deviceAttribute(&major, kComputeMajor, device))
    return driver.fail(result, report, "asking CUDA device %d for its compute capability", index);
  driver.deviceAttribute(&minor, kComputeMinor, device);
  if (driver.allocateAsync && driver.freeAsync && !driver.deviceAttribute(&pools, kPoolsSupported, device))
    hasPools = pools != 0;
  sm = static_cast<uint32_t>(10 * major + minor);
  std::snprintf(text, sizeof(text), "cuda:%d (%s, sm_%u)", index, card, sm);
  if (!checkImages(report))
    return false;
  if (Result result = driver.retainContext(&context, device))
    return driver.fail(result, report, "taking the primary context of %s", text);
  return true;
}

Device::~Device() {
  if (!context)
    return;
  {
    Current current(*this);
    if (weights)
      driver.free(weights);
    unloadModules();
  }
  driver.releaseContext(device);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------------------------------------------------------===//

bool Device::fits(const nnccrt_cuda_image &candidate) const {
  return candidate.sm <= sm && (candidate.kind == NNCCRT_CUDA_PTX || candidate.sm / 10 == sm / 10);
}

/// Of those that fit, the newest comes first; of the same family the cubin.
const nnccrt_cuda_image *Device::nextImage(const nnccrt_cuda_image *before) const {
  auto rank = [](const nnccrt_cuda_image &one) { return 2 * one.sm + (one.kind == NNCCRT_CUDA_CUBIN); };
  const nnccrt_cuda_image *best = nullptr;
  for (uint32_t i = 0; i < model.cuda->num_images; ++i) {
    const nnccrt_cuda_image &one = model.cuda->images[i];
    if (fits(one) && (!before || rank(one) < rank(*before)) && (!best || rank(one) > rank(*best)))
      best = &one;
  }
  return best;
}

bool Device::checkImages(Report &report) const {
  if (nextImage(nullptr))
    return true;
  char list[160] = "";
  size_t length = 0;
  for (uint32_t i = 0; i < model.cuda->num_images && length < sizeof(list); ++i)
    length += static_cast<size_t>(std::snprintf(list + length, sizeof(list) - length, "%ssm_%u%s", i ? ", " : "",
                                                model.cuda->images[i].sm,
                                                model.cuda->images[i].kind == NNCCRT_CUDA_CUBIN ? " (cubin)" : ""));
  return report.fail(NNCCRT_UNSUPPORTED, "model '%.128s' has no code for %s: it has images for %s", model.name, text,
                     list);
}

/// The modules of an image, each compiled by the driver on one thread.
struct Device::Loading {
  Device &device;
  const nnccrt_cuda_image &image;
  ModuleHandle *modules;
  std::atomic<uint32_t> next{0};
  Lock lock{};
  std::atomic<uint32_t> firstFailed{UINT32_MAX}; ///< its result and what the driver's compiler says
  Result result = kSuccess;
  char log[2048] = "";

  /// On this thread and others; where none can be started on this one alone.
  void run();
  /// Loads what no other thread has begun. Of what fails the first part is told whatever the threads do: those before it were begun earlier.
  void work();
  void load(uint32_t part);
};

void Device::Loading::load(uint32_t part) {
  char said[sizeof(log)] = "";
  int options[] = {kErrorLog, kErrorLogBytes};
  void *values[] = {said,
                    reinterpret_cast<void *>(sizeof(said))}; // NOLINT(performance-no-int-to-ptr): as the driver wants
  Result got = device.driver.loadModule(&modules[part], image.parts[part].data, 2, options, values);
  if (!got)
    return;
  modules[part] = nullptr;
  Locked locked(lock);
  if (part > firstFailed.load(std::memory_order_relaxed))
    return;
  firstFailed.store(part, std::memory_order_relaxed);
  result = got;
  std::memcpy(log, said, sizeof(log));
}

void Device::Loading::work() {
  for (;;) {
    uint32_t part = next.fetch_add(1, std::memory_order_relaxed);
    if (part >= image.num_parts || part > firstFailed.load(std::memory_order_relaxed))
      return;
    load(part);
  }
}

void Device::Loading::run() {
  constexpr uint32_t most = 8;
  constexpr uint64_t stackBytes = 8 << 20; // a compiler may recurse
  os::Thread others[most - 1];
  uint32_t allowed = 1, started = 0;
  Report ignored(nullptr); // without a number that is good there are no runs
  if (!pool::threads(allowed, ignored))
    allowed = 1;
  uint32_t wanted = image.num_parts < allowed ? image.num_parts : allowed;
  auto body = [](void *argument) -> void * {
    auto *loading = static_cast<Loading *>(argument);
    Current current(loading->device);
    loading->work();
    return nullptr;
  };
  while (started < most - 1 && started + 1 < wanted && os::start(others[started], body, this, stackBytes))
    ++started;
  work();
  while (started)
    os::join(others[--started]);
}

bool Device::loadImage(const nnccrt_cuda_image &candidate, bool &mayTryOthers, Report &report) {
  if (!modules.resize(candidate.num_parts))
    return report.failNoMemory(candidate.num_parts * sizeof(ModuleHandle));
  Loading parts{*this, candidate, modules.data()};
  parts.run();
  if (!parts.result)
    return true;
  unloadModules();
  mayTryOthers = parts.result == kNoBinary || parts.result == kUnsupportedPtx;
  char which[48] = "";
  if (candidate.num_parts > 1)
    std::snprintf(which, sizeof(which), " (module %u of %u)", parts.firstFailed + 1, candidate.num_parts);
  const char *first = parts.log + std::strspn(parts.log, "\n ");
  return fail(parts.result, report, "loading the kernels of model '%.64s' for sm_%u%s to %s%s%.*s", model.name,
              candidate.sm, which, text, *first ? ": " : "", static_cast<int>(std::strcspn(first, "\n")), first);
}

void Device::unloadModules() {
  for (ModuleHandle module : modules)
    if (module)
      driver.unloadModule(module);
  modules.clear();
  functions.clear();
}

/// An image that is newer than the driver is no reason to fail where an older one is.
bool Device::loadModules(Report &report) {
  nnccrt_status why = {};
  bool mayTryOthers = true;
  for (image = nextImage(nullptr); image && mayTryOthers; image = nextImage(image)) {
    Report attempt(&why);
    mayTryOthers = false;
    if (loadImage(*image, mayTryOthers, attempt))
      return findFunctions(report);
  }
  return report.fail(why.code, "%s", why.message);
}

bool Device::findFunctions(Report &report) {
  if (!firstPhase.resize(model.num_kernels + size_t(1)))
    return report.failNoMemory(model.num_kernels * sizeof(uint32_t));
  for (uint32_t i = 0; i < model.num_kernels; ++i) {
    firstPhase[i] = static_cast<uint32_t>(functions.size());
    uint32_t part = kernel(i).part;
    if (part >= modules.size())
      return report.fail(NNCCRT_INTERNAL, "kernel %s is in part %u of %zu", model.kernel_infos[i].name, part,
                         modules.size());
    for (uint32_t k = 0; k < kernel(i).num_phases; ++k) {
      FunctionHandle function = nullptr;
      if (Result result = driver.moduleFunction(&function, modules[part], kernel(i).phases[k].entry))
        return fail(result, report, "looking for kernel %s in the image for sm_%u", kernel(i).phases[k].entry,
                    image->sm);
      if (!functions.append(function))
        return report.failNoMemory(sizeof(FunctionHandle));
    }
  }
  return sharedBytes.resize(functions.size() + 1) || report.failNoMemory(functions.size() * sizeof(uint32_t));
}

bool Device::allowShared(uint32_t kernel, uint32_t phase, uint32_t bytes, Report &report) {
  constexpr uint32_t withoutAsking = 48u << 10;
  uint32_t number = firstPhase[kernel] + phase;
  if (bytes <= withoutAsking)
    return true;
  Locked locked(loading);
  if (bytes <= sharedBytes[number])
    return true;
  if (Result result = driver.setAttribute(functions[number], kMaxDynamicShared, static_cast<int>(bytes)))
    return fail(result, report, "giving kernel %s %u bytes of shared memory on %s", model.kernel_infos[kernel].name,
                bytes, text);
  sharedBytes[number] = bytes;
  return true;
}

bool Device::uploadWeights(const char *hostWeights, Report &report) {
  uint64_t bytes = model.cuda->weights_bytes;
  if (!bytes)
    return true;
  weights = allocate(bytes, nullptr);
  if (!weights)
    return failAllocation(bytes, report);
  Result result = driver.copyToDevice(weights, hostWeights, bytes, nullptr);
  result = result ? result : driver.waitForStream(nullptr);
  return !result || fail(result, report, "copying the weights of model '%.128s' to %s", model.name, text);
}

bool Device::load(const char *hostWeights, Report &report) {
  Locked locked(loading);
  if (isLoaded)
    return true;
  Current current(*this);
  if (!loadModules(report) || !uploadWeights(hostWeights, report)) {
    if (weights)
      free(weights, nullptr);
    weights = 0;
    unloadModules();
    return false;
  }
  return isLoaded = true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------------===//

DevicePtr Device::allocate(uint64_t bytes, StreamHandle stream) {
  Locked locked(counting);
  DevicePtr data = 0;
  if (limit && (bytes > limit || used > limit - bytes))
    return 0;
  // An empty block would have no address.
  size_t size = bytes ? bytes : 1;
  Result result = hasPools ? driver.allocateAsync(&data, size, stream) : driver.allocate(&data, size);
  if (result || !data)
    return 0;
  if (!blocks.append({data, bytes})) {
    hasPools ? driver.freeAsync(data, stream) : driver.free(data);
    return 0;
  }
  used += bytes;
  return data;
}

void Device::free(DevicePtr data, StreamHandle stream) {
  if (!data)
    return;
  Locked locked(counting);
  for (size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i].data == data) {
      used -= blocks[i].bytes;
      blocks[i] = blocks[blocks.size() - 1];
      blocks.removeLast();
      break;
    }
  hasPools ? driver.freeAsync(data, stream) : driver.free(data);
}

bool Device::failAllocation(uint64_t bytes, Report &report) const {
  unsigned long long wanted = bytes, taken = used, most = limit;
  if (limit && (bytes > limit || used > limit - bytes))
    return report.failNeeding(NNCCRT_NO_MEMORY, bytes,
                              "the memory limit of %llu bytes on %s is reached: %llu are taken, %llu more are wanted",
                              most, text, taken, wanted);
  return report.failNeeding(
      NNCCRT_NO_MEMORY, bytes,
      "CUDA_ERROR_OUT_OF_MEMORY while allocating %llu bytes on %s (%llu are taken by this program)", wanted, text,
      taken);
}

void Device::trim() {
  PoolHandle pool = nullptr;
  if (hasPools && driver.defaultPool && driver.trimPool && !driver.defaultPool(&pool, device))
    driver.trimPool(pool, 0);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------------------------------------------------------===//

bool Device::fail(Result result, Report &report, const char *format, ...) {
  char doing[320];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(doing, sizeof(doing), format, arguments);
  va_end(arguments);
  if (isSticky(result))
    lost.store(result, std::memory_order_relaxed);
  return driver.fail(result, report, "%s", doing);
}

bool Device::isUsable(Report &report) const {
  Result result = lost.load(std::memory_order_relaxed);
  return !result ||
         driver.fail(result, report, "running an earlier kernel: %s is of no use any more to this process", text);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// For core
//===----------------------------------------------------------------------------------------------------------------------===//

static bool defaultIndex(int32_t &index, Report &report) {
  const char *variable = std::getenv("NNCC_CUDA_DEVICE");
  index = 0;
  if (!variable)
    return true;
  char *end = nullptr;
  long value = std::strtol(variable, &end, 10);
  if (end == variable || *end || value < 0 || value > 1023)
    return report.fail(NNCCRT_INVALID,
                       "the environment variable NNCC_CUDA_DEVICE is '%.64s', not the number of a device", variable);
  index = static_cast<int32_t>(value);
  return true;
}

bool open(nnccrt_program &program, int32_t index, uint64_t limit, Report &report) {
  if (index < 0 && !defaultIndex(index, report))
    return false;
  const Driver *driver = loadDriver(report);
  if (!driver)
    return false;
  Device *device = create<Device>(*driver, *program.model, index);
  if (!device)
    return report.failNoMemory(sizeof(Device));
  if (device->open(limit, report)) {
    program.device = device;
    return true;
  }
  destroy(device);
  return false;
}

void close(Device *device) { destroy(device); }
int32_t ordinal(const Device *device) { return device ? device->index : -1; }
const char *name(const Device *device) { return device ? device->text : "cpu"; }

void release(Device *device, void *data) {
  Current current(*device);
  device->driver.waitForStream(nullptr);
  device->free(reinterpret_cast<DevicePtr>(data), nullptr);
}

} // namespace nncc::rt::cuda
