//===- Memory.cpp - ld and st ------------------------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"

namespace nncc::emu {

using ptx::bytesOf;
using ptx::Operand;

/// op: address, then the elements. S is what memory holds, D what the register holds: at least as wide.
template <class D, class S> static void loadRun(Warp &w, const Inst &i) {
  Lanes lanes;
  if (!w.block->resolve(w, i, i.op[0], sizeof(S) * i.count, Access::Read, lanes))
    return;
  for (unsigned k = 0; k < i.count; ++k) {
    D *d = w.out<D>(i.op[1 + k]);
    activeLanes(w.exec, [&](unsigned l) {
      S value;
      std::memcpy(&value, lanes.host[l] + k * sizeof(S), sizeof(S));
      d[l] = static_cast<D>(value);
    });
  }
}

template <class D, class S> static void storeRun(Warp &w, const Inst &i) {
  Lanes lanes;
  if (!w.block->resolve(w, i, i.op[0], sizeof(S) * i.count, Access::Write, lanes))
    return;
  for (unsigned k = 0; k < i.count; ++k) {
    const D *d = w.in<D>(i.op[1 + k]);
    activeLanes(w.exec, [&](unsigned l) {
      S value = static_cast<S>(d[l]);
      std::memcpy(lanes.host[l] + k * sizeof(S), &value, sizeof(S));
    });
  }
}

template <class S, bool isLoad> static Handler forRegister(unsigned bytes) {
  using U = std::make_unsigned_t<S>;
  if constexpr (sizeof(S) == 1)
    if (bytes == 1)
      return isLoad ? loadRun<uint8_t, S> : storeRun<uint8_t, U>;
  if constexpr (sizeof(S) <= 2)
    if (bytes == 2)
      return isLoad ? loadRun<uint16_t, S> : storeRun<uint16_t, U>;
  if constexpr (sizeof(S) <= 4)
    if (bytes == 4)
      return isLoad ? loadRun<uint32_t, S> : storeRun<uint32_t, U>;
  return bytes == 8 ? (isLoad ? loadRun<uint64_t, S> : storeRun<uint64_t, U>) : nullptr;
}

template <bool isLoad> static Handler forMemory(Type t, unsigned bytes) {
  switch (bytesOf(t)) {
  case 1:
    return ptx::isSigned(t) ? forRegister<int8_t, isLoad>(bytes) : forRegister<uint8_t, isLoad>(bytes);
  case 2:
    return ptx::isSigned(t) ? forRegister<int16_t, isLoad>(bytes) : forRegister<uint16_t, isLoad>(bytes);
  case 4:
    return ptx::isSigned(t) ? forRegister<int32_t, isLoad>(bytes) : forRegister<uint32_t, isLoad>(bytes);
  case 8:
    return forRegister<uint64_t, isLoad>(bytes);
  default:
    return nullptr;
  }
}

/// What tells caches and other threads how to treat an access; one warp at a time in memory without caches needs none of it.
static void takeHints(Decoder &d) {
  for (std::string_view hint : {"weak",
                                "volatile",
                                "relaxed",
                                "acquire",
                                "release",
                                "cta",
                                "gpu",
                                "sys",
                                "ca",
                                "cg",
                                "cs",
                                "lu",
                                "cv",
                                "wb",
                                "wt",
                                "nc",
                                "L1::evict_normal",
                                "L1::evict_unchanged",
                                "L1::evict_first",
                                "L1::evict_last",
                                "L1::no_allocate",
                                "L2::64B",
                                "L2::128B",
                                "L2::256B"})
    d.has(hint);
}

static Class classOf(Space space, bool isLoad) {
  return space == Space::Shared  ? Class::Shared
         : space == Space::Local ? Class::Local
         : space == Space::Param ? Class::Param
         : isLoad                ? Class::Load
                                 : Class::Store;
}

template <bool isLoad> static void buildAccess(Decoder &d, Inst &i) {
  i.space = d.space();
  takeHints(d);
  i.kind = classOf(i.space, isLoad);
  unsigned count = 1u << d.oneOf({"v1", "v2", "v4"}, 0);
  Type t = d.type();
  if (!d.operands(2, 2))
    return;
  if (!isLoad && (i.space == Space::Const || i.space == Space::Param))
    return d.fail("'" + d.spelled() + "': this space is read only");
  d.address(isLoad ? 1 : 0, i);
  const Operand &value = d.operand(isLoad ? 0 : 1);
  bool isVector = value.kind == Operand::Vector;
  const Operand *first = isVector ? value.elements.data() : &value;
  if ((isVector ? value.elements.size() : 1) != count || bytesOf(t) * count > 16)
    return d.fail("'" + d.spelled() + "': " + std::to_string(count) +
                  " elements of together at most 16 bytes expected");
  // All elements are in registers of one width; the narrowest that holds the type where there is none.
  Type width = t;
  for (unsigned k = 0; k < count; ++k)
    width = d.registerType(first[k], width);
  if (width == Type::Pred || bytesOf(width) < bytesOf(t))
    return d.fail("'" + d.spelled() + "': a register of at least " + std::to_string(8 * bytesOf(t)) + " bits expected");
  for (unsigned k = 0; k < count; ++k)
    isLoad ? d.out(first[k], width) : d.in(first[k], width);
  i.bytes = static_cast<uint8_t>(bytesOf(t)), i.count = static_cast<uint8_t>(count);
  i.run = forMemory<isLoad>(t, bytesOf(width));
  if (!i.run)
    d.fail("'" + d.spelled() + "' does not take ." + std::string(ptx::nameOf(t)));
}

static void nothing(Warp &, const Inst &) {}

/// A prefetch of a wrong address is no error on cards either.
static void buildPrefetch(Decoder &d, Inst &i) {
  i.kind = Class::Load;
  i.space = d.space();
  d.oneOf({"L1", "L2", "L2::evict_last", "L2::evict_normal"}, -1);
  if (!d.operands(1, 1))
    return;
  d.address(0, i);
  i.run = nothing;
}

std::span<const Builder> memoryBuilders() {
  static constexpr Builder table[] = {
      {"ld", buildAccess<true>}, {"ldu", buildAccess<true>}, {"st", buildAccess<false>}, {"prefetch", buildPrefetch}};
  return table;
}

} // namespace nncc::emu
