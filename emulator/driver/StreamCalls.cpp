//===- StreamCalls.cpp - streams and events ----------------------------------------------------------------------===//

#include "Api.h"
#include "Graphs.h"
#include "Streams.h"
#include <algorithm>

using namespace nncc::emu;
using namespace nncc::emu::driver;

/// A call about a stream of the current context.
template <class F> static CUresult withStream(std::string_view name, CUstream handle, F body) {
  return inContext(name, [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    return stream ? body(d, context, *stream) : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuStreamCreateWithPriority(CUstream *out, unsigned flags, int priority) {
  return inContext("cuStreamCreate", [&](Driver &d, Context &context) {
    if (!out || flags > 1)
      return CUDA_ERROR_INVALID_VALUE;
    Stream *stream = d.streams.add(std::make_unique<Stream>());
    stream->context = &context, stream->blocking = flags == 0;
    stream->priority = std::clamp(priority, -5, 0);
    *out = stream->handle;
    return CUDA_SUCCESS;
  });
}
CUresult cuStreamCreate(CUstream *out, unsigned flags) { return cuStreamCreateWithPriority(out, flags, 0); }

CUresult cuStreamDestroy_v2(CUstream handle) {
  return inContext("cuStreamDestroy", [&](Driver &d, Context &context) {
    Stream *stream = d.streams.find(handle);
    if (!stream || stream->context != &context)
      return CUDA_ERROR_INVALID_HANDLE;
    dropCapture(d, *stream);
    run(d, *stream);
    d.streams.remove(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamSynchronize(CUstream handle) {
  return withStream("cuStreamSynchronize", handle, [&](Driver &d, Context &context, Stream &stream) {
    if (stream.capture)
      return invalidate(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    CUresult result = run(d, stream);
    trimPools(d, *context.gpu);
    return result;
  });
}

CUresult cuStreamQuery(CUstream handle) {
  return withStream("cuStreamQuery", handle, [&](Driver &d, Context &context, Stream &stream) {
    if (stream.capture)
      return invalidate(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    bool pending = isPending(stream);
    if (pending && !stream.busy)
      runOne(d, stream); // Who asks often enough shall see the end.
    CUresult result = health(&context);
    return result == CUDA_SUCCESS && pending ? CUDA_ERROR_NOT_READY : result;
  });
}

CUresult cuStreamGetPriority(CUstream handle, int *priority) {
  return withStream("cuStreamGetPriority", handle, [&](Driver &, Context &, Stream &stream) {
    if (!priority)
      return CUDA_ERROR_INVALID_VALUE;
    *priority = stream.priority;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
  return withStream("cuStreamGetFlags", handle, [&](Driver &, Context &, Stream &stream) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = stream.blocking ? 0 : 1;
    return CUDA_SUCCESS;
  });
}

/// A stream knows its context also where another one is current.
CUresult cuStreamGetCtx(CUstream handle, CUcontext *out) {
  return inContext("cuStreamGetCtx", [&](Driver &d, Context &context) {
    Stream *stream = d.streams.find(handle);
    if (!stream)
      stream = resolve(d, context, handle);
    if (!out || !stream)
      return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *out = stream->context->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void *data) {
  return withStream("cuLaunchHostFunc", handle, [&](Driver &d, Context &, Stream &stream) {
    return function ? enqueue(d, stream, HostWork{function, data}) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback function, void *data, unsigned flags) {
  return withStream("cuStreamAddCallback", handle, [&](Driver &d, Context &, Stream &stream) {
    if (!function || flags)
      return CUDA_ERROR_INVALID_VALUE;
    if (stream.capture)
      return invalidate(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    return enqueue(d, stream, CallbackWork{function, handle, data});
  });
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------------------------------------------------------===//

CUresult cuEventCreate(CUevent *out, unsigned flags) {
  enum : unsigned { BlockingSync = 1, DisableTiming = 2, Interprocess = 4 };
  return inContext("cuEventCreate", [&](Driver &d, Context &context) {
    if (!out || flags > 7)
      return CUDA_ERROR_INVALID_VALUE;
    if (flags & Interprocess)
      return CUDA_ERROR_NOT_SUPPORTED;
    Event *event = d.events.add(std::make_unique<Event>());
    event->context = &context, event->timing = !(flags & DisableTiming);
    *out = event->handle;
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent handle) {
  return inContext("cuEventDestroy", [&](Driver &d, Context &) {
    if (!d.events.find(handle))
      return CUDA_ERROR_INVALID_HANDLE;
    d.events.remove(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuEventRecordWithFlags(CUevent handle, CUstream streamHandle, unsigned flags) {
  return withStream("cuEventRecord", streamHandle, [&](Driver &d, Context &context, Stream &stream) {
    Event *event = d.events.find(handle);
    if (!event || event->context != &context || flags > 1)
      return event ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (stream.capture && flags) // A node, for those who wait outside of the graph.
      return enqueue(d, stream, EventNode{handle, true});
    event->capture = stream.capture ? stream.capture->id : 0;
    event->tips = stream.tips;
    if (stream.capture) {
      event->mark = nullptr;
      return stream.capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    }
    event->mark = std::make_shared<Mark>();
    event->mark->stream = &stream;
    return enqueue(d, stream, RecordWork{event->mark});
  });
}
CUresult cuEventRecord(CUevent event, CUstream stream) { return cuEventRecordWithFlags(event, stream, 0); }

CUresult cuStreamWaitEvent(CUstream streamHandle, CUevent handle, unsigned flags) {
  return withStream("cuStreamWaitEvent", streamHandle, [&](Driver &d, Context &, Stream &stream) {
    Event *event = d.events.find(handle);
    if (!event || flags > 1)
      return event ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (stream.capture && flags)
      return enqueue(d, stream, EventNode{handle, false});
    return captureWait(d, stream, *event); // An event that was never recorded is complete.
  });
}

/// Waiting for an event, and asking after it, are not for captured events and not for threads that capture.
static CUresult refuse(Driver &d, Context &context, const Event &event) {
  if (Capture *capture = event.capture ? captureOf(d, event.capture) : nullptr)
    return invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return event.capture ? CUDA_ERROR_CAPTURED_EVENT : refuseInCapture(d, context);
}

CUresult cuEventSynchronize(CUevent handle) {
  return inContext("cuEventSynchronize", [&](Driver &d, Context &context) {
    Event *event = d.events.find(handle);
    if (!event)
      return CUDA_ERROR_INVALID_HANDLE;
    if (CUresult refused = refuse(d, context, *event))
      return refused;
    MarkRef mark = event->mark;
    if (mark && !mark->done)
      run(d, *mark->stream, mark.get());
    return health(&context);
  });
}

CUresult cuEventQuery(CUevent handle) {
  return inContext("cuEventQuery", [&](Driver &d, Context &context) {
    Event *event = d.events.find(handle);
    if (!event)
      return CUDA_ERROR_INVALID_HANDLE;
    if (CUresult refused = refuse(d, context, *event))
      return refused;
    MarkRef mark = event->mark;
    bool pending = mark && !mark->done;
    if (pending && !mark->stream->busy)
      runOne(d, *mark->stream);
    CUresult result = health(&context);
    return result == CUDA_SUCCESS && pending ? CUDA_ERROR_NOT_READY : result;
  });
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
  return inContext("cuEventElapsedTime", [&](Driver &d, Context &) {
    Event *first = d.events.find(from), *last = d.events.find(to);
    if (!milliseconds || !first || !last)
      return milliseconds ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE;
    if (!first->timing || !last->timing || !first->mark || !last->mark)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!first->mark->done || !last->mark->done)
      return CUDA_ERROR_NOT_READY;
    *milliseconds = std::chrono::duration<float, std::milli>(last->mark->at - first->mark->at).count();
    return CUDA_SUCCESS;
  });
}
