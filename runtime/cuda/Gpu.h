//===- Gpu.h - a GPU with the kernels and the weights of a model --------------------------------------*- C++ -*-===//

#ifndef NNCCRT_CUDA_GPU_H
#define NNCCRT_CUDA_GPU_H

#include "Driver.h"
#include "Heap.h"
#include "Lock.h"
#include "Program.h"

namespace nncc::rt::cuda {

/// What a program has of a device. Kernels and weights come with the first context; all contexts share them.
struct Device {
  Device(const Driver &driver, const nnccrt_model &model, int index) : driver(driver), model(model), index(index) {}
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;
  ~Device();

  bool open(uint64_t memoryLimit, Report &report);
  /// Kernels and weights, if they are not there yet.
  bool load(const char *hostWeights, Report &report);

  /// Device memory within the limit; 0: none. Ordered with what is on `stream` where the device has pools.
  DevicePtr allocate(uint64_t bytes, StreamHandle stream);
  void free(DevicePtr data, StreamHandle stream);
  bool failAllocation(uint64_t bytes, Report &report) const;
  /// Gives what is free back to the system.
  void trim();

  /// Tells of a call that failed, and remembers an error that ends everything.
  [[gnu::format(printf, 4, 5)]] bool fail(Result result, Report &report, const char *format, ...);
  /// Whether an earlier error left nothing to run on.
  bool isUsable(Report &report) const;

  const nnccrt_cuda_kernel &kernel(uint32_t number) const { return image->kernels[number]; }
  FunctionHandle function(uint32_t kernel, uint32_t phase) const { return functions[firstPhase[kernel] + phase]; }
  /// Lets a function have more than 48 KB of dynamic shared memory.
  bool allowShared(uint32_t kernel, uint32_t phase, uint32_t bytes, Report &report);

  const Driver &driver;
  const nnccrt_model &model;
  const int index;
  ContextHandle context = nullptr;
  char text[128] = ""; ///< "cuda:0 (Tesla T4, sm_75)"
  uint32_t sm = 0;
  const nnccrt_cuda_image *image = nullptr;
  DevicePtr weights = 0;

private:
  bool fits(const nnccrt_cuda_image &candidate) const;
  const nnccrt_cuda_image *nextImage(const nnccrt_cuda_image *before) const;
  bool checkImages(Report &report) const;
  bool loadImage(const nnccrt_cuda_image &candidate, bool &mayTryOthers, Report &report);
  bool loadModules(Report &report);
  void unloadModules();
  bool findFunctions(Report &report);
  bool uploadWeights(const char *hostWeights, Report &report);

  struct Loading;
  struct Block {
    DevicePtr data;
    uint64_t bytes;
  };

  int device = 0;
  bool hasPools = false, isLoaded = false;
  uint64_t limit = 0, used = 0;
  std::atomic<Result> lost{kSuccess};
  Lock loading, counting;
  Array<ModuleHandle> modules;     // of the parts of the image
  Array<FunctionHandle> functions; // of all phases of all kernels
  Array<uint32_t> firstPhase, sharedBytes;
  Array<Block> blocks; // what is allocated, for `used`
};

/// Makes the device's context the thread's, for as long as it lives.
class Current {
public:
  explicit Current(const Device &device) : driver(device.driver) { driver.pushContext(device.context); }
  ~Current() {
    ContextHandle ours = nullptr;
    driver.popContext(&ours);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;

private:
  const Driver &driver;
};

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_GPU_H
