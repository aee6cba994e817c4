//===- Streams.cpp - queues of work, and when it is executed -----------------------------------------------------===//

#include "Streams.h"

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

static std::vector<Stream *> streamsOf(Driver &d, Context &context) {
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
static void orderWithLegacy(Driver &d, Stream &stream) {
  if (!stream.blocking)
    return;
  Context &context = *stream.context;
  if (&stream != &context.legacy) {
    if (isPending(context.legacy))
      stream.queue.push_back(WaitWork{mark(context.legacy)});
    return;
  }
  for (Stream *other : streamsOf(d, context))
    if (other != &stream && other->blocking && isPending(*other))
      stream.queue.push_back(WaitWork{mark(*other)});
}

CUresult enqueue(Driver &d, Stream &stream, Work work) {
  orderWithLegacy(d, stream);
  stream.queue.push_back(std::move(work));
  while (stream.queue.size() > maxQueued)
    runOne(d, stream);
  return health(stream.context);
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

CUresult refuseInCapture(Driver &, Context &) { return CUDA_SUCCESS; }

} // namespace nncc::emu::driver
