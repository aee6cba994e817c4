//===- Run.cpp - one run of a model -----------------------------------------------------------------------------===//

#include "Run.h"
#include "Context.h"
#include "Cpu.h"
#include "Pool.h"

namespace nncc::rt {

namespace {
constexpr int32_t kEnded = -1; // what a service gives the schedule to return

/// One run: behind the services that its schedule calls.
struct Run {
  nnccrt_context &context;
  Report &report;
  nnccrt_fault fault{};
};

Run &runOf(nnccrt_frame *frame) { return *static_cast<Run *>(frame->context); }

/// One launch: what all threads that work on it share.
struct Launch {
  nnccrt_kernel_run kernel;
  const uint64_t *args;
  int64_t tiles;
  nnccrt_context &context;
  uint32_t parts;

  bool isCancelled() const { return context.state.load(std::memory_order_relaxed) == RunState::Cancelled; }
};
} // namespace

//===----------------------------------------------------------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------------------------------------------------------===//

/// Each thread starts on its own range of tiles, the same for each launch of the same size: neighbouring kernels find their data in
/// its cache. One that is done takes tiles of the others, so that a thread that the system delays delays nobody.
static void runPart(void *job, uint32_t index) {
  const Launch &launch = *static_cast<const Launch *>(job);
  FloatingPoint floatingPoint;
  void *scratch = launch.context.scratch.data + index * launch.context.scratchStride;
  for (uint32_t k = 0; k < launch.parts; ++k) {
    TileRange &range = launch.context.ranges[(index + k) % launch.parts];
    while (range.next.load(std::memory_order_relaxed) < range.end && !launch.isCancelled()) {
      int64_t tile = range.next.fetch_add(1, std::memory_order_relaxed);
      if (tile < range.end)
        launch.kernel(launch.args, tile, scratch);
    }
  }
}

static void runAlone(const Launch &launch) {
  for (int64_t tile = 0; tile < launch.tiles && !launch.isCancelled(); ++tile)
    launch.kernel(launch.args, tile, launch.context.scratch.data);
}

static void runTiles(Launch &launch) {
  nnccrt_context &context = launch.context;
  launch.parts = launch.tiles < context.threads ? static_cast<uint32_t>(launch.tiles) : context.threads;
  if (launch.parts <= 1)
    return runAlone(launch);
  int64_t each = launch.tiles / launch.parts, more = launch.tiles % launch.parts, next = 0;
  for (uint32_t i = 0; i < launch.parts; ++i) {
    context.ranges[i].next.store(next, std::memory_order_relaxed);
    next += each + (i < more);
    context.ranges[i].end = next;
  }
  if (context.options.executor)
    context.options.executor(context.options.executor_user, launch.parts, runPart, &launch);
  else if (!pool::run(launch.parts, runPart, &launch))
    runAlone(launch);
}

static void profile(const Launch &launch, uint32_t kernel, uint64_t start) {
  const nnccrt_kernel_info &info = launch.context.model().kernel_infos[kernel];
  nnccrt_launch_event event = {};
  event.size = sizeof(event);
  event.kernel = kernel;
  event.name = info.name;
  event.nodes = info.nodes;
  event.start_ns = start;
  event.end_ns = os::nowNs();
  event.tiles = launch.tiles;
  event.threads = launch.parts;
  event.args = launch.args;
  event.operations = info.operations;
  event.bytes = info.bytes;
  launch.context.options.profiler(launch.context.options.profiler_user, &event);
}

static int32_t launchKernel(nnccrt_frame *frame, uint32_t kernel, uint64_t *args) {
  Run &run = runOf(frame);
  nnccrt_context &context = run.context;
  if (kernel >= context.model().num_kernels)
    return run.report.fail(NNCCRT_INTERNAL, "the schedule launches kernel %u of %u", kernel,
                           context.model().num_kernels),
           kEnded;
  const nnccrt_kernel &code = context.program.level->kernels[kernel];
  uint64_t start = context.options.profiler ? os::nowNs() : 0;
  args[0] = reinterpret_cast<uint64_t>(&run.fault);
  Launch launch{code.run, args, code.tiles(args), context, 1};
  if (launch.tiles > 0)
    runTiles(launch);
  if (context.options.profiler)
    profile(launch, kernel, start);
  if (launch.isCancelled())
    return run.report.fail(NNCCRT_CANCELLED, "the run was cancelled"), kEnded;
  if (run.fault.code)
    return failFault(context.model().kernel_infos[kernel], run.fault, run.report), kEnded;
  return 0;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------------------------------------------------------===//

static void *allocateBuffer(nnccrt_frame *frame, int64_t bytes) {
  return runOf(frame).context.stack.allocate(bytes, runOf(frame).report);
}

static int64_t markStack(nnccrt_frame *frame) { return runOf(frame).context.stack.mark(); }

static void releaseStack(nnccrt_frame *frame, int64_t mark) { runOf(frame).context.stack.release(mark); }

static void *carryBuffer(nnccrt_frame *frame, uint32_t id, const void *source, int64_t bytes) {
  nnccrt_context &context = runOf(frame).context;
  Report &report = runOf(frame).report;
  if (id >= context.model().num_carries)
    return report.fail(NNCCRT_INTERNAL, "the schedule carries value %u of %u", id, context.model().num_carries),
           nullptr;
  if (bytes < 0)
    return report.failNoMemory(UINT64_MAX), nullptr;
  Buffer &buffer = context.carries[2 * id + context.carryParity[id]];
  if (!context.memory.reserveLate(buffer, static_cast<uint64_t>(bytes), report))
    return nullptr;
  context.carryParity[id] ^= 1;
  if (bytes)
    std::memcpy(buffer.data, source, static_cast<size_t>(bytes));
  return buffer.data;
}

static void *giveOutput(nnccrt_frame *frame, uint32_t index, const int64_t *dims) {
  return placeOutput(runOf(frame).context, index, dims, runOf(frame).report);
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
    markStack,
    releaseStack,
    carryBuffer,
    giveOutput,
    failRun,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

//===----------------------------------------------------------------------------------------------------------------------===//
// The run
//===----------------------------------------------------------------------------------------------------------------------===//

static bool finish(nnccrt_context &context, int32_t result, Report &report) {
  if (!checkEnd(context, result, report))
    return false;
  for (uint32_t i = 0; i < context.outputs.size(); ++i) {
    const nnccrt_value &value = context.model().outputs[i];
    const Slot &slot = context.outputs[i];
    if (slot.strided)
      copyElements(slot.dims, value.rank, value.dtype, slot.data, nullptr, slot.bound.data, slot.boundStrides);
  }
  return true;
}

static bool execute(nnccrt_context &context, Report &report) {
  for (Slot &slot : context.outputs)
    slot.ready = false;
  if (!context.prepare(report))
    return false;
  context.stack.reset();
  for (uint8_t &parity : context.carryParity)
    parity = 0;
  Run run{context, report};
  nnccrt_frame frame = {};
  frame.services = &kServices;
  frame.symbols = context.symbols;
  frame.offsets = context.model().sizes ? context.plan->offsets.data() : nullptr;
  frame.arena = context.arena.data;
  frame.weights = context.program.weights;
  frame.inputs = context.inputPointers.data();
  frame.context = &run;
  frame.host_weights = context.program.weights;
  return finish(context, context.model().run(&frame), report);
}

} // namespace nncc::rt

using namespace nncc::rt;

template <typename Task> bool nnccrt_context::exclusively(Report &report, const Task &task) {
  RunState idle = RunState::Idle;
  if (!state.compare_exchange_strong(idle, RunState::Running, std::memory_order_acquire))
    return report.fail(NNCCRT_INVALID, "the context is running: it may be used by one thread at a time");
  bool succeeded = task();
  state.store(RunState::Idle, std::memory_order_release);
  return succeeded;
}

bool nnccrt_context::run(Report &report) {
  return exclusively(report, [&] {
    FloatingPoint floatingPoint;
    bool succeeded = session ? cuda::run(*this, nullptr, report) : execute(*this, report);
    if (!succeeded)
      for (Slot &slot : outputs)
        slot.ready = false;
    return succeeded;
  });
}

bool nnccrt_context::runOn(void *stream, Report &report) {
  if (!session)
    return report.fail(NNCCRT_INVALID, "the model runs on the CPU: it has no use for a stream");
  return exclusively(report, [&] {
    FloatingPoint floatingPoint;
    bool succeeded = cuda::run(*this, &stream, report);
    if (!succeeded)
      for (Slot &slot : outputs)
        slot.ready = false;
    return succeeded;
  });
}

bool nnccrt_context::prepareRun(Report &report) {
  return exclusively(report, [&] { return session ? cuda::prepare(*this, report) : prepare(report); });
}

bool nnccrt_context::synchronize(Report &report) {
  return !session || exclusively(report, [&] { return cuda::synchronize(*this, report); });
}
