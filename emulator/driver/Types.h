//===- Types.h - the types of the CUDA driver API ----------------------------------------------------------------===//
///
/// \file
/// The ABI of libcuda.so.1 as the CUDA Driver API reference describes it, in declarations of our own: values and layouts are those that
/// applications were compiled with.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_TYPES_H
#define NNCCEMU_DRIVER_TYPES_H

#include <cstddef>
#include <cstdint>

enum CUresult : int {
#define CUDA_RESULT(name, value, text) CUDA_##name = value,
#include "Results.def"
#undef CUDA_RESULT
};

using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUlibrary = struct CUlib_st *;
using CUfunction = struct CUfunc_st *;
using CUkernel = struct CUkern_st *;
using CUstream = struct CUstream_st *;
using CUevent = struct CUevent_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphNode = struct CUgraphNode_st *;
using CUgraphExec = struct CUgraphExec_st *;
using CUmemoryPool = struct CUmemPoolHandle_st *;
using CUarray = struct CUarray_st *;
using CUhostFn = void (*)(void *);
using CUstreamCallback = void (*)(CUstream, CUresult, void *);
using CUoccupancyB2DSize = size_t (*)(int);

struct CUuuid {
  unsigned char bytes[16];
};

/// Streams that are not created.
inline constexpr uintptr_t streamLegacy = 1, streamPerThread = 2;

enum CUdevice_attribute : int {
  ATTRIBUTE_MAX_THREADS_PER_BLOCK = 1,
  ATTRIBUTE_MAX_BLOCK_DIM_X = 2,
  ATTRIBUTE_MAX_BLOCK_DIM_Y = 3,
  ATTRIBUTE_MAX_BLOCK_DIM_Z = 4,
  ATTRIBUTE_MAX_GRID_DIM_X = 5,
  ATTRIBUTE_MAX_GRID_DIM_Y = 6,
  ATTRIBUTE_MAX_GRID_DIM_Z = 7,
  ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK = 8,
  ATTRIBUTE_TOTAL_CONSTANT_MEMORY = 9,
  ATTRIBUTE_WARP_SIZE = 10,
  ATTRIBUTE_MAX_PITCH = 11,
  ATTRIBUTE_MAX_REGISTERS_PER_BLOCK = 12,
  ATTRIBUTE_CLOCK_RATE = 13,
  ATTRIBUTE_TEXTURE_ALIGNMENT = 14,
  ATTRIBUTE_GPU_OVERLAP = 15,
  ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  ATTRIBUTE_CONCURRENT_KERNELS = 31,
  ATTRIBUTE_PCI_BUS_ID = 33,
  ATTRIBUTE_MEMORY_CLOCK_RATE = 36,
  ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH = 37,
  ATTRIBUTE_L2_CACHE_SIZE = 38,
  ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR = 39,
  ATTRIBUTE_ASYNC_ENGINE_COUNT = 40,
  ATTRIBUTE_UNIFIED_ADDRESSING = 41,
  ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED = 78,
  ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED = 79,
  ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED = 80,
  ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR = 81,
  ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR = 82,
  ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO = 87,
  ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED = 90,
  ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  ATTRIBUTE_HOST_REGISTER_SUPPORTED = 99,
  ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR = 106,
  ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK = 111,
  ATTRIBUTE_MEMORY_POOLS_SUPPORTED = 115,
  ATTRIBUTE_LAST = 256,
};

enum CUfunction_attribute : int {
  FUNCTION_MAX_THREADS_PER_BLOCK = 0,
  FUNCTION_SHARED_SIZE_BYTES = 1,
  FUNCTION_CONST_SIZE_BYTES = 2,
  FUNCTION_LOCAL_SIZE_BYTES = 3,
  FUNCTION_NUM_REGS = 4,
  FUNCTION_PTX_VERSION = 5,
  FUNCTION_BINARY_VERSION = 6,
  FUNCTION_CACHE_MODE_CA = 7,
  FUNCTION_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
  FUNCTION_PREFERRED_SHARED_MEMORY_CARVEOUT = 9,
};

