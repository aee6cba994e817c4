//===- Driver.cpp - the state behind the driver API --------------------------------------------------------------===//

#include "Driver.h"
#include "Api.h"
#include "Graphs.h"
#include "Streams.h"
#include <algorithm>
#include <cstdlib>

namespace nncc::emu::driver {

uintptr_t freshHandle() {
  static uintptr_t next = 0x10000;
  return next += 16;
}

std::vector<CUcontext> &contextStack() {
  static thread_local std::vector<CUcontext> stack;
  return stack;
}

bool &insideCallback() {
  static thread_local bool inside = false;
  return inside;
}

bool &defaultIsPerThread() {
  static thread_local bool is = false;
  return is;
}

Driver::Driver() = default;
Driver::~Driver() = default;

Driver &Driver::get() {
  static Driver *driver = [] {
    auto *d = new Driver;
    d->start();
    return d;
  }();
  return *driver;
}

static std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// "t4,v100"; empty, or what is wrong.
static std::string parseCards(const std::string &names, std::vector<const Card *> &cards) {
  for (size_t at = 0; at <= names.size();) {
    size_t end = std::min(names.find(',', at), names.size());
    std::string name = names.substr(at, end - at);
    const Card *card = cardNamed(name);
    if (!card) {
      std::string known;
      for (const Card &c : emu::cards())
        known += " " + std::string(c.name);
      return "NNCC_EMU: '" + name + "' is no card; known are" + known;
    }
    cards.push_back(card);
    at = end + 1;
  }
  return cards.size() <= 8 ? "" : "NNCC_EMU: at most 8 cards";
}

static std::string parseChecks(const std::string &names, Checks &checks) {
  for (size_t at = 0; at < names.size();) {
    size_t end = std::min(names.find(',', at), names.size());
    std::string name = names.substr(at, end - at);
    if (name == "no-races")
      checks.races = false;
    else if (name == "no-uninitialised")
      checks.uninitialised = false;
    else
      return "NNCC_EMU_CHECKS: '" + name + "' is neither no-races nor no-uninitialised";
    at = end + 1;
  }
  return {};
}

void Driver::start() {
  captures.clear(), nodes.clear();
  execs = {}, graphs = {};
  functions = {}, modules = {}, streams = {}, events = {}, pools = {}, contexts = {};
  gpus.clear(), cards.clear(), pinned.clear();
  abandoned.clear();
  initialised = false;
  loadsBegun = 0;
  faults = {}, checks = {};
  report = std::make_unique<Report>();
  report->readEnvironment();
  contextStack().clear();
  cardNames = variable("NNCC_EMU");
  if (cardNames.empty())
    cardNames = "t4";
  problem = parseCards(cardNames, cards);
  if (problem.empty())
    problem = parseChecks(variable("NNCC_EMU_CHECKS"), checks);
  if (std::string text = faults.parse(variable("NNCC_EMU_FAULT")); problem.empty() && !text.empty())
    problem = "NNCC_EMU_FAULT: " + text;
  // One driver serves all cards: the oldest of their newest.
  version = UINT32_MAX;
  for (const Card *card : cards)
    version = std::min(version, card->newestDriver);
  if (faults.driverVersion)
    version = faults.driverVersion;
}

Gpu *Driver::gpu(CUdevice ordinal) const {
  return ordinal >= 0 && static_cast<size_t>(ordinal) < gpus.size() ? gpus[static_cast<size_t>(ordinal)].get()
                                                                    : nullptr;
}

Gpu *Driver::gpuOf(uint64_t address) const {
  std::optional<unsigned> ordinal = Device::ordinalOf(address);
  return ordinal ? gpu(static_cast<CUdevice>(*ordinal)) : nullptr;
}

bool Driver::isPinned(uint64_t address, uint64_t bytes) const {
  auto above = pinned.upper_bound(address);
  if (above == pinned.begin())
    return false;
  auto &[base, range] = *std::prev(above);
  return address - base <= range.bytes && bytes <= range.bytes - (address - base);
}

CUresult health(const Context *context) {
  return context->gpu->lost != CUDA_SUCCESS ? context->gpu->lost : context->error;
}

static std::string counted(size_t count, const char *what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// Adds what the application left to the context's end.
static void countAbandoned(Driver &d, const Context &context) {
  auto add = [&](size_t count, const char *what) {
    if (count)
      d.abandoned.push_back(counted(count, what));
  };
  auto of = [&](const auto &table) {
    size_t count = 0;
    for (auto *object : table.all())
      count += object->context == &context;
    return count;
  };
  size_t ranges = 0;
  for (auto &[address, range] : d.pinned)
    ranges += range.context == &context;
  add(context.memory.size(), "allocation");
  add(ranges, "pinned range");
  add(of(d.modules), "module");
  add(of(d.streams), "stream");
  add(of(d.events), "event");
}

void destroyContext(Driver &d, Context &context) {
  if (health(&context) == CUDA_SUCCESS) // Nothing of a failed one can be freed.
    countAbandoned(d, context);
  for (Stream *stream : streamsOf(d, context))
    dropCapture(d, *stream);
  auto ours = [&](auto &object) { return object.context == &context; };
  d.functions.removeIf([&](Kernel &f) { return f.module->context == &context; });
  for (Module *module : d.modules.all())
    if (ours(*module))
      context.gpu->machine.unload(module->number);
  d.modules.removeIf(ours);
  d.streams.removeIf(ours);
  d.events.removeIf(ours);
  for (auto &[address, memory] : context.memory) {
    context.gpu->machine.release(address);
    if (memory.pool)
      memory.pool->used -= memory.bytes;
  }
  std::erase_if(d.pinned, [&](auto &entry) {
    bool goes = entry.second.context == &context;
    if (goes && !entry.second.registered)
      std::free(reinterpret_cast<void *>(entry.first));
    return goes;
  });
  if (context.gpu->primary == &context)
    context.gpu->primary = nullptr;
  d.contexts.remove(context.handle);
}

std::vector<std::string> Driver::leaks() const {
  std::vector<std::string> found;
  auto objects = [&](size_t count, const char *what) {
    if (count)
      found.push_back(counted(count, what));
  };
  for (const Context *context : contexts.all()) {
    uint64_t bytes = 0;
    for (auto &[address, memory] : context->memory)
      bytes += memory.bytes;
    if (bytes)
      found.push_back(counted(context->memory.size(), "allocation") + " of device memory, " + std::to_string(bytes) +
                      " bytes");
  }
  if (!pinned.empty())
    found.push_back(counted(pinned.size(), "range") + " of pinned memory");
  objects(modules.size(), "module");
  objects(streams.size(), "stream");
  objects(events.size(), "event");
  objects(graphs.size(), "graph");
  objects(execs.size(), "instantiated graph");
  for (auto &gpu : gpus)
    if (gpu->retained)
      found.push_back("the primary context of device " + std::to_string(gpu->ordinal) + ", retained " +
                      counted(gpu->retained, "time"));
  return found;
}

/// After the destructors of the application.
static void finish() {
  Driver &d = Driver::get();
  if (d.report->wantsLeaks())
    for (const std::string &leak : d.leaks())
      d.report->tell("leaked: " + leak);
  if (d.report->wantsLeaks())
    for (const std::string &what : d.abandoned)
      d.report->tell("left to its context: " + what);
  d.report->writeCounters(d.cardNames);
}

__attribute__((destructor)) static void atExit() { finish(); }

} // namespace nncc::emu::driver

using namespace nncc::emu::driver;

unsigned nnccEmuRestart() {
  Driver &d = Driver::get();
  std::lock_guard lock(d.mutex);
  auto leaked = static_cast<unsigned>(d.leaks().size());
  finish();
  d.start();
  return leaked;
}

unsigned long long nnccEmuCalls(const char *name) {
  Driver &d = Driver::get();
  std::lock_guard lock(d.mutex);
  return d.report->calls(name);
}
