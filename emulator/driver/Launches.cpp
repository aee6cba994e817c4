//===- Launches.cpp - cuLaunchKernel and occupancy ---------------------------------------------------------------===//

#include "Launches.h"
#include "Api.h"
#include "Streams.h"
#include <algorithm>
#include <cstring>

using namespace nncc::emu;
using namespace nncc::emu::driver;

namespace nncc::emu::driver {

/// As cuLaunchKernel takes parameters: a pointer for each, or one buffer that holds them all.
static CUresult gather(const Kernel &f, void **params, void **extra, std::vector<std::byte> &bytes) {
  bytes.resize(f.paramBytes);
  std::span<const ptx::Variable> declared = f.machine.params();
  if (params && extra)
    return CUDA_ERROR_INVALID_VALUE;
  if (params) {
    for (size_t k = 0; k < declared.size(); ++k) {
      if (!params[k])
        return CUDA_ERROR_INVALID_VALUE;
      std::memcpy(bytes.data() + f.offsets[k], params[k], declared[k].bytes);
    }
    return CUDA_SUCCESS;
  }
  const void *buffer = nullptr;
  size_t size = 0;
  enum : uintptr_t { End = 0, BufferPointer = 1, BufferSize = 2 };
  for (; extra && *extra != reinterpret_cast<void *>(End); extra += 2) {
    auto what = reinterpret_cast<uintptr_t>(*extra);
    if (what == BufferPointer)
      buffer = extra[1];
    else if (what == BufferSize)
      size = *static_cast<size_t *>(extra[1]);
    else
      return CUDA_ERROR_INVALID_VALUE;
  }
  if (bytes.empty())
    return CUDA_SUCCESS;
  if (size < bytes.size() || !buffer)
    return CUDA_ERROR_INVALID_VALUE;
  std::memcpy(bytes.data(), buffer, bytes.size());
  return CUDA_SUCCESS;
}

CUresult kernelWork(Driver &d, Context &context, const CUDA_KERNEL_NODE_PARAMS &p, KernelWork &work) {
  Kernel *f = d.functions.find(p.func);
  if (!f || f->module->context != &context)
    return CUDA_ERROR_INVALID_HANDLE;
  work.function = p.func;
  work.shape = {{p.gridDimX, p.gridDimY, p.gridDimZ}, {p.blockDimX, p.blockDimY, p.blockDimZ}, p.sharedMemBytes};
  if (CUresult problem = gather(*f, p.kernelParams, p.extra, work.params))
    return problem;
  Device &machine = context.gpu->machine;
  std::string why = machine.refusal(f->machine, work.shape);
  if (why.empty() && p.sharedMemBytes > f->maxDynamic)
    why = "dynamic shared memory is " + std::to_string(p.sharedMemBytes) + ", at most " +
          std::to_string(f->maxDynamic) + " unless cuFuncSetAttribute asks for more";
  if (why.empty())
    return CUDA_SUCCESS;
  d.report->tell(std::string(machine.card().name) + ": kernel '" + f->name + "': the launch is refused: " + why);
  return CUDA_ERROR_INVALID_VALUE;
}

} // namespace nncc::emu::driver

