//===- Block.cpp - warps take turns; branches, exits and barriers ------------------------------------------------===//

#include "Block.h"
#include <algorithm>
#include <utility>

namespace nncc::emu {

/// Warp instructions before the next warp has its turn: one that spins on what another writes must not spin forever.
static constexpr unsigned quantum = 20000;

void Warp::trap(const Inst &i, unsigned lane, std::string message) {
  if (block->trap)
    return;
  unsigned t = thread(lane);
  const auto &size = block->shape.block;
  block->stopped = true;
  block->trap = Trap{block->program.name,
                     i.line,
                     block->position,
                     {t % size[0], t / size[0] % size[1], t / size[0] / size[1]},
                     std::move(message)};
}

Block::Block(const Launch &launch)
    : program(launch.program), memory(launch.memory), shape(launch.shape), checks(launch.checks), params(launch.params),
      threads(shape.block[0] * shape.block[1] * shape.block[2]) {
  size_t numWarps = (threads + numLanes - 1) / numLanes;
  warps.resize(numWarps);
  files.resize(numWarps * program.fileBytes + 64);
  local.resize(numWarps * numLanes * program.localBytes);
  localKnown.resize(local.size());
  shared.resize(program.dynamicOffset + shape.dynamicShared);
  shadow.configure(shared.size(), static_cast<unsigned>(numWarps), program.sharedGranule, checks.races,
                   checks.uninitialised);
  recent.resize(program.code.size());
  entered.resize(program.code.size() + 1);
  auto *base = files.data() + (64 - reinterpret_cast<uintptr_t>(files.data()) % 64) % 64;
  for (unsigned index = 0; index < numWarps; ++index) {
    Warp &w = warps[index];
    w.index = index, w.block = this, w.file = base + size_t(index) * program.fileBytes;
    for (const Constant &c : program.constants)
      for (unsigned l = 0; l < numLanes; ++l)
        std::memcpy(w.out<std::byte>(c.slot) + l * c.bytes, &c.value, c.bytes);
    fillSpecials(w, false);
  }
}

void Block::addTo(Counters &sum) const {
  int64_t count = 0, total = 0;
  for (size_t pc = 0; pc < program.code.size(); ++pc) {
    count += entered[pc];
    total += count;
    sum.instructions[static_cast<unsigned>(program.code[pc].kind)] += static_cast<uint64_t>(count);
  }
  sum.threadInstructions += static_cast<uint64_t>(total) * numLanes - idleLanes;
  sum += counters;
}

/// What special registers hold: those that depend on the block's position, or the others.
void Block::fillSpecials(Warp &w, bool ofPosition) {
  const auto &size = shape.block, &grid = shape.grid;
  for (auto [special, slot] : program.specials) {
    bool isPosition = special >= Special::CtaidX && special <= Special::CtaidZ;
    if (isPosition != ofPosition)
      continue;
    uint32_t *d = w.out<uint32_t>(slot);
    for (unsigned l = 0; l < numLanes; ++l) {
      unsigned t = w.thread(l);
      uint32_t values[] = {t % size[0],
                           t / size[0] % size[1],
                           t / size[0] / size[1],
                           size[0],
                           size[1],
                           size[2],
                           position[0],
                           position[1],
                           position[2],
                           grid[0],
                           grid[1],
                           grid[2],
                           l,
                           w.index,
                           static_cast<uint32_t>(warps.size()),
                           1u << l,
                           (2u << l) - 1,
                           (1u << l) - 1,
                           ~((1u << l) - 1),
                           ~((2u << l) - 1),
                           shape.dynamicShared,
                           static_cast<uint32_t>(shared.size()),
                           0,
                           1,
                           1,
                           0};
      static_assert(std::size(values) == static_cast<size_t>(Special::Count));
      d[l] = values[static_cast<size_t>(special)];
    }
  }
}

void Block::start() {
  for (Warp &w : warps) {
    unsigned lanes = std::min(threads - w.index * numLanes, numLanes);
    w.live = lanes == numLanes ? allLanes : (1u << lanes) - 1;
    w.now = {0, nowhere, w.live};
    w.suspended.clear();
    w.uncommitted.clear();
    w.groups.clear();
    w.waitsAt = -1, w.carry = 0;
    // Not what the block before has left: the order of blocks shall show nowhere.
    for (auto [first, bytes] : program.registers)
      std::memset(w.file + first, 0, bytes);
    fillSpecials(w, true);
  }
  std::fill(localKnown.begin(), localKnown.end(), 0);
  if (!checks.uninitialised) {
    std::fill(shared.begin(), shared.end(), std::byte(0xcb));
    std::fill(local.begin(), local.end(), std::byte(0xcb));
  }
  shadow.reset();
  phases = {};
  std::fill(std::begin(barriers), std::end(barriers), Barrier());
  executed = 0;
}

bool Block::run(std::array<unsigned, 3> at) {
  position = at;
  start();
  while (!stopped) {
    bool anyLive = false, progress = false;
    for (Warp &w : warps) {
      anyLive |= w.live != 0;
      if (!w.live || w.waitsAt >= 0)
        continue;
      progress = true;
      runWarp(w);
      if (stopped)
        return false;
    }
    if (!anyLive)
      return true;
    if (!progress)
      reportDeadlock();
    if (checks.blockBudget && executed > checks.blockBudget)
      warps[0].trap(program.code.back(), 0,
                    "the block has executed " + std::to_string(executed) + " instructions and does not end");
  }
  return false;
}

void Block::reportDeadlock() {
  for (Warp &w : warps) {
    if (w.waitsAt < 0)
      continue;
    const Barrier &b = barriers[w.waitsAt];
    const Inst &i = program.code[w.now.pc - 1];
    return w.trap(i, static_cast<unsigned>(std::countr_zero(w.live)),
                  "barrier " + std::to_string(w.waitsAt) + " is never complete: " + std::to_string(b.arrived) + " of " +
                      std::to_string(b.expected) +
                      " threads have arrived, and all others have exited or wait elsewhere");
  }
}

void Block::resume(Warp &w) {
  while ((!w.now.mask || w.now.pc == w.now.reconverge) && !w.suspended.empty()) {
    w.now = w.suspended.back();
    w.suspended.pop_back();
  }
}

void Block::exitLanes(Warp &w, uint32_t lanes) {
  w.live &= ~lanes;
  w.now.mask &= ~lanes;
  for (Frame &frame : w.suspended)
    frame.mask &= ~lanes;
}

void Block::branch(Warp &w, const Inst &i, uint32_t taken, uint32_t target) {
  uint32_t rest = w.now.mask & ~taken, next = w.now.pc + 1;
  if (!rest || !taken) {
    w.now.pc = taken ? target : next;
    return;
  }
  ++counters.divergentBranches;
  uint32_t join = i.reconverge;
  // Lanes that are already split and meet at the same place need not meet twice: a loop would pile up frames.
  if (w.now.reconverge != join)
    w.suspended.push_back({join, w.now.reconverge, w.now.mask});
  if (target == join || next == join) {
    w.now = target == join ? Frame{next, join, rest} : Frame{target, join, taken};
    return;
  }
  w.suspended.push_back({next, join, rest});
  w.now = {target, join, taken};
}

void Block::branchIndexed(Warp &w, const Inst &i, uint32_t lanes) {
  const uint32_t *index = w.in<uint32_t>(i.op[0]);
  uint32_t last = 0;
  activeLanes(lanes, [&](unsigned l) {
    if (index[l] >= i.target)
      w.trap(i, l, "brx.idx with index " + std::to_string(index[l]) + " of " + std::to_string(i.target) + " labels");
  });
  if (stopped)
    return;
  last = index[std::countr_zero(lanes)];
  bool uniform = lanes == w.now.mask;
  activeLanes(lanes, [&](unsigned l) { uniform &= index[l] == last; });
  if (uniform) {
    w.now.pc = i.op[1 + last];
    return;
  }
  ++counters.divergentBranches;
  uint32_t join = i.reconverge, mask = w.now.mask, next = w.now.pc + 1;
  if (w.now.reconverge != join)
    w.suspended.push_back({join, w.now.reconverge, mask});
  if (mask & ~lanes && next != join)
    w.suspended.push_back({next, join, mask & ~lanes});
  for (uint32_t rest = lanes; rest;) {
    uint32_t which = index[std::countr_zero(rest)], same = 0;
    activeLanes(rest, [&](unsigned l) { same |= uint32_t(index[l] == which) << l; });
    rest &= ~same;
    if (i.op[1 + which] != join)
      w.suspended.push_back({i.op[1 + which], join, same});
  }
  w.now.mask = 0;
}

/// Runs to the end of the straight run that begins with `i`; all its lanes stay together.
void Block::runStraight(Warp &w, const Inst *i) {
  const Inst *end = i + i->straight;
  uint32_t mask = w.now.mask;
  note(i->index, i->straight);
  idleLanes += i->straight * (numLanes - static_cast<unsigned>(std::popcount(mask)));
  w.exec = mask;
  for (; i != end && !stopped; ++i) {
    if (i->guard == noSlot) {
      i->run(w, *i);
      continue;
    }
    uint32_t p = *w.in<uint32_t>(i->guard), exec = mask & (i->guardNegated ? ~p : p);
    idleLanes += static_cast<unsigned>(std::popcount(mask ^ exec));
    if (!exec)
      continue;
    w.exec = exec;
    i->run(w, *i);
    w.exec = mask;
  }
  w.now.pc = end->index;
}

void Block::runWarp(Warp &w) {
  const Inst *code = program.code.data();
  for (uint64_t until = executed + quantum; executed < until && w.live && !stopped;) {
    if (w.now.pc == w.now.reconverge || !w.now.mask)
      resume(w);
    const Inst &i = code[w.now.pc];
    if (i.straight) {
      runStraight(w, &i);
      continue;
    }
    uint32_t exec = w.now.mask;
    if (i.guard != noSlot) {
      uint32_t p = *w.in<uint32_t>(i.guard);
      exec &= i.guardNegated ? ~p : p;
    }
    note(i.index, 1);
    idleLanes += numLanes - static_cast<unsigned>(std::popcount(exec));
    w.exec = exec;
    switch (i.flow) {
    case Flow::Next:
      break; // is in a straight run
    case Flow::Branch:
      branch(w, i, exec, i.target);
      break;
    case Flow::BranchIndexed:
      if (exec)
        branchIndexed(w, i, exec);
      else
        ++w.now.pc;
      break;
    case Flow::Exit:
      exitLanes(w, exec);
      ++w.now.pc;
      break;
    case Flow::Stop:
      if (exec)
        w.trap(i, static_cast<unsigned>(std::countr_zero(exec)), "the kernel executes trap");
      ++w.now.pc;
      break;
    case Flow::Wait:
      ++w.now.pc;
      if (exec)
        i.run(w, i);
      if (std::exchange(w.yields, false))
        return;
      break;
    case Flow::Barrier:
      ++w.now.pc;
      if (exec && !barrier(w, i))
        return;
      break;
    }
  }
}

//===----------------------------------------------------------------------------------------------------------------------===//
// Barriers: op = destination, barrier, threads, predicate; mode as in Control.cpp
//===----------------------------------------------------------------------------------------------------------------------===//

/// False where the warp has to wait, or where it is at fault.
bool Block::barrier(Warp &w, const Inst &i) {
  unsigned lane = static_cast<unsigned>(std::countr_zero(w.exec));
  unsigned lanes = std::min(threads - w.index * numLanes, numLanes);
  if (w.exec != w.live)
    w.trap(i, lane,
           "divergence at a barrier: of " + std::to_string(std::popcount(w.live)) + " threads of the warp only " +
               std::to_string(std::popcount(w.exec)) + " are there");
  else if (static_cast<unsigned>(std::popcount(w.live)) != lanes)
    w.trap(i, lane,
           "divergence at a barrier: " + std::to_string(lanes - static_cast<unsigned>(std::popcount(w.live))) +
               " threads of the warp have exited");
  uint32_t id = w.in<uint32_t>(i.op[1])[lane];
  constexpr uint32_t numBarriers = std::extent_v<decltype(barriers)>;
  if (id >= numBarriers)
    w.trap(i, lane, "barrier " + std::to_string(id) + ": there are " + std::to_string(numBarriers));
  if (stopped || id >= numBarriers)
    return false;
  Barrier &b = barriers[id];
  unsigned all = static_cast<unsigned>(warps.size()) * numLanes;
  unsigned expected = i.op[2] == noSlot ? all : w.in<uint32_t>(i.op[2])[lane];
  if (expected % numLanes || !expected || expected > all || (b.arrived && b.expected != expected)) {
    w.trap(i, lane,
           "barrier " + std::to_string(id) + " for " + std::to_string(expected) + " threads of " + std::to_string(all) +
               ": a multiple of 32 is expected, and the same for all who come");
    return false;
  }
  b.expected = expected;
  b.arrived += numLanes;
  if (i.op[3] != noSlot) {
    uint32_t p = *w.in<uint32_t>(i.op[3]);
    b.votes += static_cast<unsigned>(std::popcount((i.mode & 8 ? ~p : p) & w.exec));
    b.voters += static_cast<unsigned>(std::popcount(w.exec));
  }
  (i.mode == 1 ? b.passing : b.waiting) |= 1u << w.index;
  if (i.mode != 1)
    w.waitsAt = static_cast<int>(id);
  if (b.arrived >= b.expected)
    complete(b);
  return w.waitsAt < 0;
}

void Block::complete(Barrier &b) {
  activeLanes(b.waiting, [&](unsigned index) {
    Warp &w = warps[index];
    const Inst &i = program.code[w.now.pc - 1];
    w.waitsAt = -1;
    w.exec = w.live;
    unsigned mode = i.mode & 7;
    if (mode == 2)
      eachLane<uint32_t>(w, i.op[0], [&](unsigned) { return b.votes; });
    else if (mode > 2)
      eachBit(w, i.op[0], [&](unsigned) { return mode == 3 ? b.votes == b.voters : b.votes != 0; });
  });
  shadow.join(b.waiting, b.passing);
  b = {};
}

} // namespace nncc::emu
