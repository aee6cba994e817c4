//===- Control.cpp - branches, exits, barriers and fences --------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"

namespace nncc::emu {

using ptx::Operand;

static void nothing(Warp &, const Inst &) {}

static void buildBranch(Decoder &d, Inst &i) {
  i.kind = Class::Control;
  // What .uni promises is not relied upon.
  d.has("uni");
  i.flow = Flow::Branch;
  i.target = d.text().targets[0];
}

static void buildIndexedBranch(Decoder &d, Inst &i) {
  i.kind = Class::Control;
  d.has("uni");
  if (!d.has("idx"))
    return d.fail("'" + d.spelled() + "': brx.idx expected");
  i.flow = Flow::BranchIndexed;
  d.in(0, Type::U32);
  for (unsigned target : d.text().targets)
    d.slot(target);
  i.target = static_cast<uint32_t>(d.text().targets.size());
}

static void buildExit(Decoder &d, Inst &i) {
  i.kind = Class::Control;
  d.has("uni");
  d.operands(0, 0);
  i.flow = Flow::Exit;
}

static void buildTrap(Decoder &d, Inst &i) {
  i.kind = Class::Control;
  d.operands(0, 0);
  i.flow = Flow::Stop;
}

static void syncLanes(Warp &w, const Inst &i) {
  uint32_t mask = w.in<uint32_t>(i.op[0])[std::countr_zero(w.exec)];
  if (mask & w.live & ~w.exec)
    return w.trap(i, static_cast<unsigned>(std::countr_zero(w.exec)),
                  "divergence at bar.warp.sync: lane " + std::to_string(std::countr_zero(mask & w.live & ~w.exec)) +
                      " is named and is not there");
  if ((mask & w.live) == w.live)
    w.block->shadow.joinLanes(w.index);
}

/// bar.sync a, b - bar.arrive a, b - bar.red.popc.u32 d, a, b, p - bar.warp.sync mask; `mode` is what Block::barrier knows.
static void buildBarrier(Decoder &d, Inst &i) {
  i.kind = Class::Barrier;
  if (d.has("warp")) {
    d.oneOf({"sync"}, -1);
    if (d.operands(1, 1))
      d.in(0, Type::B32);
    i.run = syncLanes;
    return;
  }
  d.has("cta");
  d.has("aligned");
  int kind = d.oneOf({"sync", "arrive", "red"}, -1);
  i.flow = Flow::Barrier;
  i.mode = static_cast<uint8_t>(kind);
  size_t first = 0, last = d.numOperands();
  if (kind == 2) {
    int op = d.oneOf({"popc", "and", "or"}, -1);
    i.mode = static_cast<uint8_t>(2 + op);
    d.has(op ? "pred" : "u32");
    if (!d.operands(3, 4))
      return;
    d.out(0, op ? Type::Pred : Type::U32);
    first = 1, --last;
  } else {
    if (!d.operands(kind == 1 ? 2 : 1, 2))
      return;
    d.slot(noSlot);
  }
  d.in(first, Type::U32);
  first + 1 < last ? d.in(first + 1, Type::U32) : d.slot(noSlot);
  if (kind != 2)
    return d.slot(noSlot);
  Operand p = d.operand(last);
  i.mode = static_cast<uint8_t>(i.mode | (p.negated ? 8 : 0));
  p.negated = false;
  d.in(p, Type::Pred);
}

/// Memory is always coherent here; whether a fence is missing between threads is for the race check to say.
static void buildFence(Decoder &d, Inst &i) {
  i.kind = Class::Barrier;
  // Between kinds of accesses, and between the blocks of a cluster, of which each has one block here.
  for (std::string_view word : {"sc", "acq_rel", "acquire", "release", "proxy", "async", "alias", "mbarrier_init",
                                "cluster", "global", "shared::cta", "async.global", "async.shared::cta"})
    d.has(word);
  if (d.oneOf({"cta", "gpu", "gl", "sys"}, 0) != 0)
    d.communicates();
  d.operands(0, 0);
  i.run = nothing;
}

static void buildSleep(Decoder &d, Inst &i) {
  i.kind = Class::Control;
  d.has("u32");
  d.operands(1, 1);
  i.run = nothing;
}

/// What concerns how a card schedules, and not what a kernel does: dependent launches begin when the one before has ended.
static void buildSchedulingHint(Decoder &d, Inst &i) {
  i.kind = Class::Control;
  for (std::string_view word : {"launch_dependents", "wait", "inc", "dec", "sync", "aligned", "u32"})
    d.has(word);
  d.operands(0, 1);
  i.run = nothing;
}

std::span<const Builder> controlBuilders() {
  static constexpr Builder table[] = {
      {"bra", buildBranch},
      {"brx", buildIndexedBranch},
      {"ret", buildExit},
      {"exit", buildExit},
      {"trap", buildTrap},
      {"bar", buildBarrier},
      {"barrier", buildBarrier},
      {"membar", buildFence},
      {"fence", buildFence},
      {"nanosleep", buildSleep},
      {"griddepcontrol", buildSchedulingHint},
      {"setmaxnreg", buildSchedulingHint},
  };
  return table;
}

} // namespace nncc::emu