static CUresult launch(Driver &d, Context &context, const CUDA_KERNEL_NODE_PARAMS &p, CUstream handle) {
  Stream *stream = resolve(d, context, handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  KernelWork work;
  if (CUresult problem = kernelWork(d, context, p, work))
    return problem;
  if (auto fault = d.faults.strike("launch"))
    return *fault;
  return enqueue(d, *stream, std::move(work));
}

CUresult cuLaunchKernel(CUfunction f, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream, void **params, void **extra) {
  return inContext("cuLaunchKernel", [&](Driver &d, Context &context) {
    return launch(d, context, {f, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, params, extra}, stream);
  });
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction f, void **params, void **extra) {
  enum : int { Cooperative = 2, ClusterDimension = 4 };
  return inContext("cuLaunchKernelEx", [&](Driver &d, Context &context) {
    if (!c || (c->numAttrs && !c->attrs))
      return CUDA_ERROR_INVALID_VALUE;
    for (unsigned k = 0; k < c->numAttrs; ++k) {
      const CUlaunchAttribute &a = c->attrs[k];
      auto &cluster = a.value.cluster;
      // The rest are hints about time: priorities, overlap with the kernel before, the cache.
      if ((a.id == Cooperative && a.value.number) ||
          (a.id == ClusterDimension && uint64_t(cluster.x) * cluster.y * cluster.z > 1))
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    CUDA_KERNEL_NODE_PARAMS p{
        f,      c->gridDimX, c->gridDimY, c->gridDimZ, c->blockDimX, c->blockDimY, c->blockDimZ, c->sharedMemBytes,
        params, extra};
    return launch(d, context, p, c->hStream);
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Occupancy
//===----------------------------------------------------------------------------------------------------------------------===//

namespace nncc::emu::driver {

unsigned registersOf(const Card &card, const Kernel &function) {
  unsigned threads = function.machine.maxThreads() ? function.machine.maxThreads() : card.threadsPerBlock;
  constexpr unsigned granularity = 8, most = 255;
  return std::min(most, card.registersPerBlock / std::max(threads, 1u) / granularity * granularity);
}

/// Blocks of a kernel that a multiprocessor holds at once. Registers do not count: ptxas allocates them, and there is none here.
static unsigned residentBlocks(const Card &card, const Kernel &f, uint64_t threads, uint64_t dynamic) {
  const Architecture &a = card.architecture;
  if (!threads || threads > card.threadsPerBlock || dynamic > f.maxDynamic ||
      (f.machine.maxThreads() && threads > f.machine.maxThreads()))
    return 0;
  uint64_t warps = (threads + 31) / 32, reserved = card.sm >= 80 ? 1024 : 0;
  uint64_t shared = f.machine.staticShared() + dynamic + reserved;
  uint64_t blocks = std::min<uint64_t>(a.blocksPerMultiprocessor, a.threadsPerMultiprocessor / 32 / warps);
  return static_cast<unsigned>(shared ? std::min<uint64_t>(blocks, a.sharedPerMultiprocessor / shared) : blocks);
}

} // namespace nncc::emu::driver

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction handle, int threads,
                                                              size_t dynamic, unsigned) {
  return inContext("cuOccupancyMaxActiveBlocksPerMultiprocessor", [&](Driver &d, Context &context) {
    Kernel *f = d.functions.find(handle);
    if (!blocks || threads <= 0 || !f)
      return f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *blocks =
        static_cast<int>(residentBlocks(context.gpu->machine.card(), *f, static_cast<uint64_t>(threads), dynamic));
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction f, int threads, size_t dynamic) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, f, threads, dynamic, 0);
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction handle, CUoccupancyB2DSize bytes,
                                                   size_t dynamic, int limit, unsigned) {
  return inContext("cuOccupancyMaxPotentialBlockSize", [&](Driver &d, Context &context) {
    Kernel *f = d.functions.find(handle);
    if (!grid || !block || limit < 0 || !f)
      return f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    const Card &card = context.gpu->machine.card();
    unsigned most = card.threadsPerBlock, bestThreads = 0, bestBlocks = 0;
    if (limit)
      most = std::min(most, static_cast<unsigned>(limit));
    for (unsigned threads = most; threads; threads = (threads - 1) / 32 * 32) {
      unsigned blocks = residentBlocks(card, *f, threads, bytes ? bytes(static_cast<int>(threads)) : dynamic);
      if (blocks * threads > bestBlocks * bestThreads)
        bestThreads = threads, bestBlocks = blocks;
    }
    *block = static_cast<int>(bestThreads), *grid = static_cast<int>(bestBlocks * card.multiprocessors);
    return bestThreads ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction f, CUoccupancyB2DSize bytes, size_t dynamic,
                                          int limit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(grid, block, f, bytes, dynamic, limit, 0);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, CUfunction handle, int blocks, int threads) {
  return inContext("cuOccupancyAvailableDynamicSMemPerBlock", [&](Driver &d, Context &context) {
    Kernel *f = d.functions.find(handle);
    if (!bytes || blocks <= 0 || threads <= 0 || !f)
      return f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    const Card &card = context.gpu->machine.card();
    uint64_t share = card.architecture.sharedPerMultiprocessor / static_cast<unsigned>(blocks);
    uint64_t taken = f->machine.staticShared() + (card.sm >= 80 ? 1024 : 0);
    *bytes = share > taken ? std::min<uint64_t>(share - taken, card.sharedOptIn - f->machine.staticShared()) : 0;
    return CUDA_SUCCESS;
  });
}
