//===- Pools.cpp - memory pools and what is known of a pointer ---------------------------------------------------===//

#include "Api.h"
#include "Streams.h"
#include <algorithm>

using namespace nncc::emu;
using namespace nncc::emu::driver;

/// A call about a pool, where the driver has any.
template <class F> static CUresult withPool(std::string_view name, CUmemoryPool handle, F body) {
  return initialised(name, [&](Driver &d) {
    if (!hasPools(d))
      return CUDA_ERROR_NOT_SUPPORTED;
    Pool *pool = d.pools.find(handle);
    return pool ? body(d, *pool) : CUDA_ERROR_INVALID_VALUE;
  });
}

static CUresult poolOf(std::string_view name, CUmemoryPool *out, CUdevice device, Pool *Gpu::*which) {
  return initialised(name, [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!out || !gpu)
      return out ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_INVALID_VALUE;
    if (!hasPools(d))
      return CUDA_ERROR_NOT_SUPPORTED;
    *out = (gpu->*which)->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
  return poolOf("cuDeviceGetDefaultMemPool", pool, device, &Gpu::defaultPool);
}
CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
  return poolOf("cuDeviceGetMemPool", pool, device, &Gpu::pool);
}

CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool handle) {
  return withPool("cuDeviceSetMemPool", handle, [&](Driver &d, Pool &pool) {
    Gpu *gpu = d.gpu(device);
    if (!gpu || pool.gpu != gpu)
      return gpu ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_DEVICE;
    gpu->pool = &pool;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolCreate(CUmemoryPool *out, const CUmemPoolProps *props) {
  return initialised("cuMemPoolCreate", [&](Driver &d) {
    if (!hasPools(d))
      return CUDA_ERROR_NOT_SUPPORTED;
    enum : int { Pinned = 1, OnDevice = 1 };
    if (!out || !props || props->allocType != Pinned || props->location.type != OnDevice)
      return CUDA_ERROR_INVALID_VALUE;
    Gpu *gpu = d.gpu(props->location.id);
    if (!gpu)
      return CUDA_ERROR_INVALID_DEVICE;
    if (props->handleTypes)
      return CUDA_ERROR_NOT_SUPPORTED;
    Pool *pool = d.pools.add(std::make_unique<Pool>());
    pool->gpu = gpu;
    *out = pool->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
  return withPool("cuMemPoolDestroy", handle, [&](Driver &d, Pool &pool) {
    Gpu &gpu = *pool.gpu;
    if (&pool == gpu.defaultPool)
      return CUDA_ERROR_INVALID_VALUE;
    if (gpu.pool == &pool)
      gpu.pool = gpu.defaultPool;
    gpu.cached -= pool.cached;
    // What is still allocated from it stays until it is freed.
    for (Context *context : d.contexts.all())
      for (auto &[address, memory] : context->memory)
        if (memory.pool == &pool)
          memory.pool = nullptr;
    d.pools.remove(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t keep) {
  return withPool("cuMemPoolTrimTo", handle, [&](Driver &, Pool &pool) {
    shrink(pool, keep);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolSetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value) {
  return withPool("cuMemPoolSetAttribute", handle, [&](Driver &, Pool &pool) {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    switch (attribute) {
    case POOL_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case POOL_REUSE_ALLOW_OPPORTUNISTIC:
    case POOL_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      pool.reuse[attribute] = *static_cast<int *>(value);
      return CUDA_SUCCESS;
    case POOL_RELEASE_THRESHOLD:
      pool.threshold = *static_cast<uint64_t *>(value);
      return CUDA_SUCCESS;
    case POOL_RESERVED_MEM_HIGH:
    case POOL_USED_MEM_HIGH: // Both can only be reset.
      if (*static_cast<uint64_t *>(value))
        return CUDA_ERROR_INVALID_VALUE;
      pool.reservedHigh = attribute == POOL_RESERVED_MEM_HIGH ? pool.used + pool.cached : pool.reservedHigh;
      pool.usedHigh = attribute == POOL_USED_MEM_HIGH ? pool.used : pool.usedHigh;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuMemPoolGetAttribute(CUmemoryPool handle, CUmemPool_attribute attribute, void *value) {
  return withPool("cuMemPoolGetAttribute", handle, [&](Driver &, Pool &pool) {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    auto give = [&](uint64_t number) {
      *static_cast<uint64_t *>(value) = number;
      return CUDA_SUCCESS;
    };
    switch (attribute) {
    case POOL_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case POOL_REUSE_ALLOW_OPPORTUNISTIC:
    case POOL_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      *static_cast<int *>(value) = pool.reuse[attribute];
      return CUDA_SUCCESS;
    case POOL_RELEASE_THRESHOLD:
      return give(pool.threshold);
    case POOL_RESERVED_MEM_CURRENT:
      return give(pool.used + pool.cached);
    case POOL_RESERVED_MEM_HIGH:
      return give(pool.reservedHigh);
    case POOL_USED_MEM_CURRENT:
      return give(pool.used);
    case POOL_USED_MEM_HIGH:
      return give(pool.usedHigh);
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *access, size_t count) {
  return withPool("cuMemPoolSetAccess", handle, [&](Driver &, Pool &pool) {
    enum : int { None = 0, ReadWrite = 3 };
    if (!access && count)
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t k = 0; k < count; ++k) {
      bool own = access[k].location.type == 1 && access[k].location.id == static_cast<int>(pool.gpu->ordinal);
      if (own ? access[k].flags != ReadWrite : access[k].flags != None)
        return own ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_NOT_SUPPORTED;
    }
    return CUDA_SUCCESS;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Pointers
//===----------------------------------------------------------------------------------------------------------------------===//

/// What is known of an address; CUDA_ERROR_INVALID_VALUE where the driver knows nothing of it.
static CUresult pointerAttribute(Driver &d, void *value, CUpointer_attribute attribute, CUdeviceptr address) {
  Gpu *gpu = d.gpuOf(address);
  std::optional<Device::Range> range = gpu ? gpu->machine.allocationOf(address) : std::nullopt;
  bool pinned = !gpu && d.isPinned(address, 1);
  if (!range && !pinned)
    return CUDA_ERROR_INVALID_VALUE;
  Context *owner = nullptr;
  Pool *pool = nullptr;
  for (Context *context : d.contexts.all())
    if (auto found = range ? context->memory.find(range->base) : context->memory.end(); found != context->memory.end())
      owner = context, pool = found->second.pool;
  switch (attribute) {
  case POINTER_CONTEXT:
    *static_cast<CUcontext *>(value) = owner ? owner->handle : nullptr;
    return CUDA_SUCCESS;
  case POINTER_MEMORY_TYPE:
    *static_cast<unsigned *>(value) = range ? MEMORY_DEVICE : MEMORY_HOST;
    return CUDA_SUCCESS;
  case POINTER_DEVICE_POINTER:
    *static_cast<CUdeviceptr *>(value) = range ? address : 0;
    return range ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  case POINTER_HOST_POINTER:
    *static_cast<void **>(value) = range ? nullptr : reinterpret_cast<void *>(address);
    return range ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
  case POINTER_IS_MANAGED:
    *static_cast<unsigned *>(value) = 0;
    return CUDA_SUCCESS;
  case POINTER_DEVICE_ORDINAL:
    *static_cast<int *>(value) = gpu ? static_cast<int>(gpu->ordinal) : 0;
    return CUDA_SUCCESS;
  case POINTER_RANGE_START_ADDR:
    *static_cast<CUdeviceptr *>(value) = range ? range->base : std::prev(d.pinned.upper_bound(address))->first;
    return CUDA_SUCCESS;
  case POINTER_RANGE_SIZE:
    *static_cast<size_t *>(value) = range ? range->bytes : std::prev(d.pinned.upper_bound(address))->second.bytes;
    return CUDA_SUCCESS;
  case POINTER_MAPPED:
    *static_cast<unsigned char *>(value) = 1;
    return CUDA_SUCCESS;
  case POINTER_MEMPOOL_HANDLE:
    *static_cast<CUmemoryPool *>(value) = pool ? pool->handle : nullptr;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr address) {
  return initialised("cuPointerGetAttribute", [&](Driver &d) {
    return value ? pointerAttribute(d, value, attribute, address) : CUDA_ERROR_INVALID_VALUE;
  });
}

/// As documented, memory that the driver does not know is no error here: its values become zero.
CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **values, CUdeviceptr address) {
  return initialised("cuPointerGetAttributes", [&](Driver &d) {
    if (!count || !attributes || !values)
      return CUDA_ERROR_INVALID_VALUE;
    for (unsigned k = 0; k < count; ++k)
      if (pointerAttribute(d, values[k], attributes[k], address) != CUDA_SUCCESS) {
        bool narrow = attributes[k] == POINTER_MEMORY_TYPE || attributes[k] == POINTER_IS_MANAGED;
        if (attributes[k] == POINTER_DEVICE_ORDINAL)
          *static_cast<int *>(values[k]) = -2;
        else if (attributes[k] == POINTER_MAPPED)
          *static_cast<unsigned char *>(values[k]) = 0;
        else if (narrow)
          *static_cast<unsigned *>(values[k]) = 0;
        else
          *static_cast<uint64_t *>(values[k]) = 0;
      }
    return CUDA_SUCCESS;
  });
}
