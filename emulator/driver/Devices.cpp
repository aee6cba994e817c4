//===- Devices.cpp - cuInit, versions, devices and what they report ----------------------------------------------===//

#include "Api.h"
#include "Driver.h"
#include <algorithm>
#include <cstring>

using namespace nncc::emu;
using namespace nncc::emu::driver;

template <class F> static CUresult withGpu(std::string_view name, CUdevice device, F body) {
  return initialised(name, [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    return gpu ? body(d, *gpu) : CUDA_ERROR_INVALID_DEVICE;
  });
}

static void makeGpus(Driver &d) {
  for (const Card *card : d.cards) {
    auto &gpu = d.gpus.emplace_back(std::make_unique<Gpu>(*card, static_cast<unsigned>(d.gpus.size())));
    gpu->machine.checks = d.checks;
    auto pool = std::make_unique<Pool>();
    pool->gpu = gpu.get();
    gpu->pool = gpu->defaultPool = d.pools.add(std::move(pool));
  }
}

CUresult cuInit(unsigned flags) {
  return call("cuInit", [&](Driver &d) {
    if (flags)
      return CUDA_ERROR_INVALID_VALUE;
    if (!d.problem.empty()) {
      d.report->tell(d.problem);
      return CUDA_ERROR_NO_DEVICE;
    }
    if (d.faults.init)
      return *d.faults.init;
    if (d.faults.noDevice)
      return CUDA_ERROR_NO_DEVICE;
    if (!d.initialised)
      makeGpus(d);
    d.initialised = true;
    return CUDA_SUCCESS;
  });
}

