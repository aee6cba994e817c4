//===- Shadow.cpp - races, uninitialised reads and early reads of shared memory ----------------------------------===//

#include "Shadow.h"
#include <algorithm>
#include <bit>

namespace nncc::emu {

static constexpr uint32_t timeLimit = (1u << 20) - 1;

void Shadow::reset(size_t bytes, unsigned warps) {
  numWarps = warps;
  cells.assign(bytes, {});
  state.assign(bytes, Unknown);
  time = 1;
  std::fill_n(&seen[0][0], maxWarps * maxWarps, 0);
}

/// Whether the access that a tag stands for has happened before what `thread` does now.
bool Shadow::ordered(uint32_t tag, unsigned thread) const {
  unsigned who = tag & 1023;
  const auto &horizon = seen[thread / 32];
  switch (static_cast<Kind>(tag >> 10 & 3)) {
  case Nobody:
    return true;
  case Thread:
    return who == thread || tag >> 12 < horizon[who / 32];
  case OneWarp:
    return tag >> 12 < horizon[who / 32];
  case Many:
    return tag >> 12 < *std::min_element(horizon, horizon + numWarps);
  }
  return true;
}

/// The tag of all who have read a byte, with `thread` among them.
uint32_t Shadow::joined(uint32_t reader, unsigned thread) const {
  if (ordered(reader, thread))
    return tag(time, Thread, thread);
  Kind kind = static_cast<Kind>(reader >> 10 & 3);
  return tag(time, kind != Many && (reader & 1023) / 32 == thread / 32 ? OneWarp : Many, thread);
}

static std::string named(const char *what, uint32_t address, uint32_t tag) {
  return std::string(what) + " at shared address " + std::to_string(address) +
         (tag >> 10 & 1 && !(tag >> 11 & 1) ? ", with thread " + std::to_string(tag & 1023) + " of the block" : "") +
         ": no barrier stands between them";
}

std::string Shadow::access(uint32_t address, unsigned size, unsigned thread, Access kind, bool races,
                           bool uninitialised) {
  uint32_t mine = tag(time, Thread, thread), goodWriter = mine, goodReader = mine;
  for (uint32_t a = address; a < address + size; ++a) {
    Cell &cell = cells[a];
    if (state[a] & Pending)
      return "shared address " + std::to_string(a) + " is the target of cp.async, which was not waited for";
    if (kind != Access::Write && uninitialised && !(state[a] & Known))
      return "shared address " + std::to_string(a) + " is read and was never written";
    bool isAtomic = kind == Access::Atomic;
    if (races && cell.writer != goodWriter && !(isAtomic && state[a] & AtomicWrite)) {
      if (!ordered(cell.writer, thread))
        return named(kind == Access::Read ? "a read races with a write" : "a write races with a write", a, cell.writer);
      goodWriter = cell.writer;
    }
    if (kind == Access::Read) {
      if (cell.reader != mine)
        cell.reader = joined(cell.reader, thread);
      continue;
    }
    if (races && cell.reader != goodReader) {
      if (!ordered(cell.reader, thread))
        return named("a write races with a read", a, cell.reader);
      goodReader = cell.reader;
    }
    cell.writer = isAtomic && state[a] & AtomicWrite && !ordered(cell.writer, thread) ? tag(time, Many, thread) : mine;
    state[a] = Known | (isAtomic ? AtomicWrite : 0);
  }
  return {};
}

std::string Shadow::beginAsync(uint32_t address, unsigned size, unsigned thread, bool races) {
  std::string problem = access(address, size, thread, Access::Write, races, false);
  for (uint32_t a = address; problem.empty() && a < address + size; ++a)
    state[a] |= Pending;
  return problem;
}

void Shadow::endAsync(uint32_t address, unsigned size, unsigned thread) {
  for (uint32_t a = address; a < address + size; ++a) {
    state[a] = Known;
    cells[a].writer = tag(time, Thread, thread);
  }
}

/// A block that passes more barriers than a tag can count forgets what was before: a race may then be missed, none is made up.
void Shadow::tick() {
  if (++time < timeLimit)
    return;
  std::fill(cells.begin(), cells.end(), Cell());
  std::fill_n(&seen[0][0], maxWarps * maxWarps, 0);
  time = 1;
}

void Shadow::join(uint32_t waiting, uint32_t passing) {
  uint32_t all[maxWarps] = {};
  for (uint32_t mask = waiting | passing; mask; mask &= mask - 1) {
    unsigned w = static_cast<unsigned>(std::countr_zero(mask));
    for (unsigned other = 0; other < maxWarps; ++other)
      all[other] = std::max(all[other], seen[w][other]);
    all[w] = time + 1;
  }
  for (uint32_t mask = waiting; mask; mask &= mask - 1)
    std::copy(std::begin(all), std::end(all), seen[std::countr_zero(mask)]);
  tick();
}

void Shadow::joinLanes(unsigned warp) {
  seen[warp][warp] = time + 1;
  tick();
}

} // namespace nncc::emu
