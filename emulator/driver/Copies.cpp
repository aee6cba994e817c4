//===- Copies.cpp - cuMemcpy and cuMemset -----------------------------------------------------------------------===//

#include "Copies.h"
#include "Api.h"
#include "Graphs.h"
#include "Streams.h"
#include <cstring>

using namespace nncc::emu;
using namespace nncc::emu::driver;

namespace {

enum class Kind : uint8_t { Host, Device, Any };

/// Pageable memory of up to this many bytes is read when the copy is enqueued, more is copied before the call returns (CUDA Runtime API,
/// "API synchronization behavior").
constexpr uint64_t stagedBytes = 64 << 10;

uint64_t address(const void *pointer) { return reinterpret_cast<uint64_t>(pointer); }

/// From the first to behind the last byte of a side, or nothing where that does not fit 64 bits.
std::optional<uint64_t> extent(const Side &side, const CopyWork &c) {
  unsigned __int128 bytes = c.width;
  bytes += static_cast<unsigned __int128>(side.pitch) * (c.height - 1);
  bytes += static_cast<unsigned __int128>(side.slice) * (c.depth - 1);
  return bytes <= UINT64_MAX - side.address ? std::optional(static_cast<uint64_t>(bytes)) : std::nullopt;
}

bool isDevice(uint64_t address) { return Device::ordinalOf(address).has_value(); }

/// A side is where the call says, and wholly inside an allocation.
bool isValid(Driver &d, const Side &side, const CopyWork &c, Kind kind) {
  std::optional<uint64_t> bytes = extent(side, c);
  bool device = isDevice(side.address);
  if (!side.address || !bytes || (kind == Kind::Device && !device) || (kind == Kind::Host && device))
    return false;
  if (!device)
    return true;
  Gpu *gpu = d.gpuOf(side.address);
  std::optional<Device::Range> range = gpu ? gpu->machine.allocationOf(side.address) : std::nullopt;
  return range && *bytes <= range->bytes - (side.address - range->base);
}

struct Copying {
  CopyWork work;
  Kind to = Kind::Any, from = Kind::Any;
  CUstream stream = nullptr;
  bool waits = false; ///< the call returns when the copy is done
};

bool isEmpty(const CopyWork &work) { return !work.width || !work.height || !work.depth; }

bool isValid(Driver &d, const Copying &c) {
  return isValid(d, c.work.to, c.work, c.to) && isValid(d, c.work.from, c.work, c.from);
}

/// Whether something queued may rightly write to the host's memory.
bool mayWrite(Driver &d, Context &context) {
  for (Stream *stream : streamsOf(d, context)) {
    if (stream->busy)
      return true;
    for (const Work &work : stream->queue) {
      auto *copy = std::get_if<CopyWork>(&work);
      if (std::holds_alternative<HostWork>(work) || std::holds_alternative<CallbackWork>(work) ||
          std::holds_alternative<GraphWork>(work) || (copy && !isDevice(copy->to.address)))
        return true;
    }
  }
  return false;
}

CUresult copy(Driver &d, Context &context, Copying c) {
  Stream *stream = resolve(d, context, c.stream);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  if (isEmpty(c.work))
    return CUDA_SUCCESS;
  if (!isValid(d, c))
    return CUDA_ERROR_INVALID_VALUE;
  if (stream->capture)
    return c.waits ? invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
                   : enqueue(d, *stream, std::move(c.work));
  if (c.waits)
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
  auto pageable = [&](const Side &side) {
    return !isDevice(side.address) && !d.isPinned(side.address, *extent(side, c.work));
  };
  bool runs = c.waits || pageable(c.work.to);
  if (!runs && pageable(c.work.from)) {
    uint64_t bytes = *extent(c.work.from, c.work);
    runs = bytes > stagedBytes;
    auto *first = reinterpret_cast<const std::byte *>(c.work.from.address);
    if (!runs)
      c.work.staged.assign(first, first + bytes);
  }
  if (!runs && c.work.staged.empty() && !isDevice(c.work.from.address) && !mayWrite(d, context))
    c.work.sum = sumOf(c.work);
  // Between places of a device nobody waits.
  runs &= !(isDevice(c.work.to.address) && isDevice(c.work.from.address));
  CUresult result = enqueue(d, *stream, std::move(c.work));
  return runs && result == CUDA_SUCCESS ? run(d, *stream) : result;
}

CUresult copyCall(std::string_view name, Side to, Side from, uint64_t bytes, Copying c) {
  return inContext(name, [&](Driver &d, Context &context) {
    c.work.to = to, c.work.from = from, c.work.width = bytes;
    return copy(d, context, std::move(c));
  });
}

Copying inOrder(CUstream stream, Kind to, Kind from) { return {{}, to, from, stream, false}; }
Copying waiting(Kind to, Kind from) { return {{}, to, from, nullptr, true}; }

} // namespace

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copyCall("cuMemcpy", {to}, {from}, bytes, waiting(Kind::Any, Kind::Any));
}
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyCall("cuMemcpyAsync", {to}, {from}, bytes, inOrder(stream, Kind::Any, Kind::Any));
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  return copyCall("cuMemcpyHtoD", {to}, {address(from)}, bytes, waiting(Kind::Device, Kind::Host));
}
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  return copyCall("cuMemcpyDtoH", {address(to)}, {from}, bytes, waiting(Kind::Host, Kind::Device));
}
CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  return copyCall("cuMemcpyDtoD", {to}, {from}, bytes, waiting(Kind::Device, Kind::Device));
}
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  return copyCall("cuMemcpyHtoDAsync", {to}, {address(from)}, bytes, inOrder(stream, Kind::Device, Kind::Host));
}
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyCall("cuMemcpyDtoHAsync", {address(to)}, {from}, bytes, inOrder(stream, Kind::Host, Kind::Device));
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  return copyCall("cuMemcpyDtoDAsync", {to}, {from}, bytes, inOrder(stream, Kind::Device, Kind::Device));
}
/// Addresses say which devices they belong to.
CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes) {
  return copyCall("cuMemcpyPeer", {to}, {from}, bytes, waiting(Kind::Device, Kind::Device));
}
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes, CUstream stream) {
  return copyCall("cuMemcpyPeerAsync", {to}, {from}, bytes, inOrder(stream, Kind::Device, Kind::Device));
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Two and three dimensions
//===----------------------------------------------------------------------------------------------------------------------===//

/// False for arrays, which are not emulated.
template <class S> static bool sideOf(const S &side, uint64_t offset, Side &out, Kind &kind) {
  kind = side.type == MEMORY_HOST ? Kind::Host : side.type == MEMORY_DEVICE ? Kind::Device : Kind::Any;
  out.address = (side.type == MEMORY_HOST ? address(side.host) : side.device) + offset;
  return side.type == MEMORY_HOST || side.type == MEMORY_DEVICE || side.type == MEMORY_UNIFIED;
}

static CUresult read2D(const CUDA_MEMCPY2D *p, Copying &c) {
  if (!p)
    return CUDA_ERROR_INVALID_VALUE;
  c.work.width = p->widthInBytes, c.work.height = p->height;
  c.work.to.pitch = p->dst.pitch ? p->dst.pitch : p->widthInBytes;
  c.work.from.pitch = p->src.pitch ? p->src.pitch : p->widthInBytes;
  if (!sideOf(p->dst, p->dst.y * c.work.to.pitch + p->dst.x, c.work.to, c.to) ||
      !sideOf(p->src, p->src.y * c.work.from.pitch + p->src.x, c.work.from, c.from))
    return CUDA_ERROR_NOT_SUPPORTED;
  bool fits = c.work.to.pitch >= p->widthInBytes && c.work.from.pitch >= p->widthInBytes;
  return fits ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult read3D(const CUDA_MEMCPY3D *p, Copying &c) {
  if (!p)
    return CUDA_ERROR_INVALID_VALUE;
  c.work.width = p->widthInBytes, c.work.height = p->height, c.work.depth = p->depth;
  auto set = [&](const CUmemcpySide3D &side, Side &out, Kind &kind) {
    out.pitch = side.pitch ? side.pitch : p->widthInBytes;
    out.slice = out.pitch * (side.height ? side.height : p->height);
    return sideOf(side, side.z * out.slice + side.y * out.pitch + side.x, out, kind);
  };
  if (!set(p->dst, c.work.to, c.to) || !set(p->src, c.work.from, c.from))
    return CUDA_ERROR_NOT_SUPPORTED;
  bool fits = c.work.to.pitch >= p->widthInBytes && c.work.from.pitch >= p->widthInBytes &&
              c.work.to.slice >= c.work.to.pitch * p->height && c.work.from.slice >= c.work.from.pitch * p->height;
  return fits ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

template <class P, class Read>
static CUresult copyBox(std::string_view name, const P *params, CUstream stream, bool waits, Read read) {
  return inContext(name, [&](Driver &d, Context &context) {
    Copying c{{}, Kind::Any, Kind::Any, stream, waits};
    CUresult problem = read(params, c);
    return problem ? problem : copy(d, context, std::move(c));
  });
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *p) { return copyBox("cuMemcpy2D", p, nullptr, true, read2D); }
CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *p) {
  return copyBox("cuMemcpy2DUnaligned", p, nullptr, true, read2D);
}
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *p, CUstream s) {
  return copyBox("cuMemcpy2DAsync", p, s, false, read2D);
}
CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *p) { return copyBox("cuMemcpy3D", p, nullptr, true, read3D); }
CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *p, CUstream s) {
  return copyBox("cuMemcpy3DAsync", p, s, false, read3D);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// cuMemset
//===----------------------------------------------------------------------------------------------------------------------===//

static CUresult check(Driver &d, FillWork &work) {
  if (work.count > UINT64_MAX / work.width || work.address % work.width)
    return CUDA_ERROR_INVALID_VALUE;
  CopyWork as;
  as.width = work.count * work.width, as.height = work.height;
  if (!work.pitch)
    work.pitch = as.width;
  return isValid(d, {work.address, work.pitch}, as, Kind::Device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult fill(std::string_view name, FillWork work, CUstream handle) {
  return inContext(name, [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    if (!stream)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!work.count || !work.height)
      return CUDA_SUCCESS;
    CUresult problem = check(d, work);
    return problem ? problem : enqueue(d, *stream, work);
  });
}

namespace nncc::emu::driver {

CUresult copyWork(Driver &d, const CUDA_MEMCPY3D *params, CopyWork &work) {
  Copying c;
  CUresult problem = read3D(params, c);
  if (problem == CUDA_SUCCESS && (isEmpty(c.work) || !isValid(d, c)))
    problem = CUDA_ERROR_INVALID_VALUE;
  work = std::move(c.work);
  return problem;
}

CUresult fillWork(Driver &d, const CUDA_MEMSET_NODE_PARAMS *p, FillWork &work) {
  if (!p || (p->elementSize != 1 && p->elementSize != 2 && p->elementSize != 4) || !p->width || !p->height)
    return CUDA_ERROR_INVALID_VALUE;
  work = {p->dst, p->height > 1 ? p->pitch : 0, p->value, p->elementSize, p->width, p->height};
  return check(d, work);
}

} // namespace nncc::emu::driver

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  return fill("cuMemsetD8", {to, 0, value, 1, count, 1}, nullptr);
}
CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
  return fill("cuMemsetD16", {to, 0, value, 2, count, 1}, nullptr);
}
CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  return fill("cuMemsetD32", {to, 0, value, 4, count, 1}, nullptr);
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  return fill("cuMemsetD8Async", {to, 0, value, 1, count, 1}, stream);
}
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  return fill("cuMemsetD16Async", {to, 0, value, 2, count, 1}, stream);
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  return fill("cuMemsetD32Async", {to, 0, value, 4, count, 1}, stream);
}
CUresult cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) {
  return fill("cuMemsetD2D8", {to, pitch, value, 1, width, height}, nullptr);
}
CUresult cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height) {
  return fill("cuMemsetD2D32", {to, pitch, value, 4, width, height}, nullptr);
}
CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height,
                           CUstream stream) {
  return fill("cuMemsetD2D8Async", {to, pitch, value, 1, width, height}, stream);
}
CUresult cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height,
                            CUstream stream) {
  return fill("cuMemsetD2D32Async", {to, pitch, value, 4, width, height}, stream);
}
