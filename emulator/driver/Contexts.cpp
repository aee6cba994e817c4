//===- Contexts.cpp - primary and other contexts, and which is current -------------------------------------------===//

#include "Api.h"
#include "Graphs.h"
#include "Streams.h"

using namespace nncc::emu;
using namespace nncc::emu::driver;

static Context *makeContext(Driver &d, Gpu &gpu, unsigned flags) {
  Context *context = d.contexts.add(std::make_unique<Context>());
  context->gpu = &gpu, context->flags = flags;
  context->legacy.context = context;
  return context;
}

/// What is queued is executed before a context goes; what a lost one holds is dropped.
static void end(Driver &d, Context &context) {
  runAll(d, context);
  while (context.users)
    d.changed.wait(d.mutex);
  destroyContext(d, context);
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice device) {
  return initialised("cuDevicePrimaryCtxRetain", [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!out || !gpu)
      return out ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_INVALID_VALUE;
    if (gpu->lost)
      return gpu->lost;
    if (!gpu->primary)
      gpu->primary = makeContext(d, *gpu, gpu->primaryFlags);
    ++gpu->retained;
    *out = gpu->primary->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return initialised("cuDevicePrimaryCtxRelease", [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!gpu)
      return CUDA_ERROR_INVALID_DEVICE;
    if (!gpu->retained)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (!--gpu->retained && gpu->primary)
      end(d, *gpu->primary);
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return initialised("cuDevicePrimaryCtxReset", [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!gpu)
      return CUDA_ERROR_INVALID_DEVICE;
    if (gpu->primary)
      end(d, *gpu->primary);
    gpu->retained = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
  return initialised("cuDevicePrimaryCtxGetState", [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!gpu || !flags || !active)
      return gpu ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_DEVICE;
    *flags = gpu->primaryFlags, *active = gpu->primary != nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  return initialised("cuDevicePrimaryCtxSetFlags", [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!gpu)
      return CUDA_ERROR_INVALID_DEVICE;
    gpu->primaryFlags = flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxCreate_v2(CUcontext *out, unsigned flags, CUdevice device) {
  return initialised("cuCtxCreate", [&](Driver &d) {
    Gpu *gpu = d.gpu(device);
    if (!out || !gpu)
      return out ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_INVALID_VALUE;
    if (gpu->lost)
      return gpu->lost;
    *out = makeContext(d, *gpu, flags)->handle;
    contextStack().push_back(*out);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxDestroy_v2(CUcontext handle) {
  return initialised("cuCtxDestroy", [&](Driver &d) {
    Context *context = d.contexts.find(handle);
    if (!context || context == context->gpu->primary)
      return CUDA_ERROR_INVALID_CONTEXT;
    end(d, *context);
    auto &stack = contextStack();
    if (!stack.empty() && stack.back() == handle)
      stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  return initialised("cuCtxPushCurrent", [&](Driver &d) {
    if (!d.contexts.find(handle))
      return CUDA_ERROR_INVALID_CONTEXT;
    contextStack().push_back(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPopCurrent_v2(CUcontext *handle) {
  return initialised("cuCtxPopCurrent", [&](Driver &) {
    auto &stack = contextStack();
    if (stack.empty())
      return CUDA_ERROR_INVALID_CONTEXT;
    if (handle)
      *handle = stack.back();
    stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCurrent(CUcontext handle) {
  return initialised("cuCtxSetCurrent", [&](Driver &d) {
    if (handle && !d.contexts.find(handle))
      return CUDA_ERROR_INVALID_CONTEXT;
    auto &stack = contextStack();
    if (!stack.empty())
      stack.pop_back();
    if (handle)
      stack.push_back(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext *handle) {
  return initialised("cuCtxGetCurrent", [&](Driver &) {
    if (!handle)
      return CUDA_ERROR_INVALID_VALUE;
    *handle = contextStack().empty() ? nullptr : contextStack().back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetDevice(CUdevice *device) {
  return initialised("cuCtxGetDevice", [&](Driver &d) {
    Context *context = contextStack().empty() ? nullptr : d.contexts.find(contextStack().back());
    if (!device || !context)
      return device ? CUDA_ERROR_INVALID_CONTEXT : CUDA_ERROR_INVALID_VALUE;
    *device = static_cast<CUdevice>(context->gpu->ordinal);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetFlags(unsigned *flags) {
  return inContext("cuCtxGetFlags", [&](Driver &, Context &context) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = context.flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
  return initialised("cuCtxGetApiVersion", [&](Driver &d) {
    if (!version || (handle && !d.contexts.find(handle)))
      return version ? CUDA_ERROR_INVALID_CONTEXT : CUDA_ERROR_INVALID_VALUE;
    *version = 3020;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return inContext("cuCtxSynchronize", [&](Driver &d, Context &context) {
    for (Stream *stream : streamsOf(d, context))
      if (stream->capture)
        return invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    if (CUresult refused = refuseInCapture(d, context))
      return refused;
    CUresult result = runAll(d, context);
    trimPools(d, *context.gpu);
    return result;
  });
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  return inContext("cuCtxGetStreamPriorityRange", [&](Driver &, Context &) {
    if (least)
      *least = 0;
    if (greatest)
      *greatest = -5;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned) {
  return inContext("cuCtxEnablePeerAccess", [&](Driver &d, Context &) {
    return d.contexts.find(peer) ? CUDA_ERROR_PEER_ACCESS_UNSUPPORTED : CUDA_ERROR_INVALID_CONTEXT;
  });
}

CUresult cuCtxDisablePeerAccess(CUcontext peer) {
  return inContext("cuCtxDisablePeerAccess", [&](Driver &d, Context &) {
    return d.contexts.find(peer) ? CUDA_ERROR_PEER_ACCESS_NOT_ENABLED : CUDA_ERROR_INVALID_CONTEXT;
  });
}
