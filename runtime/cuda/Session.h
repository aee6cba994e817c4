//===- Session.h - what a context has on a GPU --------------------------------------------------------*- C++ -*-===//
///
/// \file
/// Streams, fault words, staging and graphs. Device memory is allocated and freed in the order of the stream that the context works on.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_CUDA_SESSION_H
#define NNCCRT_CUDA_SESSION_H

#include "Copies.h"
#include "Gpu.h"
#include "Graphs.h"
#include "Profile.h"
#include "Run.h"

namespace nncc::rt::cuda {

/// How the services of a schedule do their work.
enum class Mode {
  Dry,    ///< launches nothing: finds out what a run takes, and whether it is the same every time
  Enqueue ///< puts everything on the current stream
};

struct Session {
  Session(nnccrt_context &context, Device &device) : context(context), device(device), driver(device.driver) {}
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
  ~Session();

  bool initialize(Report &report);
  /// Waits for everything; gives up the graphs and the workspace.
  void reset();
  /// Gives the system what is free.
  void trim();

  /// The whole of a run.
  bool run(void *const *stream, Report &report);
  bool prepare(Report &report);
  bool synchronize(Report &report);
  bool readOutput(uint32_t index, Report &report);

  /// Runs the schedule.
  bool runSchedule(Mode mode, Report &report);
  /// Waits for the current stream.
  bool wait(Report &report, const char *what);
  /// Room for the working memory of kernels. What was captured with another address is forgotten.
  bool reserveWorkspace(uint64_t bytes, Report &report);
  /// The device's memory, outside of a run as our own stream comes to it.
  DevicePtr allocate(uint64_t bytes);
  void free(DevicePtr data);
  /// Enqueues the copy of an output to page-locked memory.
  bool fetchOutput(uint32_t index, StreamHandle stream, Report &report);
  /// That memory. What was captured with another address is forgotten.
  bool reserveForOutput(uint32_t index, Report &report);
  /// An output that the context gives away, on the device.
  void *takeOutput(uint32_t index, bool &isCopied, Report &report);

  const nnccrt_model &model() const { return context.model(); }

  nnccrt_context &context;
  Device &device;
  const Driver &driver;

  StreamHandle current = nullptr; ///< what is enqueued goes here
  bool isCapturing = false;       ///< `current` is, by the caller or by us
  bool isBlocking = false;        ///< NNCC_CUDA_BLOCKING: each launch is waited for, so that an error names its kernel
  Mode mode = Mode::Enqueue;
  bool isWaited = false;       ///< the run comes back when its results are there
  bool isRepeatable = true;    ///< the schedule does the same in every run with the same symbols and addresses
  uint64_t workspaceBytes = 0; ///< the most that a kernel wanted
  Buffer workspace;
  void *scratch = nullptr; ///< for kernels of the host
  DevicePtr faults = 0;    ///< an nnccrt_fault for each kernel
  Memory heap, extra;      ///< of the host; of the device, also where the caller gave a workspace: for kernels
  Stack hostStack{heap};

  /// What exec.mark remembers: both stacks.
  struct Marks {
    int64_t device, host;
  };
  Array<Marks> marks;
  Profile profile;
  Copies copies{*this};

private:
  bool checkStream(StreamHandle stream, Report &report);
  bool begin(void *const *stream, Report &report);
  bool runPrepared(void *const *stream, Report &report);
  void leave();
  bool execute(Report &report);
  bool runGraph(Graph &graph, Report &report);
  bool giveHostOutputs(Report &report);
  bool end(Report &report);
  bool checkFaults(Report &report);
  bool hasHostInput() const;
  bool hasHostOutput() const;
  bool dryRun(Report &report);

  StreamHandle own = nullptr;  ///< for runs without a stream
  EventHandle done = nullptr;  ///< behind the last run
  EventHandle ready = nullptr; ///< behind what our own stream allocated
  StreamHandle last = nullptr; ///< where `done` was recorded
  bool isRecorded = false, isPending = false;
  bool isInRun = false, hasOwnWork = false; ///< our own stream allocated what the next run's may not know of
  nnccrt_fault *hostFaults = nullptr;       ///< pinned
  GraphCache graphs;
};

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_SESSION_H
