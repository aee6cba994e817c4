//===- Move.cpp - moves, logic and addresses ---------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"
#include "Warp.h"

namespace nncc::emu {

using ptx::bytesOf;
using ptx::Operand;

template <class F> static Handler byWidth(Decoder &d, Type t, F f) {
  switch (bytesOf(t)) {
  case 1:
    return f.template operator()<uint8_t>();
  case 2:
    return f.template operator()<uint16_t>();
  case 4:
    return f.template operator()<uint32_t>();
  case 8:
    return f.template operator()<uint64_t>();
  default:
    d.fail("'" + d.spelled() + "' does not take ." + std::string(ptx::nameOf(t)));
    return nullptr;
  }
}

static void movePredicate(Warp &w, const Inst &i) {
  uint32_t *d = w.out<uint32_t>(i.op[0]);
  *d = (*d & ~w.exec) | (*w.in<uint32_t>(i.op[1]) & w.exec);
}

/// mov.b64 d, {a, b}: `count` parts of `bytes`.
static void packRun(Warp &w, const Inst &i) {
  unsigned whole = i.bytes * i.count;
  std::byte *d = w.out<std::byte>(i.op[0]);
  for (unsigned part = 0; part < i.count; ++part) {
    const std::byte *s = w.in<std::byte>(i.op[1 + part]);
    activeLanes(w.exec, [&](unsigned l) { std::memcpy(d + l * whole + part * i.bytes, s + l * i.bytes, i.bytes); });
  }
}

static void unpackRun(Warp &w, const Inst &i) {
  unsigned whole = i.bytes * i.count;
  // The source may be one of the destinations' neighbours, never a destination: its width differs.
  const std::byte *s = w.in<std::byte>(i.op[i.count]);
  for (unsigned part = 0; part < i.count; ++part) {
    std::byte *d = w.out<std::byte>(i.op[part]);
    activeLanes(w.exec, [&](unsigned l) { std::memcpy(d + l * i.bytes, s + l * whole + part * i.bytes, i.bytes); });
  }
}

static void buildVectorMove(Decoder &d, Inst &i, Type t, const Operand &vector, bool packs) {
  size_t count = vector.elements.size();
  unsigned part = count ? bytesOf(t) / static_cast<unsigned>(count) : 0;
  Type element = part == 1 ? Type::B8 : part == 2 ? Type::B16 : part == 4 ? Type::B32 : Type::B64;
  if ((count != 2 && count != 4) || !part || bytesOf(t) > 8)
    return d.fail("'" + d.spelled() + "': a vector of 2 or 4 parts of the whole expected");
  i.bytes = static_cast<uint8_t>(part), i.count = static_cast<uint8_t>(count);
  if (packs)
    d.out(0, t);
  for (const Operand &o : vector.elements)
    packs ? d.in(o, element) : d.out(o, element);
  if (!packs)
    d.in(1, t);
  i.run = packs ? packRun : unpackRun;
}

/// Clocks and timers: what the warp's block has executed stands for time, so that it passes, and the same in every run.
template <class T> static void clockRun(Warp &w, const Inst &i) {
  T now = static_cast<T>(w.block->elapsed());
  eachLane<T>(w, i.op[0], [=](unsigned) { return now; });
}

static bool isClock(const Operand &o) {
  return o.kind == Operand::Special &&
         (o.name == "%clock" || o.name == "%clock64" || o.name == "%clock_hi" || o.name == "%globaltimer" ||
          o.name == "%globaltimer_lo" || o.name == "%globaltimer_hi");
}

static void buildMove(Decoder &d, Inst &i) {
  i.kind = Class::Move;
  Type t = d.type();
  if (!d.operands(2, 2))
    return;
  if (isClock(d.operand(1))) {
    const std::string &name = d.operand(1).name;
    bool high = name.size() > 3 && name.substr(name.size() - 3) == "_hi";
    d.out(0, t);
    if (bytesOf(t) != (name == "%clock64" || name == "%globaltimer" ? 8u : 4u))
      return d.fail("'" + d.spelled() + "': " + name + " has another width");
    if (high) {
      d.constant(0, t);
      i.run = mapUnary<uint32_t, uint32_t, [](uint32_t a) { return a; }>;
    } else {
      i.run = bytesOf(t) == 8 ? clockRun<uint64_t> : clockRun<uint32_t>;
    }
    return;
  }
  if (d.operand(1).kind == Operand::Vector)
    return buildVectorMove(d, i, t, d.operand(1), true);
  if (d.operand(0).kind == Operand::Vector)
    return buildVectorMove(d, i, t, d.operand(0), false);
  d.out(0, t);
  d.in(1, t);
  if (t == Type::Pred)
    i.run = movePredicate;
  else
    i.run = byWidth(d, t, []<class T>() -> Handler { return mapUnary<T, T, [](T a) { return a; }>; });
}

enum LogicOp { And, Or, Xor, Not, Cnot };

template <class T, LogicOp op> static T logic(T a, T b) {
  return static_cast<T>(op == And ? a & b : op == Or ? a | b : op == Xor ? a ^ b : op == Not ? ~a : a ? 0 : 1);
}

template <LogicOp op> static void predicateLogic(Warp &w, const Inst &i) {
  uint32_t *d = w.out<uint32_t>(i.op[0]);
  uint32_t r = logic<uint32_t, op>(*w.in<uint32_t>(i.op[1]), *w.in<uint32_t>(i.op[op >= Not ? 1 : 2]));
  *d = (*d & ~w.exec) | (r & w.exec);
}

template <LogicOp op> static void buildLogic(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  Type t = d.type();
  constexpr size_t count = op >= Not ? 2 : 3;
  if (!d.operands(count, count))
    return;
  d.out(0, t);
  for (size_t k = 1; k < count; ++k)
    d.in(k, t);
  if (t == Type::Pred) {
    i.run = predicateLogic<op>;
    return;
  }
  i.run = byWidth(d, t, []<class T>() -> Handler {
    if constexpr (op >= Not)
      return mapUnary<T, T, [](T a) { return logic<T, op>(a, a); }>;
    else
      return mapBinary<T, T, T, logic<T, op>>;
  });
}

static void addOffset(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.op[1]);
  eachLane<uint64_t>(w, i.op[0], [=, add = static_cast<uint64_t>(i.offset)](unsigned l) { return a[l] + add; });
}

