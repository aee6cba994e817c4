//===- Profile.cpp - how long kernels take on a GPU -------------------------------------------------------------===//

#include "Profile.h"
#include "os.h"

namespace nncc::rt::cuda {

bool Profile::record(const Driver &driver, StreamHandle stream, Report &report) {
  Result result = kSuccess;
  if (used == events.size()) {
    EventHandle event = nullptr;
    result = driver.createEvent(&event, kTimingEvent);
    if (!result && !events.append(event))
      return report.failNoMemory(sizeof(event));
  }
  if (!result)
    result = driver.recordEvent(events[used++], stream);
  return !result || driver.fail(result, report, "recording an event for the profile");
}

bool Profile::start(const Driver &driver, StreamHandle stream, Report &report) {
  used = 0;
  launches.clear();
  arguments.clear();
  driver.waitForStream(stream);
  startNs = os::nowNs();
  return record(driver, stream, report);
}

bool Profile::before(const Driver &driver, StreamHandle stream, uint32_t kernel, const uint64_t *args, uint32_t numArgs,
                     Report &report) {
  size_t first = arguments.size();
  if (!launches.append({kernel, 0, 0, first}) || !arguments.resize(first + numArgs))
    return report.failNoMemory(numArgs * sizeof(uint64_t));
  std::memcpy(arguments.data() + first, args, numArgs * sizeof(uint64_t));
  return record(driver, stream, report);
}

bool Profile::after(const Driver &driver, StreamHandle stream, int64_t blocks, uint32_t threads, Report &report) {
  launches[launches.size() - 1].blocks = blocks;
  launches[launches.size() - 1].threads = threads;
  return record(driver, stream, report);
}

void Profile::tell(const Driver &driver, nnccrt_context &context) {
  auto when = [&](size_t event) {
    float ms = 0;
    driver.elapsed(&ms, events[0], events[event]);
    return startNs + static_cast<uint64_t>(ms > 0 ? static_cast<double>(ms) * 1e6 : 0);
  };
  for (size_t i = 0; i < launches.size() && 2 * i + 2 < used; ++i) {
    const nnccrt_kernel_info &info = context.model().kernel_infos[launches[i].kernel];
    nnccrt_launch_event event = {};
    event.size = sizeof(event);
    event.kernel = launches[i].kernel;
    event.name = info.name;
    event.nodes = info.nodes;
    event.start_ns = when(2 * i + 1);
    event.end_ns = when(2 * i + 2);
    event.tiles = launches[i].blocks;
    event.threads = launches[i].threads;
    event.args = arguments.data() + launches[i].firstArg;
    event.operations = info.operations;
    event.bytes = info.bytes;
    context.options.profiler(context.options.profiler_user, &event);
  }
}

void Profile::clear(const Driver &driver) {
  for (EventHandle event : events)
    driver.destroyEvent(event);
  events.clear();
  used = 0;
}

} // namespace nncc::rt::cuda
