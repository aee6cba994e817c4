//===- Captures.cpp - streams whose work becomes a graph ----------------------------------------------------------===//

#include "Api.h"
#include "Graphs.h"
#include "Streams.h"
#include <algorithm>
#include <set>

using namespace nncc::emu;
using namespace nncc::emu::driver;

namespace nncc::emu::driver {

/// How strict the thread wants to be with calls that are unsafe during a capture.
static int &threadMode() {
  static thread_local int mode = CAPTURE_GLOBAL;
  return mode;
}

CUresult invalidate(Capture &capture, CUresult why) {
  capture.invalid = true;
  return why;
}

Capture *captureOf(Driver &d, uint64_t id) {
  for (auto &capture : d.captures)
    if (capture->id == id)
      return capture.get();
  return nullptr;
}

/// As cuThreadExchangeStreamCaptureMode describes it.
CUresult refuseInCapture(Driver &d, Context &) {
  CUresult result = CUDA_SUCCESS;
  if (threadMode() == CAPTURE_RELAXED)
    return result;
  for (auto &capture : d.captures) {
    bool ours = capture->thread == std::this_thread::get_id() && capture->mode != CAPTURE_RELAXED;
    bool others = threadMode() == CAPTURE_GLOBAL && capture->mode == CAPTURE_GLOBAL;
    if (ours || others)
      result = invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  return result;
}

CUresult captureWork(Driver &d, Stream &stream, Work work) {
  Capture &capture = *stream.capture;
  if (capture.invalid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  stream.tips = {addNode(d, *capture.graph, std::move(work), stream.tips)};
  return CUDA_SUCCESS;
}

CUresult captureWait(Driver &d, Stream &stream, Event &event) {
  Capture *capture = event.capture ? captureOf(d, event.capture) : nullptr;
  if (!capture) {
    if (event.capture) // Recorded in a capture that has ended.
      return stream.capture ? invalidate(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION)
                            : CUDA_ERROR_CAPTURED_EVENT;
    if (!stream.capture)
      return event.mark && !event.mark->done ? enqueue(d, stream, WaitWork{event.mark}) : CUDA_SUCCESS;
    return event.mark ? invalidate(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION) : CUDA_SUCCESS;
  }
  if (stream.capture && stream.capture != capture) {
    invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
    return invalidate(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
  }
  if (capture->invalid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (&stream == &stream.context->legacy)
    return invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  stream.capture = capture;
  for (CUgraphNode tip : event.tips)
    if (std::find(stream.tips.begin(), stream.tips.end(), tip) == stream.tips.end())
      stream.tips.push_back(tip);
  return CUDA_SUCCESS;
}

/// Whether all that `tips` name comes before `last`, or is among it.
static bool joined(const Graph &graph, const std::vector<CUgraphNode> &last, const std::vector<CUgraphNode> &tips) {
  std::set<CUgraphNode> before;
  std::vector<CUgraphNode> open = last;
  while (!open.empty()) {
    CUgraphNode node = open.back();
    open.pop_back();
    if (before.insert(node).second)
      for (CUgraphNode earlier : graph.nodes.at(node).behind)
        open.push_back(earlier);
  }
  return std::all_of(tips.begin(), tips.end(), [&](CUgraphNode tip) { return before.contains(tip); });
}

/// Ends the capture for all of its streams. The graph, or the reason why there is none.
static CUresult endCapture(Driver &d, Capture &capture, CUgraph *out) {
  CUresult result = capture.invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
  std::vector<CUgraphNode> last = capture.origin->tips;
  for (Stream *stream : streamsOf(d, *capture.origin->context)) {
    if (stream->capture != &capture)
      continue;
    if (result == CUDA_SUCCESS && !joined(*capture.graph, last, stream->tips))
      result = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    stream->capture = nullptr;
    stream->tips.clear();
  }
  *out = result == CUDA_SUCCESS ? capture.graph->handle : nullptr;
  if (result != CUDA_SUCCESS)
    destroyGraph(d, *capture.graph);
  std::erase_if(d.captures, [&](auto &entry) { return entry.get() == &capture; });
  return result;
}

void dropCapture(Driver &d, Stream &stream) {
  if (!stream.capture)
    return;
  CUgraph graph = nullptr;
  if (endCapture(d, *stream.capture, &graph) == CUDA_SUCCESS)
    destroyGraph(d, *d.graphs.find(graph));
}

} // namespace nncc::emu::driver

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  return inContext("cuStreamBeginCapture", [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    if (!stream || mode < CAPTURE_GLOBAL || mode > CAPTURE_RELAXED)
      return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (stream == &context.legacy)
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (stream->capture)
      return invalidate(*stream->capture, CUDA_ERROR_ILLEGAL_STATE);
    auto capture = std::make_unique<Capture>();
    capture->id = freshHandle(), capture->graph = d.graphs.add(std::make_unique<Graph>());
    capture->origin = stream, capture->mode = mode, capture->thread = std::this_thread::get_id();
    stream->capture = capture.get();
    d.captures.push_back(std::move(capture));
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
  return inContext("cuStreamEndCapture", [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    if (!stream || !graph)
      return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *graph = nullptr;
    Capture *capture = stream->capture;
    if (!capture)
      return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->origin != stream)
      return invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    if (capture->mode != CAPTURE_RELAXED && capture->thread != std::this_thread::get_id())
      return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    return endCapture(d, *capture, graph);
  });
}

static CUstreamCaptureStatus statusOf(const Stream &stream) {
  return !stream.capture ? CAPTURE_NONE : stream.capture->invalid ? CAPTURE_INVALIDATED : CAPTURE_ACTIVE;
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
  return inContext("cuStreamIsCapturing", [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    if (!stream || !status)
      return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *status = statusOf(*stream);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetCaptureInfo_v2(CUstream handle, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph,
                                   const CUgraphNode **tips, size_t *count) {
  return inContext("cuStreamGetCaptureInfo", [&](Driver &d, Context &context) {
    Stream *stream = resolve(d, context, handle);
    if (!stream || !status)
      return stream ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    *status = statusOf(*stream);
    if (*status != CAPTURE_ACTIVE)
      return CUDA_SUCCESS;
    if (id)
      *id = stream->capture->id;
    if (graph)
      *graph = stream->capture->graph->handle;
    if (tips)
      *tips = stream->tips.data();
    if (count)
      *count = stream->tips.size();
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus *status, uint64_t *id) {
  return cuStreamGetCaptureInfo_v2(stream, status, id, nullptr, nullptr, nullptr);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  return initialised("cuThreadExchangeStreamCaptureMode", [&](Driver &) {
    if (!mode || *mode < CAPTURE_GLOBAL || *mode > CAPTURE_RELAXED)
      return CUDA_ERROR_INVALID_VALUE;
    int before = threadMode();
    threadMode() = *mode;
    *mode = static_cast<CUstreamCaptureMode>(before);
    return CUDA_SUCCESS;
  });
}
