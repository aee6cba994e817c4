//===- Mbarrier.cpp - mbarrier and the bulk copies that arrive at one --------------------------------------------===//
///
/// \file
/// Bytes of a bulk copy are there at once, as are those of cp.async; their target is not to be touched before the phase that they belong to has been
/// waited for. An arrival passes on what the whole warp of the arriving thread did before.
///
//===----------------------------------------------------------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"

namespace nncc::emu {

using ptx::Operand;

namespace {
enum Verb : uint8_t { Init, Inval, Arrive, ArriveDrop, ExpectTx, CompleteTx, TestWait, AsyncArrive };
/// In `count`.
enum Flag : uint8_t { AlsoExpects = 1, ByParity = 2, NoIncrease = 4, HasCount = 8 };

constexpr uint32_t mostArrivals = (1 << 20) - 1;
/// A state: the phases that had ended, and the arrivals that lacked.
constexpr unsigned stateShift = 20;
/// Waits that find nothing new before the block is taken to wait for ever.
constexpr uint64_t mostFutile = 200000;
} // namespace

/// Null, with a trap, where none is at the address of the lane.
static Mbarrier *barrierAt(Warp &w, const Inst &i, unsigned lane, uint64_t address) {
  Block &block = *w.block;
  uint32_t at = static_cast<uint32_t>(address);
  auto found = block.phases.barriers.find(at);
  bool isThere = address <= block.shared.size() && found != block.phases.barriers.end();
  if (isThere && block.shadow.seesWrites(at, 8, w.thread(lane)))
    return &found->second;
  w.trap(i, lane,
         "mbarrier at shared address " + std::to_string(static_cast<int64_t>(address)) +
             (isThere ? ": no barrier stands between its initialisation and this use" : ": it was not initialised"));
  return nullptr;
}

static void endPhaseIfComplete(Warp &w, Mbarrier &b) {
  if (b.pending || b.bytes)
    return;
  Block &block = *w.block;
  for (AsyncCopy &copy : b.copies) {
    copy.time = block.shadow.now();
    block.shadow.release(copy.thread / numLanes, b.arrived);
    b.landed.push_back(copy);
  }
  b.copies.clear();
  ++b.phase;
  b.pending = b.expected;
  b.done = b.arrived;
  b.arrived = {};
}

static void arrive(Warp &w, const Inst &i, unsigned lane, Mbarrier &b, uint32_t count) {
  if (count > b.pending)
    return w.trap(i, lane,
                  "mbarrier: " + std::to_string(count) + " arrive, and only " + std::to_string(b.pending) + " of " +
                      std::to_string(b.expected) + " are missing in this phase");
  w.block->shadow.release(w.index, b.arrived);
  b.pending -= count;
}

/// The copies of a thread belong to the barrier's phase from now on.
static void takeCopies(Warp &w, unsigned thread, Mbarrier &b) {
  auto take = [&](std::vector<AsyncCopy> &from) {
    std::erase_if(from, [&](const AsyncCopy &copy) {
      if (copy.thread == thread)
        b.copies.push_back(copy);
      return copy.thread == thread;
    });
  };
  take(w.uncommitted);
  for (auto &group : w.groups)
    take(group);
}

static void initialise(Warp &w, const Inst &i, unsigned lane, uint64_t address, uint32_t count) {
  if (!count || count > mostArrivals)
    return w.trap(i, lane, "mbarrier.init with " + std::to_string(count) + " arrivals: 1 to 1048575 are expected");
  Mbarrier b;
  b.expected = count, b.pending = count;
  w.block->phases.barriers[static_cast<uint32_t>(address)] = std::move(b);
}

/// op: address, destination or noSlot, operand (count, bytes, state or parity) or noSlot, count of arrivals beside bytes or noSlot.
static void mbarrierRun(Warp &w, const Inst &i) {
  Block &block = *w.block;
  Verb verb = static_cast<Verb>(i.mode);
  Lanes lanes;
  if (verb == Init || verb == Inval) {
    if (!block.resolve(w, i, i.op[0], 8, Access::Write, lanes))
      return;
  }
  block.phases.futile = 0;
  activeLanes(w.exec, [&](unsigned l) {
    if (block.stopped)
      return;
    uint64_t address = block.sharedAddress(w, i, i.op[0], l);
    uint32_t value = i.op[2] == noSlot ? 1 : w.in<uint32_t>(i.op[2])[l];
    if (verb == Init) {
      std::memset(block.shared.data() + address, 0, 8);
      return initialise(w, i, l, address, value);
    }
    Mbarrier *b = barrierAt(w, i, l, address);
    if (!b)
      return;
    if (verb == Inval) {
      block.phases.barriers.erase(static_cast<uint32_t>(address));
      return;
    }
    uint64_t state = b->phase << stateShift | static_cast<uint64_t>(b->pending);
    if (verb == AsyncArrive)
      takeCopies(w, w.thread(l), *b);
    if (verb == ExpectTx || i.count & AlsoExpects)
      b->bytes += value;
    if (verb == CompleteTx)
      b->bytes -= value;
    if (verb == ArriveDrop)
      b->expected -= 1;
    bool counts = verb == Arrive || verb == ArriveDrop || (verb == AsyncArrive && i.count & NoIncrease);
    if (counts)
      arrive(w, i, l, *b, i.op[3] != noSlot ? w.in<uint32_t>(i.op[3])[l] : i.count & HasCount ? value : 1);
    if (!block.stopped)
      endPhaseIfComplete(w, *b);
    if (i.op[1] != noSlot)
      w.out<uint64_t>(i.op[1])[l] = state;
  });
}

/// op: address, predicate, state or parity.
static void waitRun(Warp &w, const Inst &i) {
  Block &block = *w.block;
  uint32_t over = 0;
  activeLanes(w.exec, [&](unsigned l) {
    Mbarrier *b = block.stopped ? nullptr : barrierAt(w, i, l, block.sharedAddress(w, i, i.op[0], l));
    if (!b)
      return;
    bool passed = i.count & ByParity ? (b->phase & 1) != (w.in<uint32_t>(i.op[2])[l] & 1)
                                     : b->phase != w.in<uint64_t>(i.op[2])[l] >> stateShift;
    if (passed) {
      block.shadow.acquire(w.index, b->done);
      for (const AsyncCopy &copy : b->landed)
        block.shadow.endAsync(copy.shared, copy.bytes, copy.thread, copy.time);
      b->landed.clear();
    }
    over |= uint32_t(passed) << l;
  });
  eachBit(w, i.op[1], [=](unsigned l) { return over >> l & 1; });
  if (over) {
    block.phases.futile = 0;
  } else {
    // Whoever may bring the phase to its end shall have its turn.
    w.yields = true;
    if (++block.phases.futile > mostFutile)
      w.trap(i, static_cast<unsigned>(std::countr_zero(w.exec)),
             "mbarrier: the block waits for a phase that nobody brings to its end");
  }
}

/// Bytes of the mbarrier are its own: what a handler does there is no access of the program's.
static void buildMbarrier(Decoder &d, Inst &i) {
  i.kind = Class::Barrier;
  constexpr Verb verbs[] = {Init, Inval, Arrive, ArriveDrop, ExpectTx, CompleteTx, TestWait, TestWait};
  bool pendingCount = d.has("pending_count");
  int verb =
      pendingCount
          ? 0
          : d.oneOf({"init", "inval", "arrive", "arrive_drop", "expect_tx", "complete_tx", "test_wait", "try_wait"},
                    -1);
  for (std::string_view word : {"release", "acquire", "relaxed", "cta", "cluster", "noComplete"})
    d.has(word);
  if (pendingCount) {
    d.type();
    if (!d.operands(2, 2))
      return;
    d.out(0, Type::U32);
    d.in(1, Type::B64);
    i.run = [](Warp &warp, const Inst &inst) {
      const uint64_t *state = warp.in<uint64_t>(inst.op[1]);
      eachLane<uint32_t>(warp, inst.op[0], [=](unsigned l) { return static_cast<uint32_t>(state[l] & mostArrivals); });
    };
    return;
  }
  if (verb < 0)
    return;
  i.mode = static_cast<uint8_t>(verbs[verb]);
  if ((verb == 2 || verb == 3) && d.has("expect_tx"))
    i.count = AlsoExpects;
  else
    i.count = verb >= 6 && d.has("parity") ? ByParity : 0;
  i.space = d.space();
  d.type();
  if (i.space == Space::Generic)
    i.space = Space::Shared, i.bytes = 1;
  size_t first = 0, count = d.numOperands();
  bool gives = verb >= 6 || ((verb == 2 || verb == 3) && count && d.operand(0).kind != Operand::Address);
  if (!d.operands(gives ? 2 : 1, gives ? 4 : 3))
    return;
  first = gives ? 1 : 0;
  Inst generic = i;
  generic.space = i.bytes ? Space::Generic : i.space;
  d.address(first, generic);
  i.offset = generic.offset, i.wideAddress = generic.wideAddress;
  if (verb >= 6) {
    d.out(0, Type::Pred);
    d.in(2, i.count & ByParity ? Type::B32 : Type::B64);
    // A hint of how long to sleep may follow; time does not pass here.
    if (count == 4)
      d.in(3, Type::B32);
    i.flow = Flow::Wait;
    i.run = waitRun;
    return;
  }
  gives ? d.out(0, Type::B64) : d.slot(noSlot);
  if (first + 1 < count) {
    d.in(first + 1, Type::B32);
    i.count |= i.count & AlsoExpects || verb > 3 ? 0 : HasCount;
  } else {
    d.slot(noSlot);
  }
  first + 2 < count ? d.in(first + 2, Type::B32) : d.slot(noSlot);
  d.touches(i, 4);
  i.run = mbarrierRun;
}

void buildAsyncArrive(Decoder &d, Inst &i) {
  i.kind = Class::Async;
  d.oneOf({"arrive"}, -1);
  i.mode = AsyncArrive;
  i.count = d.has("noinc") ? NoIncrease : 0;
  i.space = d.space();
  d.type();
  if (!d.operands(1, 1))
    return;
  if (i.space != Space::Shared)
    return d.fail("'" + d.spelled() + "': .shared expected");
  d.address(0, i);
  for (unsigned k = 0; k < 3; ++k)
    d.slot(noSlot);
  i.run = mbarrierRun;
}

/// cp.async.bulk from global to shared memory. op: target, source, bytes, mbarrier.
static void bulkRun(Warp &w, const Inst &i) {
  Block &block = *w.block;
  activeLanes(w.exec, [&](unsigned l) {
    uint64_t to = block.sharedAddress(w, i, i.op[0], l), from = w.in<uint64_t>(i.op[1])[l];
    uint32_t bytes = w.in<uint32_t>(i.op[2])[l];
    if (block.stopped || !block.copyBulk(w, i, l, to, from, bytes))
      return;
    Inst barrier = i;
    uint64_t at = block.sharedAddress(w, barrier, i.op[3], l);
    if (Mbarrier *b = barrierAt(w, i, l, at)) {
      block.shadow.beginAsync(static_cast<uint32_t>(to), bytes, w.thread(l));
      b->copies.push_back({static_cast<uint32_t>(to), bytes, static_cast<uint16_t>(w.thread(l))});
      b->bytes -= bytes;
      block.phases.futile = 0;
      endPhaseIfComplete(w, *b);
    }
  });
}

void buildBulk(Decoder &d, Inst &i) {
  i.kind = Class::Async;
  bool target = d.has("shared::cluster") || d.has("shared::cta");
  if (!target || !d.has("global") || !d.has("mbarrier::complete_tx::bytes"))
    return d.fail("'" + d.spelled() + "': of the bulk copies only that from .global to .shared is emulated");
  bool hinted = d.has("L2::cache_hint");
  if (!d.operands(hinted ? 5 : 4, hinted ? 5 : 4))
    return;
  i.space = Space::Shared;
  Inst source, barrier;
  source.space = Space::Global, barrier.space = Space::Shared;
  d.address(0, i);
  d.address(1, source);
  d.in(2, Type::B32);
  d.address(3, barrier);
  if (source.offset || barrier.offset || i.offset || source.wideAddress == barrier.wideAddress ||
      i.wideAddress != barrier.wideAddress)
    return d.fail("'" + d.spelled() +
                  "': addresses in registers, without offsets, those of shared memory of 32 bits, are "
                  "expected");
  d.touches(i, 4);
  i.run = bulkRun;
}

std::span<const Builder> mbarrierBuilders() {
  static constexpr Builder table[] = {{"mbarrier", buildMbarrier}};
  return table;
}

} // namespace nncc::emu
