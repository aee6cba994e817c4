//===- Shadow.cpp - races, uninitialised reads and early reads of shared memory ----------------------------------===//

#include "Shadow.h"
#include <algorithm>
#include <bit>

namespace nncc::emu {

static constexpr uint32_t timeLimit = (1u << 20) - 3;

void Shadow::configure(size_t bytes, unsigned warps, unsigned granule, bool checkRaces, bool checkUninitialised) {
  numWarps = warps, races = checkRaces, uninitialised = checkUninitialised;
  shift = static_cast<unsigned>(std::countr_zero(granule));
  // An access at the very end may look at four cells at once.
  writers.resize((bytes >> shift) + 4);
  readers.resize((bytes >> shift) + 4);
}

void Shadow::reset() {
  std::fill(writers.begin(), writers.end(), uninitialised ? unknown : 0);
  std::fill(readers.begin(), readers.end(), 0);
  time = 1;
  std::fill_n(&seen[0][0], maxWarps * maxWarps, 0);
  setLimits();
}

uint32_t Shadow::leastSeen(unsigned warp) const { return *std::min_element(seen[warp], seen[warp] + numWarps); }

/// Time 0 is nobody's, so that every tag of nobody is below every limit.
void Shadow::setLimits() {
  for (unsigned w = 0; w < numWarps; ++w)
    limits[w] = races ? tag(std::max(1u, leastSeen(w)), 0, 0) : firstSpecial;
}

/// Whether the write that a tag stands for has happened before what `thread` does now.
bool Shadow::writerOrdered(uint32_t tag, unsigned thread) const {
  if (tag >= firstSpecial)
    return false;
  unsigned who = tag & 1023, kind = tag >> 10 & 3;
  if (!races || !kind)
    return true;
  if (kind == ManyEqual)
    return tag >> 12 < leastSeen(thread / 32);
  return who == thread || tag >> 12 < seen[thread / 32][who / 32];
}

bool Shadow::readerOrdered(uint32_t tag, unsigned thread) const {
  unsigned who = tag & 1023, kind = tag >> 10 & 3;
  if (!races || !kind || (kind == Thread && who == thread))
    return true;
  return tag >> 12 < (kind == Many ? leastSeen(thread / 32) : seen[thread / 32][who / 32]);
}

bool Shadow::writeCell(uint32_t cell, unsigned thread, bool isAtomic) {
  uint32_t writer = writers[cell], me = mine(thread);
  bool afterAtomic = writer < firstSpecial && (writer >> 10 & 3) >= AtomicThread, ordered = true;
  // An atomic operation reads too.
  if (isAtomic ? writer >= firstSpecial : writer >= firstSpecial && writer != unknown)
    return false;
  if (writer < firstSpecial && writer != me)
    ordered = writerOrdered(writer, thread);
  if ((!ordered && !(isAtomic && afterAtomic)) || !readerOrdered(readers[cell], thread))
    return false;
  if (isAtomic)
    me = afterAtomic && !ordered ? tag(time, ManyEqual, 0) : tag(time, AtomicThread, thread);
  writers[cell] = me;
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Whole warps
//===----------------------------------------------------------------------------------------------------------------------===//

bool Shadow::accessInOrder(uint32_t address, unsigned size, unsigned warp, Access kind) {
  if (kind == Access::Atomic)
    return false;
  uint32_t limit = limits[warp], me = mine(warp * 32), cells = 32 * size >> shift;
  unsigned perLane = static_cast<unsigned>(std::countr_zero(size)) - shift;
  uint32_t *w = &writers[address >> shift], *r = &readers[address >> shift];
  // A write may be the first one, a read may be one of many: that is no order, but nothing new either. No tag is 0 and beyond the limit.
  uint32_t fresh = kind == Access::Write ? unknown : 0, many = kind == Access::Read ? tag(time, Many, 0) : 0, bad = 0;
  for (uint32_t k = 0; k < cells; ++k) {
    uint32_t own = me + (k >> perLane);
    bad |= static_cast<uint32_t>((w[k] >= limit) & (w[k] != own) & (w[k] != fresh));
    bad |= static_cast<uint32_t>((r[k] >= limit) & (r[k] != own) & (r[k] != many));
  }
  if (bad)
    return false;
  if (kind == Access::Write)
    for (uint32_t k = 0; k < cells; ++k)
      w[k] = me + (k >> perLane);
  else
    for (uint32_t k = 0; k < cells; ++k)
      r[k] = r[k] == many ? many : me + (k >> perLane);
  return true;
}

bool Shadow::readByAll(uint32_t address, unsigned size, unsigned warp) {
  uint32_t limit = limits[warp], first = address >> shift, end = (address + size) >> shift;
  uint32_t us = tag(time, OneWarp, warp * 32), many = tag(time, Many, 0);
  for (uint32_t cell = first; cell != end; ++cell)
    if (writers[cell] >= limit || (readers[cell] >= limit && readers[cell] != us && readers[cell] != many))
      return false;
  for (uint32_t cell = first; cell != end; ++cell)
    readers[cell] = readers[cell] == many ? many : us;
  return true;
}

//===----------------------------------------------------------------------------------------------------------------------===//
// What is wrong
//===----------------------------------------------------------------------------------------------------------------------===//

static std::string named(const char *what, uint32_t address, uint32_t tag, bool oneThread) {
  return std::string(what) + " at shared address " + std::to_string(address) +
         (oneThread ? ", with thread " + std::to_string(tag & 1023) + " of the block" : "") +
         ": no barrier stands between them";
}

std::string Shadow::problem(uint32_t address, unsigned size, unsigned thread, Access kind) const {
  for (uint32_t cell = address >> shift; cell != (address + size) >> shift; ++cell) {
    uint32_t writer = writers[cell], reader = readers[cell], at = cell << shift;
    unsigned wrote = writer >> 10 & 3;
    if (writer == unknown && kind != Access::Write)
      return "shared address " + std::to_string(at) + " is read and was never written";
    if (writer >= firstSpecial && writer != unknown)
      return "shared address " + std::to_string(at) + " is the target of cp.async, which was not waited for";
    if (writer < firstSpecial && !writerOrdered(writer, thread) && !(kind == Access::Atomic && wrote >= AtomicThread))
      return named(kind == Access::Read ? "a read races with a write" : "a write races with a write", at, writer,
                   wrote != ManyEqual);
    if (kind != Access::Read && !readerOrdered(reader, thread))
      return named("a write races with a read", at, reader, (reader >> 10 & 3) == Thread);
  }
  return {};
}

bool Shadow::racesWithWritesAlone(uint32_t address, unsigned size, unsigned thread) const {
  for (uint32_t cell = address >> shift; cell != (address + size) >> shift; ++cell)
    if ((writers[cell] >= firstSpecial && writers[cell] != unknown) || !readerOrdered(readers[cell], thread))
      return false;
  return true;
}

void Shadow::shareWrite(uint32_t address, unsigned size) {
  for (uint32_t cell = address >> shift; cell != (address + size) >> shift; ++cell)
    writers[cell] = tag(time, ManyEqual, 0);
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------------------------------------------------------===//

void Shadow::beginAsync(uint32_t address, unsigned size, unsigned thread) {
  for (uint32_t cell = address >> shift; cell != (address + size) >> shift; ++cell)
    writers[cell] = pending | thread;
}

void Shadow::endAsync(uint32_t address, unsigned size, unsigned thread, uint32_t when) {
  for (uint32_t cell = address >> shift; cell != (address + size) >> shift; ++cell)
    writers[cell] = tag(when, Thread, thread);
}

/// A block that passes more barriers than a tag can count forgets what was before: a race may then be missed, none is made up.
void Shadow::tick() {
  if (++time >= timeLimit) {
    for (uint32_t &writer : writers)
      writer = writer < firstSpecial ? 0 : writer;
    std::fill(readers.begin(), readers.end(), 0);
    std::fill_n(&seen[0][0], maxWarps * maxWarps, 0);
    time = 1;
  }
  setLimits();
}

void Shadow::join(uint32_t waiting, uint32_t passing) {
  uint32_t all[maxWarps] = {};
  for (uint32_t mask = waiting | passing; mask; mask &= mask - 1) {
    unsigned w = static_cast<unsigned>(std::countr_zero(mask));
    for (unsigned other = 0; other < numWarps; ++other)
      all[other] = std::max(all[other], seen[w][other]);
    all[w] = time + 1;
  }
  for (uint32_t mask = waiting; mask; mask &= mask - 1)
    std::copy(all, all + numWarps, seen[std::countr_zero(mask)]);
  tick();
}

void Shadow::joinLanes(unsigned warp) {
  seen[warp][warp] = time + 1;
  tick();
}

void Shadow::release(unsigned warp, Clock &clock) {
  for (unsigned other = 0; other < numWarps; ++other)
    clock.before[other] = std::max(clock.before[other], seen[warp][other]);
  clock.before[warp] = time + 1;
  tick();
}

void Shadow::acquire(unsigned warp, const Clock &clock) {
  for (unsigned other = 0; other < numWarps; ++other)
    seen[warp][other] = std::max(seen[warp][other], std::min(clock.before[other], time));
  setLimits();
}

bool Shadow::seesWrites(uint32_t address, unsigned size, unsigned thread) const {
  for (uint32_t cell = address >> shift; cell != (address + size) >> shift; ++cell)
    if (!writerOrdered(writers[cell], thread))
      return false;
  return true;
}

} // namespace nncc::emu