static uint64_t windowOf(Space space) {
  return space == Space::Shared  ? sharedWindow
         : space == Space::Local ? localWindow
         : space == Space::Param ? paramWindow
                                 : 0;
}

/// Between an address of a space and a generic one.
static void buildCvta(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  bool to = d.has("to");
  uint64_t window = windowOf(d.space(false));
  Type t = d.type();
  if (bytesOf(t) != 8)
    return d.fail("'" + d.spelled() + "': addresses have 64 bits");
  if (!d.operands(2, 2))
    return;
  d.out(0, t);
  d.in(1, t);
  i.offset = static_cast<int64_t>(to ? -window : window);
  i.run = addOffset;
}

static void isSpaceRun(Warp &w, const Inst &i) {
  const uint64_t *a = w.in<uint64_t>(i.op[1]);
  uint64_t window = static_cast<uint64_t>(i.offset) / sharedWindow;
  eachBit(w, i.op[0], [&](unsigned l) {
    uint64_t of = a[l] / sharedWindow;
    return window ? of == window : of == 0 || of > 3;
  });
}

static void buildIsSpace(Decoder &d, Inst &i) {
  i.kind = Class::Integer;
  i.offset = static_cast<int64_t>(windowOf(d.space(false)));
  if (!d.operands(2, 2))
    return;
  d.out(0, Type::Pred);
  d.in(1, Type::U64);
  i.run = isSpaceRun;
}

std::span<const Builder> moveBuilders() {
  static constexpr Builder table[] = {{"mov", buildMove},       {"and", buildLogic<And>},  {"or", buildLogic<Or>},
                                      {"xor", buildLogic<Xor>}, {"not", buildLogic<Not>},  {"cnot", buildLogic<Cnot>},
                                      {"cvta", buildCvta},      {"isspacep", buildIsSpace}};
  return table;
}

} // namespace nncc::emu
