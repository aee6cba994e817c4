//===- Streams.h - queues of work, and when it is executed -------------------------------------------------------===//
///
/// \file
/// Work is executed as late as a program may rely on: when something waits for it, when it is asked after (an item each time), or when the
/// queue is full. Streams that nobody waits for stay behind. A program that forgets to wait for a stream or an event reads what was there before.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCEMU_DRIVER_STREAMS_H
#define NNCCEMU_DRIVER_STREAMS_H

#include "Driver.h"

namespace nncc::emu::driver {

/// The stream that a handle names in this context: one that was created, the legacy one (0 or 1) or this thread's (2). Null: none.
Stream *resolve(Driver &d, Context &context, CUstream handle);

/// Puts work behind what the stream holds, or into the graph that it is being captured into.
CUresult enqueue(Driver &d, Stream &stream, Work work);
/// A mark behind everything that the stream holds.
MarkRef mark(Stream &stream);

/// Executes what the stream holds, up to `until` where that is given. Returns the context's health.
CUresult run(Driver &d, Stream &stream, const Mark *until = nullptr);
/// All streams of a context, the legacy one first.
std::vector<Stream *> streamsOf(Driver &d, Context &context);

/// Executes one item, and what it waits for.
void runOne(Driver &d, Stream &stream);
/// Executes everything in a context.
CUresult runAll(Driver &d, Context &context);
/// True where something is queued or being executed.
bool isPending(const Stream &stream);

/// Stops everything in the context: its error is sticky. Tells why.
void fail(Driver &d, Context &context, CUresult code, const std::string &why);

/// What keeps a call that allocates, frees or waits from running while a stream is captured; CUDA_SUCCESS otherwise. The capture is lost.
CUresult refuseInCapture(Driver &d, Context &context);
/// Forgets what a stream that goes away was captured into.
void dropCapture(Driver &d, Stream &stream);

/// Executes, soon, what holds a call of a function that the application may be waiting for without another call.
void startWorker(Driver &d);

/// A number for what a copy reads from the host.
size_t sumOf(const CopyWork &work);

/// Does an item's work: Execute.cpp.
void execute(Driver &d, Context &context, const Work &work);

} // namespace nncc::emu::driver

#endif
