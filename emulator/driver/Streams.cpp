//===- Streams.cpp - queues of work, and when it is executed -----------------------------------------------------===//

#include "Streams.h"
#include "Graphs.h"
#include <algorithm>

namespace nncc::emu::driver {

/// As many launches as a channel of the hardware takes before a launch blocks.
static constexpr size_t maxQueued = 1024;

Stream *resolve(Driver &d, Context &context, CUstream handle) {
  auto number = reinterpret_cast<uintptr_t>(handle);
  if (number == 0 && defaultIsPerThread())
    number = streamPerThread;
  if (number == 0 || number == streamLegacy)
    return &context.legacy;
  if (number == streamPerThread) {
    auto &stream = context.perThread[std::this_thread::get_id()];
    if (!stream) {
      stream = std::make_unique<Stream>();
      stream->context = &context;
    }
    return stream.get();
  }
  Stream *stream = d.streams.find(handle);
  return stream && stream->context == &context ? stream : nullptr;
}

std::vector<Stream *> streamsOf(Driver &d, Context &context) {
  std::vector<Stream *> streams{&context.legacy};
  for (auto &[thread, stream] : context.perThread)
    streams.push_back(stream.get());
  for (Stream *stream : d.streams.all())
    if (stream->context == &context)
      streams.push_back(stream);
  return streams;
}

bool isPending(const Stream &stream) { return stream.busy || !stream.queue.empty(); }

MarkRef mark(Stream &stream) {
  auto made = std::make_shared<Mark>();
  made->stream = &stream;
  stream.queue.push_back(RecordWork{made});
  return made;
}

/// The legacy stream and the blocking ones come one behind the other.
static CUresult orderWithLegacy(Driver &d, Stream &stream) {
  if (!stream.blocking)
    return CUDA_SUCCESS;
  Context &context = *stream.context;
  if (&stream != &context.legacy) {
    if (isPending(context.legacy))
      stream.queue.push_back(WaitWork{mark(context.legacy)});
    return CUDA_SUCCESS;
  }
  for (Stream *other : streamsOf(d, context)) {
    if (other == &stream || !other->blocking)
      continue;
    if (other->capture)
      return invalidate(*other->capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    if (isPending(*other))
      stream.queue.push_back(WaitWork{mark(*other)});
  }
  return CUDA_SUCCESS;
}

CUresult enqueue(Driver &d, Stream &stream, Work work) {
  if (stream.capture)
    return captureWork(d, stream, std::move(work));
  if (CUresult refused = orderWithLegacy(d, stream))
    return refused;
  bool calls = std::holds_alternative<HostWork>(work) || std::holds_alternative<CallbackWork>(work) ||
               std::holds_alternative<GraphWork>(work);
  if (calls)
    startWorker(d);
  stream.queue.push_back(std::move(work));
  while (stream.queue.size() > maxQueued)
    runOne(d, stream);
  return health(stream.context);
}

/// Whether a function of the application is to be called, now or by what a graph holds.
static bool holdsCall(const Stream &stream) {
  auto isCall = [](const Work &work) {
    return std::holds_alternative<HostWork>(work) || std::holds_alternative<CallbackWork>(work);
  };
  for (const Work &work : stream.queue) {
    auto *graph = std::get_if<GraphWork>(&work);
    if (isCall(work) || (graph && std::any_of(graph->plan->steps.begin(), graph->plan->steps.end(), isCall)))
      return true;
  }
  return false;
}

/// Waits until no other thread is inside the stream's first item.
static void waitUntilFree(Driver &d, Stream &stream) {
  while (stream.busy)
    d.changed.wait(d.mutex);
}

void runOne(Driver &d, Stream &stream) {
  waitUntilFree(d, stream);
  if (stream.queue.empty())
    return;
  Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  stream.busy = true;
  if (auto *wait = std::get_if<WaitWork>(&work)) {
    if (!wait->mark->done)
      run(d, *wait->mark->stream, wait->mark.get());
  } else {
    execute(d, *stream.context, work);
  }
  stream.busy = false;
  d.changed.notify_all();
}

CUresult run(Driver &d, Stream &stream, const Mark *until) {
  while (isPending(stream) && !(until && until->done))
    runOne(d, stream);
  return health(stream.context);
}

CUresult runAll(Driver &d, Context &context) {
  // The newest first: who relies on the order in which streams were made shall see it.
  std::vector<Stream *> streams = streamsOf(d, context);
  for (size_t k = streams.size(); k-- > 0;)
    run(d, *streams[k]);
  return health(&context);
}

void fail(Driver &d, Context &context, CUresult code, const std::string &why) {
  if (context.error == CUDA_SUCCESS)
    context.error = code;
  d.report->tell(std::string(context.gpu->machine.card().name) + ": " + why);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The worker
//===----------------------------------------------------------------------------------------------------------------------===//

/// Only in contexts that hold a call of a function: elsewhere who does not wait shall see that.
static bool workStep(Driver &d) {
  for (Context *context : d.contexts.all())
    for (Stream *stream : streamsOf(d, *context)) {
      if (stream->busy || !holdsCall(*stream))
        continue;
      ++context->users;
      runOne(d, *stream);
      --context->users;
      d.changed.notify_all();
      return true;
    }
  return false;
}

void startWorker(Driver &d) {
  static bool started = false;
  if (started)
    return;
  started = true;
  std::thread([&d] {
    for (;;) {
      // Long enough for a program that goes on enqueuing or waits by a call to come first.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      std::lock_guard lock(d.mutex);
      while (workStep(d)) {
      }
    }
  }).detach();
}

} // namespace nncc::emu::driver
