//===- Memory.cpp - device memory, pinned memory and pools --------------------------------------------------------===//

#include "Api.h"
#include "Graphs.h"
#include "Streams.h"
#include <algorithm>
#include <cstdlib>

using namespace nncc::emu;
using namespace nncc::emu::driver;

namespace nncc::emu::driver {

uint64_t memoryOf(const Driver &d, const Gpu &gpu) {
  uint64_t has = gpu.machine.card().memory;
  return d.faults.memory ? std::min(d.faults.memory, has) : has;
}

bool hasPools(const Driver &d) { return !d.faults.noPools && d.version >= 11020; }

void shrink(Pool &pool, uint64_t keep) {
  uint64_t kept = keep > pool.used ? std::min(pool.cached, keep - pool.used) : 0;
  pool.gpu->cached -= pool.cached - kept;
  pool.cached = kept;
}

void trimPools(Driver &d, Gpu &gpu) {
  for (Pool *pool : d.pools.all())
    if (pool->gpu == &gpu)
      shrink(*pool, pool->threshold);
}

} // namespace nncc::emu::driver

/// Allocates in the context; `pool` is null for cuMemAlloc.
static CUresult allocate(Driver &d, Context &context, CUdeviceptr *out, uint64_t bytes, Pool *pool) {
  Gpu &gpu = *context.gpu;
  uint64_t reused = pool ? std::min(pool->cached, bytes) : 0;
  auto available = [&] {
    uint64_t taken = gpu.machine.memoryUsed() + gpu.cached - reused, has = memoryOf(d, gpu);
    return has > taken ? has - taken : 0;
  };
  if (bytes > available()) // What other pools keep is given back before an allocation fails.
    for (Pool *other : d.pools.all())
      if (other->gpu == &gpu && other != pool)
        shrink(*other, 0);
  uint64_t address = bytes <= available() ? gpu.machine.allocate(bytes) : 0;
  if (!address)
    return CUDA_ERROR_OUT_OF_MEMORY;
  if (pool) {
    pool->cached -= reused, gpu.cached -= reused;
    pool->used += bytes;
    pool->usedHigh = std::max(pool->usedHigh, pool->used);
    pool->reservedHigh = std::max(pool->reservedHigh, pool->used + pool->cached);
  }
  context.memory[address] = {bytes, pool};
  d.report->allocated(gpu.machine.memoryUsed());
  *out = address;
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes) {
  return inContext("cuMemAlloc", [&](Driver &d, Context &context) {
    if (!out || !bytes)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
    if (auto fault = d.faults.strike("alloc"))
      return *fault;
    return allocate(d, context, out, bytes, nullptr);
  });
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width, size_t height, unsigned elementBytes) {
  return inContext("cuMemAllocPitch", [&](Driver &d, Context &context) {
    bool element = elementBytes == 4 || elementBytes == 8 || elementBytes == 16;
    if (!out || !pitch || !width || !height || !element || width > UINT32_MAX || height > UINT32_MAX)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
    if (auto fault = d.faults.strike("alloc"))
      return *fault;
    *pitch = (width + 511) / 512 * 512;
    return allocate(d, context, out, *pitch * height, nullptr);
  });
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return inContext("cuMemFree", [&](Driver &d, Context &context) {
    if (!address)
      return CUDA_SUCCESS;
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
    auto found = context.memory.find(address);
    if (found == context.memory.end() || found->second.freeing)
      return CUDA_ERROR_INVALID_VALUE;
    CUresult result = runAll(d, context); // It waits for all that may use the memory.
    execute(d, context, FreeWork{address});
    return result;
  });
}

CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
  return inContext("cuMemGetInfo", [&](Driver &d, Context &context) {
    if (!available || !total)
      return CUDA_ERROR_INVALID_VALUE;
    Gpu &gpu = *context.gpu;
    uint64_t taken = gpu.machine.memoryUsed() + gpu.cached;
    *total = memoryOf(d, gpu);
    *available = *total > taken ? *total - taken : 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
  return inContext("cuMemGetAddressRange", [&](Driver &d, Context &) {
    Gpu *gpu = d.gpuOf(address);
    std::optional<Device::Range> range = gpu ? gpu->machine.allocationOf(address) : std::nullopt;
    if (!range)
      return CUDA_ERROR_NOT_FOUND;
    if (base)
      *base = range->base;
    if (bytes)
      *bytes = range->bytes;
    return CUDA_SUCCESS;
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// In the order of a stream
//===----------------------------------------------------------------------------------------------------------------------===//

static CUresult allocateInOrder(Driver &d, Context &context, CUdeviceptr *out, size_t bytes, Pool *pool,
                                CUstream handle) {
  Stream *stream = resolve(d, context, handle);
  if (!out || !bytes || !stream || !pool)
    return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
  if (!hasPools(d))
    return CUDA_ERROR_NOT_SUPPORTED;
  if (stream->capture) // Nodes that allocate are not emulated.
    return invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  if (auto fault = d.faults.strike("alloc"))
    return *fault;
  CUresult result = allocate(d, context, out, bytes, pool);
  if (result != CUDA_ERROR_OUT_OF_MEMORY)
    return result;
  // What was freed in the order of a stream is free once it was executed.
  runAll(d, context);
  return allocate(d, context, out, bytes, pool);
}

CUresult cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream stream) {
  return inContext("cuMemAllocAsync", [&](Driver &d, Context &context) {
    return allocateInOrder(d, context, out, bytes, context.gpu->pool, stream);
  });
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t bytes, CUmemoryPool pool, CUstream stream) {
  return inContext("cuMemAllocFromPoolAsync", [&](Driver &d, Context &context) {
    return allocateInOrder(d, context, out, bytes, d.pools.find(pool), stream);
  });
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  return inContext("cuMemFreeAsync", [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    if (!stream)
      return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture)
      return invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    auto found = context.memory.find(address);
    if (found == context.memory.end() || found->second.freeing)
      return CUDA_ERROR_INVALID_VALUE;
    found->second.freeing = true;
    return enqueue(d, *stream, FreeWork{address});
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Pinned memory
//===----------------------------------------------------------------------------------------------------------------------===//

CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned) {
  return inContext("cuMemHostAlloc", [&](Driver &d, Context &context) {
    if (!out || !bytes)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
    if (auto fault = d.faults.strike("host-alloc"))
      return *fault;
    constexpr size_t page = 4096;
    void *memory = bytes > SIZE_MAX - page ? nullptr : std::aligned_alloc(page, (bytes + page - 1) / page * page);
    if (!memory)
      return CUDA_ERROR_OUT_OF_MEMORY;
    d.pinned[reinterpret_cast<uint64_t>(memory)] = {bytes, false, &context};
    *out = memory;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAllocHost_v2(void **out, size_t bytes) { return cuMemHostAlloc(out, bytes, 0); }

CUresult cuMemFreeHost(void *memory) {
  return inContext("cuMemFreeHost", [&](Driver &d, Context &context) {
    auto found = d.pinned.find(reinterpret_cast<uint64_t>(memory));
    if (found == d.pinned.end() || found->second.registered)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
    CUresult result = runAll(d, context);
    d.pinned.erase(found);
    std::free(memory);
    return result;
  });
}

CUresult cuMemHostRegister_v2(void *memory, size_t bytes, unsigned) {
  return inContext("cuMemHostRegister", [&](Driver &d, Context &context) {
    auto address = reinterpret_cast<uint64_t>(memory);
    if (!memory || !bytes)
      return CUDA_ERROR_INVALID_VALUE;
    if (d.isPinned(address, 1))
      return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    d.pinned[address] = {bytes, true, &context};
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostUnregister(void *memory) {
  return inContext("cuMemHostUnregister", [&](Driver &d, Context &context) {
    auto found = d.pinned.find(reinterpret_cast<uint64_t>(memory));
    if (found == d.pinned.end() || !found->second.registered)
      return CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
    CUresult result = runAll(d, context);
    d.pinned.erase(found);
    return result;
  });
}

/// Kernels do not reach the host's memory: ATTRIBUTE_CAN_MAP_HOST_MEMORY is 0.
CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *, void *, unsigned) {
  return inContext("cuMemHostGetDevicePointer", [](Driver &, Context &) { return CUDA_ERROR_NOT_SUPPORTED; });
}
CUresult cuMemAllocManaged(CUdeviceptr *, size_t, unsigned) {
  return inContext("cuMemAllocManaged", [](Driver &, Context &) { return CUDA_ERROR_NOT_SUPPORTED; });
}
