//===- Services.cpp - what a schedule asks for, on a GPU --------------------------------------------------------===//

#include "Session.h"
#include <climits>

namespace nncc::rt::cuda {

namespace {
constexpr int32_t kEnded = -1;

/// Behind nnccrt_frame.context.
struct Run {
  Session &session;
  Report &report;
};

Run &runOf(nnccrt_frame *frame) { return *static_cast<Run *>(frame->context); }

DevicePtr addressOf(const void *data) { return reinterpret_cast<DevicePtr>(data); }
} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------------------------------------------------------===//

/// Small: one thread does it, and nothing is told to the profiler.
static int32_t launchOnHost(Run &run, uint32_t kernel, uint64_t *args) {
  const nnccrt_kernel &code = run.session.context.program.level->kernels[kernel];
  if (!code.run || !code.tiles)
    return run.report.fail(NNCCRT_INTERNAL, "kernel %s has no code", run.session.model().kernel_infos[kernel].name),
           kEnded;
  nnccrt_fault fault = {};
  args[0] = reinterpret_cast<uint64_t>(&fault);
  for (int64_t tile = 0, tiles = code.tiles(args); tile < tiles; ++tile)
    code.run(args, tile, run.session.scratch);
  return fault.code ? (failFault(run.session.model().kernel_infos[kernel], fault, run.report), kEnded) : 0;
}

/// Room for the working memory of a kernel, which is that of all kernels: they run one behind the other.
static bool findWorkspace(Run &run, uint32_t kernel, const uint64_t *args, uint64_t &address) {
  Session &session = run.session;
  const nnccrt_cuda_kernel &code = session.device.kernel(kernel);
  address = 0;
  int64_t bytes = code.workspace ? code.workspace(args) : 0;
  if (bytes < 0)
    return run.report.failNoMemory(UINT64_MAX);
  uint64_t wanted = bytes ? static_cast<uint64_t>(bytes) + NNCCRT_CUDA_COUNTER_BYTES : 0;
  session.workspaceBytes = wanted > session.workspaceBytes ? wanted : session.workspaceBytes;
  if (!bytes || session.mode == Mode::Dry)
    return true;
  if (session.isCapturing && session.workspace.capacity < wanted)
    return run.report.fail(
        NNCCRT_INVALID, "the stream is being captured, and the context has no memory for it yet: nnccrt_prepare first");
  if (!session.reserveWorkspace(wanted, run.report))
    return false;
  address = addressOf(session.workspace.data) + NNCCRT_CUDA_COUNTER_BYTES;
  return true;
}

static bool launchPhase(Run &run, uint32_t kernel, uint32_t phase, const nnccrt_cuda_launch &shape, void **parameters) {
  Session &session = run.session;
  const char *name = session.device.kernel(kernel).phases[phase].entry;
  if (shape.blocks < 0 || shape.blocks > INT_MAX)
    return run.report.fail(NNCCRT_UNSUPPORTED, "kernel %s takes %lld blocks for these sizes: a GPU has 2^31 - 1", name,
                           static_cast<long long>(shape.blocks));
  if (!session.device.allowShared(kernel, phase, shape.shared_bytes, run.report))
    return false;
  Result result =
      session.driver.launch(session.device.function(kernel, phase), static_cast<unsigned>(shape.blocks), 1, 1,
                            shape.threads, 1, 1, shape.shared_bytes, session.current, parameters, nullptr);
  if (!result && session.isBlocking && !session.isCapturing)
    result = session.driver.waitForStream(session.current);
  return !result || session.device.fail(result, run.report, "launching kernel %s (%lld blocks of %u threads) on %s",
                                        name, static_cast<long long>(shape.blocks), shape.threads, session.device.text);
}

static bool launchPhases(Run &run, uint32_t kernel, uint64_t *args) {
  Session &session = run.session;
  const nnccrt_cuda_kernel &code = session.device.kernel(kernel);
  constexpr uint32_t maxArgs = 512;
  void *parameters[maxArgs + 1];
  uint64_t workspace = 0;
  if (code.num_args > maxArgs)
    return run.report.fail(NNCCRT_INTERNAL, "kernel %s has %u arguments, more than %u",
                           session.model().kernel_infos[kernel].name, code.num_args, maxArgs);
  if (!findWorkspace(run, kernel, args, workspace))
    return false;
  if (session.mode == Mode::Dry)
    return true;
  for (uint32_t i = 0; i < code.num_args; ++i)
    parameters[i] = &args[i];
  parameters[code.num_args] = &workspace;
  bool isProfiled = session.context.options.profiler && !session.isCapturing;
  if (isProfiled && !session.profile.before(session.driver, session.current, kernel, args, code.num_args, run.report))
    return false;
  nnccrt_cuda_launch shape = {};
  int64_t blocks = 0;
  for (uint32_t phase = 0; phase < code.num_phases; ++phase) {
    code.phases[phase].shape(args, &shape);
    if (shape.blocks && !launchPhase(run, kernel, phase, shape, parameters))
      return false;
    blocks += shape.blocks;
  }
  return !isProfiled || session.profile.after(session.driver, session.current, blocks, shape.threads, run.report);
}

static int32_t launchKernel(nnccrt_frame *frame, uint32_t kernel, uint64_t *args) {
  Run &run = runOf(frame);
  Session &session = run.session;
  if (kernel >= session.model().num_kernels)
    return run.report.fail(NNCCRT_INTERNAL, "the schedule launches kernel %u of %u", kernel,
                           session.model().num_kernels),
           kEnded;
  if (session.context.state.load(std::memory_order_relaxed) == RunState::Cancelled)
    return run.report.fail(NNCCRT_CANCELLED, "the run was cancelled"), kEnded;
  if (!session.device.kernel(kernel).num_phases)
    return launchOnHost(run, kernel, args);
  args[0] = session.faults + kernel * sizeof(nnccrt_fault);
  uint32_t count = session.device.kernel(kernel).num_args;
  bool isLaunched = session.copies.beforeStep(args + 1, count ? count - 1 : 0, run.report) &&
                    launchPhases(run, kernel, args) && session.copies.afterStep(run.report);
  return isLaunched ? 0 : kEnded;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------------===//

/// What depends on data, or is allocated in a run, makes a run that no graph stands for, and that only runs tell of.
static bool isOnceOnly(Run &run, const char *what) {
  run.session.isRepeatable = false;
  if (run.session.mode == Mode::Dry)
    return false;
  return !run.session.isCapturing ||
         run.report.fail(NNCCRT_UNSUPPORTED, "the stream is being captured, and model '%.160s' %s",
                         run.session.model().name, what);
}

static void *allocateBuffer(nnccrt_frame *frame, int64_t bytes) {
  Run &run = runOf(frame);
  return isOnceOnly(run, "allocates memory that depends on data")
             ? run.session.context.stack.allocate(bytes, run.report)
             : nullptr;
}

static void *allocateOnHost(nnccrt_frame *frame, int64_t bytes) {
  return runOf(frame).session.hostStack.allocate(bytes, runOf(frame).report);
}

static int64_t markStacks(nnccrt_frame *frame) {
  Session &session = runOf(frame).session;
  int64_t mark = static_cast<int64_t>(session.marks.size());
  // Without memory for it the stacks only grow.
  return session.marks.append({session.context.stack.mark(), session.hostStack.mark()}) ? mark : -1;
}

static void releaseStacks(nnccrt_frame *frame, int64_t mark) {
  Session &session = runOf(frame).session;
  if (mark < 0)
    return;
  const Session::Marks &marks = session.marks[static_cast<size_t>(mark)];
  session.context.stack.release(marks.device);
  session.hostStack.release(marks.host);
  while (session.marks.size() > static_cast<size_t>(mark))
    session.marks.removeLast();
}

static int32_t read(nnccrt_frame *frame, void *host, const void *device, int64_t bytes) {
  Run &run = runOf(frame);
  Session &session = run.session;
  uint64_t address = addressOf(device);
  if (!isOnceOnly(run, "reads what it computes") || !session.copies.beforeStep(&address, 1, run.report))
    return kEnded;
  if (Result result = session.driver.copyToHost(host, addressOf(device), static_cast<size_t>(bytes), session.current))
    return session.device.fail(result, run.report, "reading %lld bytes from %s", static_cast<long long>(bytes),
                               session.device.text),
           kEnded;
  return session.wait(run.report, "reading a size") && session.copies.afterStep(run.report) ? 0 : kEnded;
}

/// What a graph keeps is in the graph: few bytes, as values to be set.
static Result setBytes(Session &session, DevicePtr device, const unsigned char *host, int64_t bytes) {
  for (int64_t i = 0; i < bytes; ++i)
    if (Result result = session.driver.fill(device + static_cast<uint64_t>(i), host[i], 1, session.current))
      return result;
  return kSuccess;
}

static int32_t write(nnccrt_frame *frame, void *device, const void *host, int64_t bytes) {
  constexpr int64_t maxInGraph = 256;
  Run &run = runOf(frame);
  Session &session = run.session;
  if (bytes > maxInGraph && !isOnceOnly(run, "copies a large tensor of sizes to the device"))
    return session.mode == Mode::Dry ? 0 : kEnded;
  uint64_t address = addressOf(device);
  if (!bytes)
    return 0;
  if (!session.copies.beforeStep(&address, 1, run.report))
    return kEnded;
  Result result = kSuccess;
  if (session.mode == Mode::Enqueue)
    result = session.isCapturing
                 ? setBytes(session, address, static_cast<const unsigned char *>(host), bytes)
                 : session.driver.copyToDevice(address, host, static_cast<size_t>(bytes), session.current);
  if (result)
    return session.device.fail(result, run.report, "copying %lld bytes to %s", static_cast<long long>(bytes),
                               session.device.text),
           kEnded;
  return session.copies.afterStep(run.report) ? 0 : kEnded;
}

static int32_t copy(nnccrt_frame *frame, void *target, const void *source, int64_t bytes) {
  Run &run = runOf(frame);
  Session &session = run.session;
  if (!bytes || target == source)
    return 0;
  const uint64_t addresses[] = {addressOf(target), addressOf(source)};
  if (!session.copies.beforeStep(addresses, 2, run.report))
    return kEnded;
  Result result = kSuccess;
  if (session.mode == Mode::Enqueue)
    result = session.driver.copyOnDevice(addresses[0], addresses[1], static_cast<size_t>(bytes), session.current);
  if (result)
    return session.device.fail(result, run.report, "copying %lld bytes on %s", static_cast<long long>(bytes),
                               session.device.text),
           kEnded;
  return session.copies.afterStep(run.report) ? 0 : kEnded;
}

static void *carryBuffer(nnccrt_frame *frame, uint32_t id, const void *source, int64_t bytes) {
  Run &run = runOf(frame);
  nnccrt_context &context = run.session.context;
  if (id >= context.model().num_carries)
    return run.report.fail(NNCCRT_INTERNAL, "the schedule carries value %u of %u", id, context.model().num_carries),
           nullptr;
  if (bytes < 0)
    return run.report.failNoMemory(UINT64_MAX), nullptr;
  if (!isOnceOnly(run, "has loops that carry what grows"))
    return nullptr;
  Buffer &buffer = context.carries[2 * id + context.carryParity[id]];
  if (!context.memory.reserveLate(buffer, static_cast<uint64_t>(bytes), run.report) ||
      copy(frame, buffer.data, source, bytes))
    return nullptr;
  context.carryParity[id] ^= 1;
  return buffer.data;
}

static const void *hostInput(nnccrt_frame *frame, uint32_t index, int64_t bytes) {
  Run &run = runOf(frame);
  Session &session = run.session;
  if (index >= session.context.inputs.size())
    return run.report.fail(NNCCRT_INTERNAL, "the schedule reads input %u of %zu", index, session.context.inputs.size()),
           nullptr;
  session.isRepeatable = false;
  const Slot &slot = session.context.inputs[index];
  if (slot.needsBuffer()) {
    if (session.isCapturing)
      return run.report.fail(NNCCRT_INVALID, "the stream is being captured, and an input is in memory of the host"),
             nullptr;
    // Without an element there is no memory; the schedule takes null for an error.
    return !session.copies.stage(index, run.report) ? nullptr
           : slot.staging.data                      ? slot.staging.data
                                                    : reinterpret_cast<const char *>(&slot);
  }
  void *data = session.hostStack.allocate(bytes, run.report);
  return data && !read(frame, data, slot.data, bytes) ? data : nullptr;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------------------------------------------------------===//

static void *giveOutput(nnccrt_frame *frame, uint32_t index, const int64_t *dims) {
  Run &run = runOf(frame);
  return placeOutput(run.session.context, index, dims, run.report);
}

static int32_t failRun(nnccrt_frame *frame, const char *message) {
  runOf(frame).report.fail(NNCCRT_BAD_DATA, "%s", message);
  return kEnded;
}

static constexpr nnccrt_services kServices = {
    sizeof(nnccrt_services),
    0,
    launchKernel,
    allocateBuffer,
    markStacks,
    releaseStacks,
    carryBuffer,
    giveOutput,
    failRun,
    read,
    write,
    copy,
    allocateOnHost,
    hostInput,
};

bool Session::runSchedule(Mode how, Report &report) {
  mode = how;
  isRepeatable = true;
  copies.beginSchedule();
  context.stack.reset();
  hostStack.reset();
  marks.clear();
  for (uint8_t &parity : context.carryParity)
    parity = 0;
  Run run{*this, report};
  nnccrt_frame frame = {};
  frame.services = &kServices;
  frame.symbols = context.symbols;
  frame.offsets = model().sizes ? context.plan->offsets.data() : nullptr;
  frame.arena = context.arena.data;
  frame.weights = reinterpret_cast<const char *>(device.weights); // NOLINT(performance-no-int-to-ptr): on the device
  frame.inputs = context.inputPointers.data();
  frame.context = &run;
  frame.host_weights = context.program.weights;
  int32_t result = model().run(&frame);
  // A dry run ends where the next step depends on data.
  if (how == Mode::Dry ? !report.ok() : !checkEnd(context, result, report))
    return false;
  return copies.endSchedule(report);
}

} // namespace nncc::rt::cuda