enum CUpointer_attribute : int {
  POINTER_CONTEXT = 1,
  POINTER_MEMORY_TYPE = 2,
  POINTER_DEVICE_POINTER = 3,
  POINTER_HOST_POINTER = 4,
  POINTER_IS_MANAGED = 8,
  POINTER_DEVICE_ORDINAL = 9,
  POINTER_RANGE_START_ADDR = 11,
  POINTER_RANGE_SIZE = 12,
  POINTER_MAPPED = 13,
  POINTER_MEMPOOL_HANDLE = 17,
};

enum CUjit_option : int {
  JIT_INFO_LOG_BUFFER = 3,
  JIT_INFO_LOG_BUFFER_SIZE_BYTES = 4,
  JIT_ERROR_LOG_BUFFER = 5,
  JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
  JIT_LAST = 64,
};

enum CUmemorytype : int { MEMORY_HOST = 1, MEMORY_DEVICE = 2, MEMORY_ARRAY = 3, MEMORY_UNIFIED = 4 };

struct CUmemcpySide2D {
  size_t x, y;
  CUmemorytype type;
  void *host;
  CUdeviceptr device;
  CUarray array;
  size_t pitch;
};
struct CUDA_MEMCPY2D {
  CUmemcpySide2D src, dst;
  size_t widthInBytes, height;
};
struct CUmemcpySide3D {
  size_t x, y, z, lod;
  CUmemorytype type;
  void *host;
  CUdeviceptr device;
  CUarray array;
  void *reserved;
  size_t pitch, height;
};
struct CUDA_MEMCPY3D {
  CUmemcpySide3D src, dst;
  size_t widthInBytes, height, depth;
};

struct CUmemLocation {
  int type; ///< 1: a device
  int id;
};
struct CUmemPoolProps {
  int allocType, handleTypes;
  CUmemLocation location;
  void *securityAttributes;
  size_t maxSize;
  unsigned char reserved[56];
};
struct CUmemAccessDesc {
  CUmemLocation location;
  int flags;
};
enum CUmemPool_attribute : int {
  POOL_REUSE_FOLLOW_EVENT_DEPENDENCIES = 1,
  POOL_REUSE_ALLOW_OPPORTUNISTIC = 2,
  POOL_REUSE_ALLOW_INTERNAL_DEPENDENCIES = 3,
  POOL_RELEASE_THRESHOLD = 4,
  POOL_RESERVED_MEM_CURRENT = 5,
  POOL_RESERVED_MEM_HIGH = 6,
  POOL_USED_MEM_CURRENT = 7,
  POOL_USED_MEM_HIGH = 8,
};

struct CUlaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    int number;
    struct {
      unsigned x, y, z;
    } cluster;
  } value;
};
struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute *attrs;
  unsigned numAttrs;
};

/// The second version adds two members, of which nothing here depends.
struct CUDA_KERNEL_NODE_PARAMS {
  CUfunction func;
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
  void **kernelParams;
  void **extra;
};
struct CUDA_KERNEL_NODE_PARAMS_v2 : CUDA_KERNEL_NODE_PARAMS {
  CUkernel kern;
  CUcontext ctx;
};
struct CUDA_MEMSET_NODE_PARAMS {
  CUdeviceptr dst;
  size_t pitch;
  unsigned value, elementSize;
  size_t width, height;
};
struct CUDA_HOST_NODE_PARAMS {
  CUhostFn fn;
  void *userData;
};

enum CUgraphNodeType : int {
  NODE_KERNEL = 0,
  NODE_MEMCPY = 1,
  NODE_MEMSET = 2,
  NODE_HOST = 3,
  NODE_EMPTY = 5,
  NODE_WAIT_EVENT = 6,
  NODE_EVENT_RECORD = 7,
};
struct CUgraphExecUpdateResultInfo {
  int result;
  CUgraphNode errorNode, errorFromNode;
};

enum CUstreamCaptureStatus : int { CAPTURE_NONE = 0, CAPTURE_ACTIVE = 1, CAPTURE_INVALIDATED = 2 };
enum CUstreamCaptureMode : int { CAPTURE_GLOBAL = 0, CAPTURE_THREAD_LOCAL = 1, CAPTURE_RELAXED = 2 };
enum CUdriverProcAddressQueryResult : int { PROC_SUCCESS = 0, PROC_NOT_FOUND = 1, PROC_VERSION_NOT_SUFFICIENT = 2 };

#endif