CUresult cuDriverGetVersion(int *version) {
  return call("cuDriverGetVersion", [&](Driver &d) {
    if (!version)
      return CUDA_ERROR_INVALID_VALUE;
    *version = static_cast<int>(d.version);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetCount(int *count) {
  return initialised("cuDeviceGetCount", [&](Driver &d) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = static_cast<int>(d.gpus.size());
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  return initialised("cuDeviceGet", [&](Driver &d) {
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    if (!d.gpu(ordinal))
      return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  return withGpu("cuDeviceGetName", device, [&](Driver &, Gpu &gpu) {
    if (!name || length <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    std::string_view text = gpu.machine.card().marketing;
    size_t shown = std::min(text.size(), static_cast<size_t>(length) - 1);
    std::memcpy(name, text.data(), shown);
    name[shown] = '\0';
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  return withGpu("cuDeviceGetUuid", device, [&](Driver &, Gpu &gpu) {
    if (!uuid)
      return CUDA_ERROR_INVALID_VALUE;
    *uuid = {};
    std::string_view name = gpu.machine.card().name;
    std::memcpy(uuid->bytes, name.data(), std::min(name.size(), sizeof uuid->bytes - 1));
    uuid->bytes[15] = static_cast<unsigned char>(gpu.ordinal);
    return CUDA_SUCCESS;
  });
}
CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  return withGpu("cuDeviceTotalMem", device, [&](Driver &d, Gpu &gpu) {
    if (!bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *bytes = memoryOf(d, gpu);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  return withGpu("cuDeviceComputeCapability", device, [&](Driver &, Gpu &gpu) {
    if (!major || !minor)
      return CUDA_ERROR_INVALID_VALUE;
    *major = static_cast<int>(gpu.machine.card().sm / 10), *minor = static_cast<int>(gpu.machine.card().sm % 10);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice device) {
  return withGpu("cuDeviceGetPCIBusId", device, [&](Driver &, Gpu &gpu) {
    if (!text || length < 13)
      return CUDA_ERROR_INVALID_VALUE;
    std::snprintf(text, static_cast<size_t>(length), "0000:%02X:00.0", gpu.ordinal + 1);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
  return withGpu("cuDeviceCanAccessPeer", device, [&](Driver &d, Gpu &) {
    if (!can)
      return CUDA_ERROR_INVALID_VALUE;
    *can = 0; // Kernels reach the memory of their own device alone; copies go between all.
    return d.gpu(peer) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuDeviceGetP2PAttribute(int *value, int, CUdevice device, CUdevice peer) {
  return withGpu("cuDeviceGetP2PAttribute", device, [&](Driver &d, Gpu &) {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    *value = 0;
    return d.gpu(peer) && peer != device ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
  });
}

/// Attributes that are the same on every card, or that the machine does not have: 0.
static int64_t commonAttribute(int attribute) {
  switch (attribute) {
  case ATTRIBUTE_MAX_BLOCK_DIM_X:
  case ATTRIBUTE_MAX_BLOCK_DIM_Y:
    return 1024;
  case ATTRIBUTE_MAX_BLOCK_DIM_Z:
    return 64;
  case ATTRIBUTE_MAX_GRID_DIM_X:
  case ATTRIBUTE_MAX_PITCH:
    return INT32_MAX;
  case ATTRIBUTE_MAX_GRID_DIM_Y:
  case ATTRIBUTE_MAX_GRID_DIM_Z:
    return 65535;
  case ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
    return 65536;
  case ATTRIBUTE_WARP_SIZE:
    return 32;
  case ATTRIBUTE_TEXTURE_ALIGNMENT:
    return 512;
  case ATTRIBUTE_ASYNC_ENGINE_COUNT:
    return 2;
  case ATTRIBUTE_GPU_OVERLAP:
  case ATTRIBUTE_CONCURRENT_KERNELS:
  case ATTRIBUTE_UNIFIED_ADDRESSING:
  case ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
  case ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED:
  case ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED:
  case ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED:
  case ATTRIBUTE_HOST_REGISTER_SUPPORTED:
    return 1;
  default:
    return 0;
  }
}

static int64_t attributeOf(const Driver &d, const Gpu &gpu, int attribute) {
  const Card &card = gpu.machine.card();
  switch (attribute) {
  case ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    return card.threadsPerBlock;
  case ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    return card.sharedPerBlock;
  case ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return card.sharedOptIn;
  case ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    return card.registersPerBlock;
  case ATTRIBUTE_CLOCK_RATE:
    return card.boostMHz * int64_t(1000);
  case ATTRIBUTE_MEMORY_CLOCK_RATE:
    return card.memoryMHz * int64_t(1000);
  case ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
    return card.busBits;
  case ATTRIBUTE_L2_CACHE_SIZE:
    return card.cacheBytes;
  case ATTRIBUTE_MULTIPROCESSOR_COUNT:
    return card.multiprocessors;
  case ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    return card.architecture.threadsPerMultiprocessor;
  case ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
    return card.architecture.blocksPerMultiprocessor;
  case ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    return card.architecture.sharedPerMultiprocessor;
  case ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    return card.architecture.registersPerMultiprocessor;
  case ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
    return card.sm >= 80 ? 1024 : 0;
  case ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO:
    return card.architecture.floatPerDouble;
  case ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return card.sm / 10;
  case ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return card.sm % 10;
  case ATTRIBUTE_PCI_BUS_ID:
    return gpu.ordinal + 1;
  case ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
    return hasPools(d);
  default:
    return commonAttribute(attribute);
  }
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  return withGpu("cuDeviceGetAttribute", device, [&](Driver &d, Gpu &gpu) {
    if (!value || attribute < 1 || attribute >= ATTRIBUTE_LAST)
      return CUDA_ERROR_INVALID_VALUE;
    *value = static_cast<int>(attributeOf(d, gpu, attribute));
    return CUDA_SUCCESS;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------------------------------------------------------===//

namespace {
struct ResultText {
  int value;
  const char *name, *text;
};
constexpr ResultText results[] = {
#define CUDA_RESULT(name, value, text) {value, "CUDA_" #name, text},
#include "Results.def"
#undef CUDA_RESULT
};
} // namespace

static CUresult textOf(CUresult result, const char **text, const char *ResultText::*member) {
  if (!text)
    return CUDA_ERROR_INVALID_VALUE;
  *text = nullptr;
  for (const ResultText &r : results)
    if (r.value == static_cast<int>(result))
      *text = r.*member;
  return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorName(CUresult result, const char **text) { return textOf(result, text, &ResultText::name); }
CUresult cuGetErrorString(CUresult result, const char **text) { return textOf(result, text, &ResultText::text); }
