//===- Driver.h - the CUDA driver, loaded while the application runs ----------------------------------*- C++ -*-===//
///
/// \file
/// The part of the driver API that the runtime calls, in declarations of our own: no cuda.h is needed to build it, no driver to start.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_CUDA_DRIVER_H
#define NNCCRT_CUDA_DRIVER_H

#include "Report.h"
#include <cstddef>

namespace nncc::rt::cuda {

using Result = int; // CUresult
using DevicePtr = unsigned long long;
using ContextHandle = struct ContextTag *;
using ModuleHandle = struct ModuleTag *;
using FunctionHandle = struct FunctionTag *;
using StreamHandle = struct StreamTag *;
using EventHandle = struct EventTag *;
using GraphHandle = struct GraphTag *;
using GraphExecHandle = struct GraphExecTag *;
using PoolHandle = struct PoolTag *;

enum : Result {
  kSuccess = 0,
  kOutOfMemory = 2,
  kNoDevice = 100,
  kInvalidImage = 200,
  kNoBinary = 209,
  kInvalidPtx = 218,
  kUnsupportedPtx = 222,
  kInvalidSource = 300,
};

/// Values of enumerations of the driver API.
enum : int {
  kComputeMajor = 75,
  kComputeMinor = 76,
  kPoolsSupported = 115,
  kMaxDynamicShared = 8,
  kOwningContext = 1,
  kMemoryType = 2,
  kIsManaged = 8,
  kDeviceOrdinal = 9,
  kMemoryOfDevice = 2,
  kInfoLog = 3,
  kInfoLogBytes = 4,
  kErrorLog = 5,
  kErrorLogBytes = 6,
};
enum : unsigned { kNonBlocking = 1, kTimingEvent = 0, kPlainEvent = 2, kRelaxedCapture = 2, kCaptureActive = 1 };

// X(member, name, since, parameters): `name` as dlsym knows it, `since` the version of CUDA whose form of it is meant. Behind
// NNCCRT_OPTIONAL the runtime does without.
#define NNCCRT_REQUIRED_CALLS(X)                                                                                       \
  X(init, cuInit, 2000, (unsigned))                                                                                    \
  X(driverVersion, cuDriverGetVersion, 2020, (int *))                                                                  \
  X(errorName, cuGetErrorName, 6000, (Result, const char **))                                                          \
  X(errorText, cuGetErrorString, 6000, (Result, const char **))                                                        \
  X(deviceCount, cuDeviceGetCount, 2000, (int *))                                                                      \
  X(deviceGet, cuDeviceGet, 2000, (int *, int))                                                                        \
  X(deviceName, cuDeviceGetName, 2000, (char *, int, int))                                                             \
  X(deviceAttribute, cuDeviceGetAttribute, 2000, (int *, int, int))                                                    \
  X(retainContext, cuDevicePrimaryCtxRetain, 7000, (ContextHandle *, int))                                             \
  X(releaseContext, cuDevicePrimaryCtxRelease_v2, 11000, (int))                                                        \
  X(pushContext, cuCtxPushCurrent_v2, 4000, (ContextHandle))                                                           \
  X(popContext, cuCtxPopCurrent_v2, 4000, (ContextHandle *))                                                           \
  X(loadModule, cuModuleLoadDataEx, 2010, (ModuleHandle *, const void *, unsigned, int *, void **))                    \
  X(unloadModule, cuModuleUnload, 2000, (ModuleHandle))                                                                \
  X(moduleFunction, cuModuleGetFunction, 2000, (FunctionHandle *, ModuleHandle, const char *))                         \
  X(setAttribute, cuFuncSetAttribute, 9000, (FunctionHandle, int, int))                                                \
  X(launch, cuLaunchKernel, 4000,                                                                                      \
    (FunctionHandle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, StreamHandle, void **,      \
     void **))                                                                                                         \
  X(allocate, cuMemAlloc_v2, 3020, (DevicePtr *, size_t))                                                              \
  X(free, cuMemFree_v2, 3020, (DevicePtr))                                                                             \
  X(allocatePinned, cuMemHostAlloc, 2020, (void **, size_t, unsigned))                                                 \
  X(freePinned, cuMemFreeHost, 2000, (void *))                                                                         \
  X(copyToDevice, cuMemcpyHtoDAsync_v2, 3020, (DevicePtr, const void *, size_t, StreamHandle))                         \
  X(copyToHost, cuMemcpyDtoHAsync_v2, 3020, (void *, DevicePtr, size_t, StreamHandle))                                 \
  X(copyOnDevice, cuMemcpyDtoDAsync_v2, 3020, (DevicePtr, DevicePtr, size_t, StreamHandle))                            \
  X(fill, cuMemsetD8Async, 3020, (DevicePtr, unsigned char, size_t, StreamHandle))                                     \
  X(createStream, cuStreamCreate, 2000, (StreamHandle *, unsigned))                                                    \
  X(destroyStream, cuStreamDestroy_v2, 4000, (StreamHandle))                                                           \
  X(waitForStream, cuStreamSynchronize, 2000, (StreamHandle))                                                          \
  X(streamWaits, cuStreamWaitEvent, 3020, (StreamHandle, EventHandle, unsigned))                                       \
  X(createEvent, cuEventCreate, 2000, (EventHandle *, unsigned))                                                       \
  X(destroyEvent, cuEventDestroy_v2, 4000, (EventHandle))                                                              \
  X(recordEvent, cuEventRecord, 2000, (EventHandle, StreamHandle))                                                     \
  X(waitForEvent, cuEventSynchronize, 2000, (EventHandle))                                                             \
  X(elapsed, cuEventElapsedTime, 2000, (float *, EventHandle, EventHandle))                                            \
  X(pointerAttribute, cuPointerGetAttribute, 4000, (void *, int, DevicePtr))

#define NNCCRT_OPTIONAL_CALLS(X)                                                                                       \
  X(streamContext, cuStreamGetCtx, 9020, (StreamHandle, ContextHandle *))                                              \
  X(allocateAsync, cuMemAllocAsync, 11020, (DevicePtr *, size_t, StreamHandle))                                        \
  X(freeAsync, cuMemFreeAsync, 11020, (DevicePtr, StreamHandle))                                                       \
  X(defaultPool, cuDeviceGetDefaultMemPool, 11020, (PoolHandle *, int))                                                \
  X(trimPool, cuMemPoolTrimTo, 11020, (PoolHandle, size_t))                                                            \
  X(captureState, cuStreamIsCapturing, 10000, (StreamHandle, int *))                                                   \
  X(beginCapture, cuStreamBeginCapture_v2, 10010, (StreamHandle, int))                                                 \
  X(endCapture, cuStreamEndCapture, 10000, (StreamHandle, GraphHandle *))                                              \
  X(instantiate, cuGraphInstantiateWithFlags, 11040, (GraphExecHandle *, GraphHandle, unsigned long long))             \
  X(launchGraph, cuGraphLaunch, 10000, (GraphExecHandle, StreamHandle))                                                \
  X(destroyGraph, cuGraphDestroy, 10000, (GraphHandle))                                                                \
  X(destroyGraphExec, cuGraphExecDestroy, 10000, (GraphExecHandle))

/// The functions of the driver; those that an old driver lacks are null.
struct Driver {
// NOLINTNEXTLINE(bugprone-macro-parentheses): parts of a declarator
#define NNCCRT_CALL(member, name, since, parameters) Result(*member) parameters;
  NNCCRT_REQUIRED_CALLS(NNCCRT_CALL)
  NNCCRT_OPTIONAL_CALLS(NNCCRT_CALL)
#undef NNCCRT_CALL
  int version; ///< 12040 for 12.4

  bool hasGraphs() const {
    return captureState && beginCapture && endCapture && instantiate && launchGraph && destroyGraph && destroyGraphExec;
  }
  /// Tells of a call that failed, while doing what `format` says: "CUDA_ERROR_OUT_OF_MEMORY (out of memory) while ..". Returns false.
  [[gnu::format(printf, 4, 5)]] bool fail(Result result, Report &report, const char *format, ...) const;
};

/// Loads the driver, once a process; null: reported.
const Driver *loadDriver(Report &report);

/// Whether the context can do nothing more after such an error.
bool isSticky(Result result);

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_DRIVER_H
