//===- Plans.cpp - the arena of a context for the last few sizes ------------------------------------------------===//

#include "Context.h"
#include "Planner.h"

using namespace nncc::rt;

Plan &nnccrt_context::oldestPlan() {
  Plan *oldest = nullptr;
  for (Plan &one : plans)
    if (&one != plan && (!oldest || one.lastUse < oldest->lastUse))
      oldest = &one;
  return *oldest;
}

bool nnccrt_context::makePlan(Plan &fresh, const int64_t *values, Report &report) {
  uint32_t count = model().num_slots;
  fresh.arenaBytes = model().arena_bytes;
  if (!model().sizes)
    return true;
  Array<int64_t> bytes;
  if (!bytes.resize(count + size_t(1)))
    return report.failNoMemory(count * sizeof(int64_t));
  for (uint32_t i = 0; i < count; ++i)
    bytes[i] = model().slots[i].bytes;
  model().sizes(values, bytes.data());
  Packing result = Packing::Overflow;
  bool representable = true;
  for (uint32_t i = 0; i < count; ++i)
    representable &= bytes[i] >= 0;
  if (representable)
    result = pack(model().slots, bytes.data(), count, fresh.offsets, fresh.arenaBytes);
  if (result == Packing::NoMemory)
    return report.failNoMemory(count * sizeof(int64_t));
  return result == Packing::Done ||
         report.failNeeding(NNCCRT_NO_MEMORY, UINT64_MAX, "for these sizes model '%.160s' takes more than 2^63 bytes",
                            model().name);
}

const Plan *nnccrt_context::findPlan(const int64_t *values, Report &report) {
  size_t bytes = model().num_symbols * sizeof(int64_t);
  for (Plan &one : plans)
    if (one.lastUse && !std::memcmp(one.symbols, values, bytes)) {
      one.lastUse = ++planClock;
      return &one;
    }
  Plan &fresh = oldestPlan();
  fresh.lastUse = 0;
  if (!makePlan(fresh, values, report))
    return nullptr;
  std::memcpy(fresh.symbols, values, bytes);
  fresh.lastUse = ++planClock;
  return &fresh;
}
