//===- Execute.cpp - what a stream does with an item --------------------------------------------------------------===//

#include "Streams.h"
#include <cstring>

namespace nncc::emu::driver {

namespace {

/// The result that a driver gives for what the machine found.
CUresult resultOf(const Trap &trap) {
  const std::string &m = trap.message;
  auto says = [&](const char *text) { return m.find(text) != m.npos; };
  if (says("misaligned"))
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  if (says("out of bounds") || says("no allocation") || says("use after free") || says("outside"))
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  if (says("does not end"))
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  return CUDA_ERROR_LAUNCH_FAILED;
}

std::string lineOf(const std::string &text, unsigned number) {
  size_t at = 0;
  for (unsigned k = 1; k < number && at != text.npos; ++k) {
    at = text.find('\n', at);
    at = at == text.npos ? at : at + 1;
  }
  return at == text.npos ? "" : text.substr(at, std::min(text.find('\n', at), text.size()) - at);
}

class Executor {
public:
  Executor(Driver &d, Context &context) : d(d), context(context) {}

  void operator()(const EmptyWork &) {}
  void operator()(const WaitWork &) {} // runOne() has waited.

  void operator()(const RecordWork &work) {
    work.mark->done = true;
    work.mark->at = std::chrono::steady_clock::now();
  }

  void operator()(const KernelWork &work) {
    if (broken())
      return;
    Kernel *function = d.functions.find(work.function);
    if (!function)
      return fail(d, context, CUDA_ERROR_INVALID_HANDLE, "a launch of a kernel whose module was unloaded");
    Kernel &f = *function;
    if (auto fault = d.faults.strike("crash"))
      return fail(d, context, *fault, "kernel '" + f.name + "' fails: NNCC_EMU_FAULT");
    std::vector<const void *> params;
    params.reserve(f.offsets.size());
    for (uint32_t offset : f.offsets)
      params.push_back(work.params.data() + offset);
    Device &machine = context.gpu->machine;
    Counters before = machine.counters;
    std::optional<Trap> trap = machine.launch(f.machine, work.shape, params);
    d.report->kernel(f.name, work.shape, before, machine.counters);
    if (!trap)
      return;
    std::string line = trap->line ? "\n  " + lineOf(f.module->text, trap->line) : "";
    fail(d, context, resultOf(*trap), trap->text() + line);
  }

  void operator()(const CopyWork &work) {
    if (broken())
      return;
    if (work.sum && *work.sum != sumOf(work))
      return fail(d, context, CUDA_ERROR_LAUNCH_FAILED,
                  "the host wrote to pinned memory that a copy of " + std::to_string(work.width) +
                      " bytes had yet to read: nothing waits for the copy before");
    for (uint64_t z = 0; z < work.depth; ++z)
      for (uint64_t y = 0; y < work.height; ++y)
        if (std::optional<std::string> problem = copyRow(work, y, z))
          return fail(d, context, CUDA_ERROR_ILLEGAL_ADDRESS, *problem);
  }

  void operator()(const FillWork &work) {
    if (broken())
      return;
    Gpu *gpu = d.gpuOf(work.address);
    for (uint64_t y = 0; y < work.height; ++y)
      if (std::optional<std::string> problem =
              gpu->machine.fill(work.address + y * work.pitch, work.value, work.width, work.count))
        return fail(d, context, CUDA_ERROR_ILLEGAL_ADDRESS, *problem);
  }

  void operator()(const HostWork &work) {
    if (health(&context) == CUDA_SUCCESS) // It is not called where the context has failed.
      callOut([&] { work.call(work.data); });
  }

  void operator()(const CallbackWork &work) {
    CUresult result = health(&context);
    callOut([&] { work.call(work.stream, result, work.data); });
  }

  void operator()(const FreeWork &work);
  void operator()(const EventNode &) {} // GraphWork does what is to be done.

  void operator()(const GraphWork &work) {
    auto event = work.marks.begin();
    for (const Work &step : work.plan->steps) {
      auto *node = std::get_if<EventNode>(&step);
      if (!node) {
        execute(d, context, step);
        continue;
      }
      const MarkRef &mark = *event++;
      if (mark && node->records)
        (*this)(RecordWork{mark});
      else if (mark && !mark->done)
        run(d, *mark->stream, mark.get());
    }
  }

private:
  /// True where nothing can be done any more, because of this item or of one before.
  bool broken() {
    Gpu &gpu = *context.gpu;
    if (gpu.lost == CUDA_SUCCESS)
      if (auto fault = d.faults.strike("lost")) {
        gpu.lost = *fault;
        d.report->tell(std::string(gpu.machine.card().name) + ": the device is lost: NNCC_EMU_FAULT");
      }
    return health(&context) != CUDA_SUCCESS;
  }

  template <class F> void callOut(F function) {
    d.mutex.unlock();
    insideCallback() = true;
    function();
    insideCallback() = false;
    d.mutex.lock();
  }

  std::optional<std::string> copyRow(const CopyWork &work, uint64_t y, uint64_t z) {
    uint64_t to = work.to.address + y * work.to.pitch + z * work.to.slice;
    uint64_t fromOffset = y * work.from.pitch + z * work.from.slice;
    uint64_t from = work.from.address + fromOffset;
    Gpu *target = d.gpuOf(to), *source = work.staged.empty() ? d.gpuOf(from) : nullptr;
    const void *bytes = work.staged.empty() ? reinterpret_cast<const void *>(from) : work.staged.data() + fromOffset;
    if (target && source && target == source)
      return target->machine.copy(to, from, work.width);
    if (target && !source)
      return target->machine.write(to, bytes, work.width);
    if (!target && source)
      return source->machine.read(reinterpret_cast<void *>(to), from, work.width);
    if (!target) {
      std::memmove(reinterpret_cast<void *>(to), bytes, work.width);
      return std::nullopt;
    }
    std::vector<std::byte> between(work.width);
    std::optional<std::string> problem = source->machine.read(between.data(), from, work.width);
    return problem ? problem : target->machine.write(to, between.data(), work.width);
  }

  Driver &d;
  Context &context;
};

void Executor::operator()(const FreeWork &work) {
  auto found = context.memory.find(work.address);
  if (found == context.memory.end())
    return;
  Gpu &gpu = *context.gpu;
  gpu.machine.release(work.address);
  if (Pool *pool = found->second.pool) {
    pool->used -= found->second.bytes;
    pool->cached += found->second.bytes;
    pool->gpu->cached += found->second.bytes;
  }
  context.memory.erase(found);
}

} // namespace

size_t sumOf(const CopyWork &work) {
  size_t sum = 0;
  for (uint64_t z = 0; z < work.depth; ++z)
    for (uint64_t y = 0; y < work.height; ++y) {
      uint64_t row = work.from.address + y * work.from.pitch + z * work.from.slice;
      sum = sum * 31 + std::hash<std::string_view>()({reinterpret_cast<const char *>(row), work.width});
    }
  return sum;
}

void execute(Driver &d, Context &context, const Work &work) { std::visit(Executor(d, context), work); }

} // namespace nncc::emu::driver
