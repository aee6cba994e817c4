//===- Session.cpp - what a context has on a GPU ----------------------------------------------------------------===//

#include "Session.h"
#include "os.h"
#include <cstdlib>
#include <cstring>

namespace nncc::rt::cuda {

static Session &sessionOf(void *owner) { return *static_cast<Session *>(owner); }

//===----------------------------------------------------------------------------------------------------------------------===//
// Where a context's memory comes from
//===----------------------------------------------------------------------------------------------------------------------===//

static void *allocateDevice(void *owner, uint64_t bytes) {
  Session &session = sessionOf(owner);
  if (session.isCapturing)
    return nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address is the device's
  return reinterpret_cast<void *>(session.allocate(bytes));
}

static void releaseDevice(void *owner, void *data) {
  Session &session = sessionOf(owner);
  if (data)
    session.free(reinterpret_cast<DevicePtr>(data));
}

static bool failDevice(void *owner, uint64_t bytes, Report &report) {
  const Session &session = sessionOf(owner);
  if (session.isCapturing)
    return report.fail(
        NNCCRT_INVALID,
        "the stream is being captured, and the context has no memory for the run yet: nnccrt_prepare first");
  return session.device.failAllocation(bytes, report);
}

static void *allocatePinned(void *owner, uint64_t bytes) {
  Session &session = sessionOf(owner);
  Current current(session.device);
  void *data = nullptr;
  return session.driver.allocatePinned(&data, bytes, 0) ? nullptr : data;
}

static void releasePinned(void *owner, void *data) {
  Session &session = sessionOf(owner);
  if (!data)
    return;
  Current current(session.device);
  session.driver.freePinned(data);
}

static bool failPinned(void *, uint64_t bytes, Report &report) {
  return report.failNeeding(NNCCRT_NO_MEMORY, bytes, "the CUDA driver has no page-locked memory for %llu bytes",
                            static_cast<unsigned long long>(bytes));
}

DevicePtr Session::allocate(uint64_t bytes) {
  Current onDevice(device);
  hasOwnWork |= !isInRun;
  return device.allocate(bytes, isInRun ? current : own);
}

/// A run that goes on elsewhere may still use it.
void Session::free(DevicePtr data) {
  Current onDevice(device);
  if (!isInRun && isRecorded && last != own)
    driver.streamWaits(own, done, 0);
  device.free(data, isInRun ? current : own);
}

bool Session::reserveWorkspace(uint64_t bytes, Report &report) {
  const char *before = workspace.data;
  uint64_t had = workspace.capacity;
  bool isReserved = extra.reserve(workspace, bytes, report);
  if (workspace.data != before)
    graphs.forgetCaptures(driver);
  if (!isReserved || (workspace.data == before && workspace.capacity == had))
    return isReserved;
  DevicePtr counters = reinterpret_cast<DevicePtr>(workspace.data);
  Result result = driver.fill(counters, 0, NNCCRT_CUDA_COUNTER_BYTES, isInRun ? current : own);
  return !result || device.fail(result, report, "clearing the counters of kernels on %s", device.text);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Life
//===----------------------------------------------------------------------------------------------------------------------===//

bool Session::initialize(Report &report) {
  context.memory.use({allocateDevice, releaseDevice, failDevice, this});
  context.staging.use({allocatePinned, releasePinned, failPinned, this});
  extra.use({allocateDevice, releaseDevice, failDevice, this});
  const char *blocking = std::getenv("NNCC_CUDA_BLOCKING");
  isBlocking = blocking && std::strcmp(blocking, "0") != 0;
  if (!device.isUsable(report) || !device.load(context.program.weights, report))
    return false;
  Current onDevice(device);
  Result result = driver.createStream(&own, kNonBlocking);
  result = result ? result : driver.createEvent(&done, kPlainEvent);
  result = result ? result : driver.createEvent(&ready, kPlainEvent);
  if (result)
    return device.fail(result, report, "creating a stream on %s", device.text);
  if (!copies.initialize(report))
    return false;
  current = own;
  uint64_t faultBytes = model().num_kernels * sizeof(nnccrt_fault);
  faults = device.allocate(faultBytes, own);
  if (!faults)
    return device.failAllocation(faultBytes, report);
  if (Result failed = driver.fill(faults, 0, faultBytes, own); failed && faultBytes)
    return device.fail(failed, report, "clearing the faults of kernels on %s", device.text);
  void *pinned = nullptr;
  if (driver.allocatePinned(&pinned, faultBytes ? faultBytes : 1, 0))
    return failPinned(this, faultBytes, report);
  hostFaults = static_cast<nnccrt_fault *>(pinned);
  uint64_t scratchBytes = static_cast<uint64_t>(model().scratch_bytes);
  scratch = scratchBytes ? os::allocate(scratchBytes) : nullptr;
  if (scratchBytes && !scratch)
    return report.failNoMemory(scratchBytes);
  return wait(report, "starting");
}

Session::~Session() {
  Current onDevice(device);
  reset();
  profile.clear(driver);
  os::free(scratch);
  device.free(faults, own);
  if (hostFaults)
    driver.freePinned(hostFaults);
  copies.clear();
  if (ready)
    driver.destroyEvent(ready);
  if (done)
    driver.destroyEvent(done);
  if (own) {
    driver.waitForStream(own);
    driver.destroyStream(own);
  }
}

void Session::reset() {
  Current onDevice(device);
  if (isRecorded)
    driver.waitForEvent(done);
  current = own;
  graphs.clear(driver);
  extra.release(workspace);
  workspaceBytes = 0;
  hostStack.clear();
}

/// What was freed on our stream is the pool's to give away when the stream has come there.
void Session::trim() {
  Current onDevice(device);
  driver.waitForStream(own);
  device.trim();
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Before and behind the schedule
//===----------------------------------------------------------------------------------------------------------------------===//

bool Session::wait(Report &report, const char *what) {
  Result result = driver.waitForStream(current);
  // What a kernel does wrong comes out here, behind all that was launched.
  return !result || device.fail(result, report, "%s in model '%.128s' on %s%s", what, model().name, device.text,
                                isSticky(result) && !isBlocking ? " (NNCC_CUDA_BLOCKING=1 tells the kernel)" : "");
}

bool Session::checkStream(StreamHandle stream, Report &report) {
  uintptr_t special = reinterpret_cast<uintptr_t>(stream); // the default streams belong to every context
  ContextHandle owner = nullptr;
  if (special <= 2 || !driver.streamContext)
    return true;
  if (Result result = driver.streamContext(stream, &owner))
    return device.fail(result, report, "asking the stream %p for its context", static_cast<void *>(stream));
  return owner == device.context ||
         report.fail(NNCCRT_MISMATCH, "the stream %p is not one of the primary context of %s",
                     static_cast<void *>(stream), device.text);
}

/// Makes `stream` (null: our own) the current one, behind the last run.
bool Session::begin(void *const *stream, Report &report) {
  StreamHandle wanted = stream ? static_cast<StreamHandle>(*stream) : own;
  int state = 0;
  if (!device.isUsable(report) || (stream && !checkStream(wanted, report)))
    return false;
  if (stream && driver.captureState)
    if (Result result = driver.captureState(wanted, &state))
      return device.fail(result, report, "asking whether the stream is being captured");
  isCapturing = state == static_cast<int>(kCaptureActive);
  current = wanted;
  Result result = kSuccess;
  if (isRecorded && last != wanted && !isCapturing)
    result = driver.streamWaits(wanted, done, 0);
  if (!result && hasOwnWork && wanted != own && !isCapturing) {
    result = driver.recordEvent(ready, own);
    result = result ? result : driver.streamWaits(wanted, ready, 0);
  }
  if (result)
    return device.fail(result, report, "waiting for the last run of model '%.128s'", model().name);
  hasOwnWork &= isCapturing;
  isInRun = true;
  for (Slot &slot : context.outputs)
    slot.ready = slot.onHost = false;
  return true;
}

bool Session::hasHostInput() const {
  for (const Slot &slot : context.inputs)
    if (slot.needsBuffer())
      return true;
  return false;
}

bool Session::hasHostOutput() const {
  for (const Slot &slot : context.outputs)
    if (slot.staged)
      return true;
  return false;
}

bool Session::end(Report &report) {
  if (isCapturing)
    return true;
  if (!copies.fetchAll(report))
    return false;
  if (Result result = driver.recordEvent(done, current))
    return device.fail(result, report, "recording an event behind the run");
  isRecorded = isPending = true;
  last = current;
  if (!isWaited)
    return copies.waitForInputs(report);
  return wait(report, "waiting for the kernels") && checkFaults(report) && giveHostOutputs(report);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The run
//===----------------------------------------------------------------------------------------------------------------------===//

/// Finds out how much working memory kernels take, so that no launch has to wait for it.
bool Session::dryRun(Report &report) {
  workspaceBytes = 0;
  return runSchedule(Mode::Dry, report) && (!workspaceBytes || isCapturing || reserveWorkspace(workspaceBytes, report));
}

/// The first run of its kind enqueues launch by launch, the second is captured, the others are one launch of the graph.
bool Session::runGraph(Graph &graph, Report &report) {
  // The caller may change his inputs before a graph that he does not wait for has come to them.
  if (!isWaited && !copies.bringAll(report))
    return false;
  if (graph.exec ? !graphs.beginReplay(*this, graph, report) : !dryRun(report) || !graphs.capture(*this, graph, report))
    return false;
  if (!graph.exec)
    return runSchedule(Mode::Enqueue, report);
  Result result = driver.launchGraph(graph.exec, current);
  return !result ||
         device.fail(result, report, "launching the graph of model '%.128s' on %s", model().name, device.text);
}

bool Session::execute(Report &report) {
  if (context.options.profiler && !isCapturing)
    return dryRun(report) && profile.start(driver, current, report) && runSchedule(Mode::Enqueue, report);
  Graph *graph = isCapturing || isBlocking || !driver.hasGraphs() ? nullptr : graphs.find(*this);
  if (!graph)
    return dryRun(report) && runSchedule(Mode::Enqueue, report);
  if (graph->hasRun && graph->isRepeatable)
    return runGraph(*graph, report);
  if (!graph->hasRun) {
    if (!dryRun(report))
      return false;
    graph->isRepeatable = isRepeatable;
  }
  if (!runSchedule(Mode::Enqueue, report))
    return false;
  if (graph->isRepeatable)
    graphs.keepOutputs(*this, *graph);
  graph->hasRun = true;
  return true;
}

bool Session::run(void *const *stream, Report &report) {
  Current onDevice(device);
  bool succeeded = begin(stream, report) && context.prepare(report) && runPrepared(stream, report);
  if (!succeeded)
    copies.settle();
  bool isProfiled = succeeded && context.options.profiler && !isCapturing;
  leave();
  if (isProfiled)
    profile.tell(driver, context);
  return succeeded;
}

bool Session::runPrepared(void *const *stream, Report &report) {
  if (isCapturing && (hasHostInput() || hasHostOutput()))
    return report.fail(NNCCRT_INVALID,
                       "the stream is being captured: inputs and outputs must be tensors of %s, bound before",
                       device.text);
  isWaited = !stream || hasHostOutput() || context.options.profiler;
  return copies.begin(report) && execute(report) && end(report);
}

void Session::leave() {
  isInRun = isCapturing = false;
  current = own;
}

bool Session::prepare(Report &report) {
  Current onDevice(device);
  bool succeeded = begin(nullptr, report) && context.prepare(report) && copies.begin(report) && dryRun(report) &&
                   wait(report, "preparing a run");
  leave();
  for (Slot &slot : context.outputs)
    slot.ready = false;
  return succeeded;
}

bool Session::synchronize(Report &report) {
  Current onDevice(device);
  if (!device.isUsable(report))
    return false;
  if (!isPending)
    return true;
  Result result = driver.waitForEvent(done);
  return result
             ? device.fail(result, report, "waiting for the kernels in model '%.128s' on %s", model().name, device.text)
             : checkFaults(report);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// For core
//===----------------------------------------------------------------------------------------------------------------------===//

bool createSession(nnccrt_context &context, Report &report) {
  Session *session = create<Session>(context, *context.program.device);
  if (!session)
    return report.failNoMemory(sizeof(Session));
  context.session = session;
  return session->initialize(report);
}

void destroySession(nnccrt_context &context) {
  destroy(context.session);
  context.session = nullptr;
}

void releaseSession(nnccrt_context &context) {
  if (context.session)
    context.session->reset();
}

bool run(nnccrt_context &context, void *const *stream, Report &report) { return context.session->run(stream, report); }
bool prepare(nnccrt_context &context, Report &report) { return context.session->prepare(report); }
bool synchronize(nnccrt_context &context, Report &report) { return context.session->synchronize(report); }
bool readOutput(nnccrt_context &context, uint32_t index, Report &report) {
  return context.session->readOutput(index, report);
}

void *takeOutput(nnccrt_context &context, uint32_t index, bool &isCopied, Report &report) {
  return context.session->takeOutput(index, isCopied, report);
}

void trim(nnccrt_context &context) {
  if (context.session)
    context.session->trim();
}

} // namespace nncc::rt::cuda
