//===- Shuffle.cpp - what lanes of a warp tell each other --------------------------------------------------------===//

#include "Decoder.h"
#include "Warp.h"

namespace nncc::emu {

using ptx::Operand;

/// Every lane that a mask names must be there, unless it has exited; false where one is not.
static bool gathered(Warp &w, const Inst &i, Slot slot) {
  if (slot == noSlot)
    return true;
  const uint32_t *mask = w.in<uint32_t>(slot);
  activeLanes(w.exec, [&](unsigned l) {
    if (!(mask[l] >> l & 1))
      w.trap(i, l, "the lane is not in its own member mask");
    else if (uint32_t missing = mask[l] & w.live & ~w.exec)
      w.trap(i, l,
             "divergence: the member mask names lane " + std::to_string(std::countr_zero(missing)) +
                 ", which is not there");
  });
  uint32_t named = mask[std::countr_zero(w.exec)];
  return !(named & w.live & ~w.exec) && named >> std::countr_zero(w.exec) & 1;
}

enum ShuffleMode { Up, Down, Bfly, Idx };

/// op: destination, predicate or noSlot, a, b, c, mask or noSlot.
static void shuffleRun(Warp &w, const Inst &i) {
  if (!gathered(w, i, i.op[5]))
    return;
  const uint32_t *a = w.in<uint32_t>(i.op[2]), *b = w.in<uint32_t>(i.op[3]), *c = w.in<uint32_t>(i.op[4]);
  uint32_t values[numLanes] = {}, inRange = 0;
  activeLanes(w.exec, [&](unsigned l) {
    int lane = static_cast<int>(l), step = b[l] & 31, segment = c[l] >> 8 & 31, clamp = c[l] & 31;
    int first = lane & segment, last = first | (clamp & ~segment);
    int from = i.mode == Up     ? lane - step
               : i.mode == Down ? lane + step
               : i.mode == Bfly ? lane ^ step
                                : first | (step & ~segment);
    bool in = i.mode == Up ? from >= last : from <= last;
    from = in ? from : lane;
    inRange |= uint32_t(in) << l;
    if (!(w.exec >> from & 1))
      w.trap(i, l, "shfl reads lane " + std::to_string(from) + ", which does not execute it");
    values[l] = a[from];
  });
  eachLane<uint32_t>(w, i.op[0], [&](unsigned l) { return values[l]; });
  if (i.op[1] != noSlot)
    eachBit(w, i.op[1], [&](unsigned l) { return inRange >> l & 1; });
}

static void buildShuffle(Decoder &d, Inst &i) {
  i.kind = Class::Shuffle;
  bool sync = d.has("sync");
  i.mode = static_cast<uint8_t>(d.oneOf({"up", "down", "bfly", "idx"}, -1));
  d.type();
  if (!d.operands(sync ? 5 : 4, sync ? 5 : 4))
    return;
  const Operand &to = d.operand(0);
  if (to.kind == Operand::Pair) {
    d.out(to.elements[0], Type::B32);
    d.out(to.elements[1], Type::Pred);
  } else {
    d.out(0, Type::B32);
    d.slot(noSlot);
  }
  for (size_t k = 1; k < 4; ++k)
    d.in(k, Type::B32);
  sync ? d.in(4, Type::B32) : d.slot(noSlot);
  i.run = shuffleRun;
}

enum VoteMode { All, Any, Uni, Ballot };

/// op: destination, predicate, mask or noSlot; `count` is 1 where the predicate is negated.
static void voteRun(Warp &w, const Inst &i) {
  if (!gathered(w, i, i.op[2]))
    return;
  uint32_t p = *w.in<uint32_t>(i.op[1]);
  uint32_t votes = (i.count ? ~p : p) & w.exec;
  if (i.mode == Ballot)
    return eachLane<uint32_t>(w, i.op[0], [=](unsigned) { return votes; });
  bool all = votes == w.exec, none = !votes;
  eachBit(w, i.op[0], [&](unsigned) { return i.mode == All ? all : i.mode == Any ? !none : all || none; });
}

static void buildVote(Decoder &d, Inst &i) {
  i.kind = Class::Shuffle;
  bool sync = d.has("sync");
  i.mode = static_cast<uint8_t>(d.oneOf({"all", "any", "uni", "ballot"}, -1));
  Type t = d.type();
  if (!d.operands(sync ? 3 : 2, sync ? 3 : 2))
    return;
  d.out(0, i.mode == Ballot ? Type::B32 : t);
  Operand p = d.operand(1);
  i.count = p.negated;
  p.negated = false;
  d.in(p, Type::Pred);
  sync ? d.in(2, Type::B32) : d.slot(noSlot);
  i.run = voteRun;
}

/// op: destination, predicate or noSlot, a, mask.
template <class T> static void matchRun(Warp &w, const Inst &i) {
  if (!gathered(w, i, i.op[3]))
    return;
  const T *a = w.in<T>(i.op[2]);
  uint32_t masks[numLanes] = {};
  bool all = true;
  T first = a[std::countr_zero(w.exec)];
  activeLanes(w.exec, [&](unsigned l) {
    all &= a[l] == first;
    activeLanes(w.exec, [&](unsigned other) { masks[l] |= uint32_t(a[other] == a[l]) << other; });
  });
  bool wantsAll = i.mode;
  uint32_t exec = w.exec;
  eachLane<uint32_t>(w, i.op[0], [&](unsigned l) { return wantsAll ? (all ? exec : 0) : masks[l]; });
  if (i.op[1] != noSlot)
    eachBit(w, i.op[1], [&](unsigned) { return all; });
}

static void buildMatch(Decoder &d, Inst &i) {
  i.kind = Class::Shuffle;
  i.mode = static_cast<uint8_t>(d.oneOf({"any", "all"}, -1));
  if (!d.has("sync"))
    return d.fail("'" + d.spelled() + "' lacks .sync");
  Type t = d.type();
  if (!d.operands(3, 3))
    return;
  const Operand &to = d.operand(0);
  bool pair = to.kind == Operand::Pair;
  d.out(pair ? to.elements[0] : to, Type::B32);
  pair ? d.out(to.elements[1], Type::Pred) : d.slot(noSlot);
  d.in(1, t);
  d.in(2, Type::B32);
  i.run = ptx::bytesOf(t) == 8 ? matchRun<uint64_t> : matchRun<uint32_t>;
}

enum ReduxMode { Add, Min, Max, And, Or, Xor };

template <class T> static void reduxRun(Warp &w, const Inst &i) {
  if (!gathered(w, i, i.op[2]))
    return;
  const T *a = w.in<T>(i.op[1]);
  T r = a[std::countr_zero(w.exec)];
  activeLanes(w.exec & (w.exec - 1), [&](unsigned l) {
    T x = a[l];
    switch (i.mode) {
    case Add:
      r = static_cast<T>(static_cast<uint32_t>(r) + static_cast<uint32_t>(x));
      break;
    case Min:
      r = std::min(r, x);
      break;
    case Max:
      r = std::max(r, x);
      break;
    default:
      r = i.mode == And ? r & x : i.mode == Or ? r | x : r ^ x;
    }
  });
  eachLane<T>(w, i.op[0], [=](unsigned) { return r; });
}

static void buildRedux(Decoder &d, Inst &i) {
  i.kind = Class::Shuffle;
  d.oneOf({"sync"}, -1);
  i.mode = static_cast<uint8_t>(d.oneOf({"add", "min", "max", "and", "or", "xor"}, -1));
  Type t = d.type();
  if (ptx::bytesOf(t) != 4 || ptx::isFloat(t))
    return d.fail("'" + d.spelled() + "' is for integers of 32 bits");
  if (!d.operands(3, 3))
    return;
  d.out(0, t);
  d.in(1, t);
  d.in(2, Type::B32);
  i.run = t == Type::S32 ? reduxRun<int32_t> : reduxRun<uint32_t>;
}

static void activeMask(Warp &w, const Inst &i) {
  eachLane<uint32_t>(w, i.op[0], [mask = w.exec](unsigned) { return mask; });
}

static void buildActiveMask(Decoder &d, Inst &i) {
  i.kind = Class::Shuffle;
  d.type();
  if (d.operands(1, 1))
    d.out(0, Type::B32);
  i.run = activeMask;
}

/// elect.sync d|p, mask: the lowest lane of the mask is the leader.
static void electRun(Warp &w, const Inst &i) {
  if (!gathered(w, i, i.op[2]))
    return;
  uint32_t leader = static_cast<uint32_t>(std::countr_zero(w.exec));
  eachLane<uint32_t>(w, i.op[0], [=](unsigned) { return leader; });
  eachBit(w, i.op[1], [=](unsigned l) { return l == leader; });
}

static void buildElect(Decoder &d, Inst &i) {
  i.kind = Class::Shuffle;
  d.oneOf({"sync"}, -1);
  if (!d.operands(2, 2))
    return;
  const Operand &to = d.operand(0);
  if (to.kind != Operand::Pair)
    return d.fail("'" + d.spelled() + "': a register and a predicate expected, as in %r1|%p1");
  d.out(to.elements[0], Type::B32);
  d.out(to.elements[1], Type::Pred);
  d.in(1, Type::B32);
  i.run = electRun;
}

std::span<const Builder> shuffleBuilders() {
  static constexpr Builder table[] = {{"shfl", buildShuffle},          {"vote", buildVote},
                                      {"match", buildMatch},           {"redux", buildRedux},
                                      {"activemask", buildActiveMask}, {"elect", buildElect}};
  return table;
}

} // namespace nncc::emu
