//===- Atomic.cpp - atom and red ---------------------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"
#include "Numbers.h"

namespace nncc::emu {

using ptx::bytesOf;

enum AtomicOp : uint8_t { Add, Min, Max, And, Or, Xor, Exch, Cas, Inc, Dec };

template <class T> static T updated(AtomicOp op, T old, T b, T c) {
  if constexpr (std::is_floating_point_v<T>) {
    return op == Add ? old + b : b;
  } else {
    using U = std::make_unsigned_t<T>;
    switch (op) {
    case Add:
      return static_cast<T>(static_cast<U>(old) + static_cast<U>(b));
    case Min:
      return old < b ? old : b;
    case Max:
      return old < b ? b : old;
    case And:
      return old & b;
    case Or:
      return old | b;
    case Xor:
      return old ^ b;
    case Exch:
      return b;
    case Cas:
      return old == b ? c : old;
    case Inc:
      return old >= b ? 0 : old + 1;
    case Dec:
      return old == 0 || old > b ? b : old - 1;
    }
    return old;
  }
}

/// op: address, destination or noSlot, b, c or noSlot. Lanes take their turn in the order of their numbers.
template <class T> static void atomicRun(Warp &w, const Inst &i) {
  Lanes lanes;
  if (!w.block->resolve(w, i, i.op[0], sizeof(T), Access::Atomic, lanes))
    return;
  const T *b = w.in<T>(i.op[2]), *c = i.op[3] == noSlot ? b : w.in<T>(i.op[3]);
  T *d = i.op[1] == noSlot ? nullptr : w.out<T>(i.op[1]);
  activeLanes(w.exec, [&](unsigned l) {
    T old;
    std::memcpy(&old, lanes.host[l], sizeof(T));
    T now = updated(static_cast<AtomicOp>(i.mode), old, b[l], c[l]);
    std::memcpy(lanes.host[l], &now, sizeof(T));
    if (d)
      d[l] = old;
  });
}

/// Sums of halves or bf16, each half of a word by itself. Sums of two of them are exact in double.
template <auto from, auto to> static uint32_t addPairs(uint32_t a, uint32_t b) {
  auto sum = [&](unsigned shift) {
    double exact = double(from(static_cast<uint16_t>(a >> shift))) + from(static_cast<uint16_t>(b >> shift));
    return static_cast<uint32_t>(to(oddFloat(exact), Rounding::Nearest)) << shift;
  };
  return sum(0) | sum(16);
}

/// As atomicRun; T holds one or two numbers.
template <class T, auto from, auto to> static void atomicAddRun(Warp &w, const Inst &i) {
  Lanes lanes;
  if (!w.block->resolve(w, i, i.op[0], sizeof(T), Access::Atomic, lanes))
    return;
  const T *b = w.in<T>(i.op[2]);
  T *d = i.op[1] == noSlot ? nullptr : w.out<T>(i.op[1]);
  activeLanes(w.exec, [&](unsigned l) {
    T old;
    std::memcpy(&old, lanes.host[l], sizeof(T));
    T now = static_cast<T>(addPairs<from, to>(old, b[l]));
    std::memcpy(lanes.host[l], &now, sizeof(T));
    if (d)
      d[l] = old;
  });
}

static Handler handlerFor(Type t, AtomicOp op) {
  switch (t) {
  case Type::U32:
  case Type::B32:
    return atomicRun<uint32_t>;
  case Type::S32:
    return atomicRun<int32_t>;
  case Type::U64:
  case Type::B64:
    return atomicRun<uint64_t>;
  case Type::S64:
    return atomicRun<int64_t>;
  case Type::F32:
    return op == Add ? atomicRun<float> : nullptr;
  case Type::F64:
    return op == Add ? atomicRun<double> : nullptr;
  case Type::F16:
    return op == Add ? atomicAddRun<uint16_t, fromHalf, toHalf> : nullptr;
  case Type::F16x2:
    return op == Add ? atomicAddRun<uint32_t, fromHalf, toHalf> : nullptr;
  case Type::BF16:
    return op == Add ? atomicAddRun<uint16_t, fromBrain, toBrain> : nullptr;
  case Type::BF16x2:
    return op == Add ? atomicAddRun<uint32_t, fromBrain, toBrain> : nullptr;
  default:
    return nullptr;
  }
}

static void buildAtomic(Decoder &d, Inst &i) {
  i.kind = Class::Atomic;
  bool gives = d.text().opcode == "atom";
  d.oneOf({"relaxed", "acquire", "release", "acq_rel"}, 0);
  d.oneOf({"cta", "gpu", "sys"}, 0);
  i.space = d.space();
  i.mode = static_cast<uint8_t>(d.oneOf({"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"}, -1));
  bool keepsSubnormals = d.has("noftz");
  Type t = d.type();
  bool isHalf = t == Type::F16 || t == Type::F16x2 || t == Type::BF16 || t == Type::BF16x2;
  if (isHalf != keepsSubnormals)
    return d.fail("'" + d.spelled() + "': .noftz is for sums of f16 and bf16, and must be there");
  size_t first = gives ? 1 : 0, count = first + 2 + (i.mode == Cas);
  if (!d.operands(count, count))
    return;
  d.address(first, i);
  d.touches(i, bytesOf(t));
  if (i.space != Space::Shared)
    d.communicates();
  gives ? d.out(0, t) : d.slot(noSlot);
  d.in(first + 1, t);
  i.mode == Cas ? d.in(first + 2, t) : d.slot(noSlot);
  i.run = handlerFor(t, static_cast<AtomicOp>(i.mode));
  if (!i.run)
    d.fail("'" + d.spelled() + "': this operation is not emulated for ." + std::string(ptx::nameOf(t)));
}

std::span<const Builder> atomicBuilders() {
  static constexpr Builder table[] = {{"atom", buildAtomic}, {"red", buildAtomic}};
  return table;
}

} // namespace nncc::emu
