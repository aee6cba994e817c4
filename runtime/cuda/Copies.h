//===- Copies.h - tensors of the host, beside the kernels of a run ------------------------------------*- C++ -*-===//
///
/// \file
/// What a run copies between the host and the device, and in which order. An input goes to the device when the first step that has its address
/// is enqueued: on the stream of the run where nothing is enqueued before, else on a stream of its own, beside what is. An output comes back behind the
/// last step that has its address, which a dry run finds, on another stream; behind the last step of all, on the stream of the run. Without
/// tensors of the host none of these streams is used.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#ifndef NNCCRT_CUDA_COPIES_H
#define NNCCRT_CUDA_COPIES_H

#include "Driver.h"
#include "Heap.h"

namespace nncc::rt::cuda {

struct Session;

class Copies {
public:
  explicit Copies(Session &session) : session(session) {}

  bool initialize(Report &report);
  void clear();

  /// A run, when the context is prepared for it.
  bool begin(Report &report);
  /// Enqueues all inputs that are not yet, on the stream of the run.
  bool bringAll(Report &report);
  /// The bytes of an input are in page-locked memory behind this.
  bool stage(uint32_t input, Report &report);
  /// The host need not keep the inputs any longer behind this.
  bool waitForInputs(Report &report);
  /// Enqueues the copies of all outputs that are not yet.
  bool fetchAll(Report &report);
  /// After a run that ended early.
  void settle();

  /// A run of the schedule: dry, or on the current stream.
  void beginSchedule();
  bool endSchedule(Report &report);
  /// Around each step of it that has addresses of the device. The addresses may be other numbers as well.
  bool beforeStep(const uint64_t *addresses, uint32_t count, Report &report);
  bool afterStep(Report &report);

  /// Around a capture, which a dry run precedes. Enqueues what the first step needs.
  bool beginCapture(Report &report);
  void endCapture(bool isCaptured);
  /// What the captured graph copies: kept with it, and given before it is launched again.
  const Array<uint8_t> &captured() const { return inGraph; }
  bool beginReplay(const Array<uint8_t> &copiedInGraph, Report &report);

  bool hasInputs() const { return numInputs != 0; }

private:
  enum class State : uint8_t { OnDevice, OnHost, Staged, Enqueued };
  /// Where a graph has a copy.
  enum : uint8_t { kNowhere = 0, kOutside = 1, kInside = 2 };

  bool isAwaited(uint32_t input) const { return states[input] == State::OnHost || states[input] == State::Staged; }
  bool reserve(uint32_t input, Report &report);
  bool bring(uint32_t input, Report &report);
  bool send(uint32_t input, StreamHandle stream, Report &report);
  bool copyUp(uint32_t input, uint64_t offset, uint64_t bytes, StreamHandle stream, Report &report);
  bool fetch(uint32_t output, Report &report);
  bool fail(Result result, Report &report) const;
  void noteUses(const uint64_t *addresses, uint32_t count);

  Session &session;
  StreamHandle uploads = nullptr, downloads = nullptr;
  EventHandle begun = nullptr;    ///< before the first step
  EventHandle arrived = nullptr;  ///< behind an input on `uploads`
  EventHandle produced = nullptr; ///< behind the last step of an output
  EventHandle gone = nullptr;     ///< behind what is on `downloads`
  EventHandle sent = nullptr;     ///< behind inputs on the stream of a run that is not waited for
  Array<State> states;            ///< of inputs
  Array<uint8_t> isFirst;         ///< inputs that the first step has
  Array<uint32_t> lastSteps;      ///< of outputs, from 1; 0: none is known
  Array<uint8_t> isFetched;       ///< outputs
  Array<uint8_t> inGraph;         ///< inputs, then outputs
  uint32_t numInputs = 0;         ///< that this run copies
  uint32_t numAwaited = 0;        ///< of them: not enqueued yet
  uint32_t numOutputs = 0;        ///< that this run copies
  uint32_t step = 0;
  bool usesUploads = false, usesDownloads = false, usesRun = false; ///< streams, in this run
};

} // namespace nncc::rt::cuda

#endif // NNCCRT_CUDA_COPIES_H
