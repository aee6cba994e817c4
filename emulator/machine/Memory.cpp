//===- Memory.cpp - ld and st ------------------------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"

namespace nncc::emu {

using ptx::bytesOf;
using ptx::Operand;

/// Four registers of 4 lanes, and 4 times 16 bytes of memory: each way a transposition.
template <class At> static void loadQuads(Warp &w, const Inst &i, At at) {
  for (unsigned l = 0; l < numLanes; l += 4) {
    __m128 a = _mm_loadu_ps(at(l)), b = _mm_loadu_ps(at(l + 1)), c = _mm_loadu_ps(at(l + 2)),
           d = _mm_loadu_ps(at(l + 3));
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(w.out<float>(i.op[1]) + l, a);
    _mm_storeu_ps(w.out<float>(i.op[2]) + l, b);
    _mm_storeu_ps(w.out<float>(i.op[3]) + l, c);
    _mm_storeu_ps(w.out<float>(i.op[4]) + l, d);
  }
}

template <class At> static void storeQuads(const Warp &w, const Inst &i, At at) {
  for (unsigned l = 0; l < numLanes; l += 4) {
    __m128 a = _mm_loadu_ps(w.in<float>(i.op[1]) + l), b = _mm_loadu_ps(w.in<float>(i.op[2]) + l);
    __m128 c = _mm_loadu_ps(w.in<float>(i.op[3]) + l), d = _mm_loadu_ps(w.in<float>(i.op[4]) + l);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(at(l), a);
    _mm_storeu_ps(at(l + 1), b);
    _mm_storeu_ps(at(l + 2), c);
    _mm_storeu_ps(at(l + 3), d);
  }
}

template <class S> static S loaded(const std::byte *at) {
  S value;
  std::memcpy(&value, at, sizeof(S));
  return value;
}

template <class D, class S> static constexpr bool isQuad = sizeof(D) == 4 && sizeof(S) == 4;

// NOLINTBEGIN(bugprone-signed-char-misuse): signed bytes are extended by their sign, as PTX wants.
/// op: address, then the elements. S is what memory holds, D what the register holds: at least as wide.
template <class D, class S> static void loadRun(Warp &w, const Inst &i) {
  Lanes lanes;
  unsigned count = i.count;
  Layout layout = w.block->resolveLayout(w, i, i.op[0], sizeof(S) * count, Access::Read, lanes);
  if (layout == Layout::Stopped)
    return;
  const std::byte *first = lanes.host[0];
  if constexpr (isQuad<D, S>)
    if (count == 4 && layout != Layout::Uniform && w.exec == allLanes) {
      if (layout == Layout::InOrder)
        return loadQuads(w, i, [=](unsigned l) { return reinterpret_cast<const float *>(first + 16 * l); });
      return loadQuads(w, i, [&](unsigned l) { return reinterpret_cast<const float *>(lanes.host[l]); });
    }
  for (unsigned k = 0; k < count; ++k) {
    D *d = w.out<D>(i.op[1 + k]);
    const std::byte *at = first + k * sizeof(S);
    if (sizeof(D) == sizeof(S) && count == 1 && layout == Layout::InOrder)
      std::memcpy(d, at, numLanes * sizeof(S));
    else if (layout == Layout::Uniform)
      std::fill_n(d, numLanes, static_cast<D>(loaded<S>(at)));
    else if (layout == Layout::Scattered)
      activeLanes(w.exec, [&](unsigned l) { d[l] = static_cast<D>(loaded<S>(lanes.host[l] + k * sizeof(S))); });
    else if (count == 1)
      for (unsigned l = 0; l < numLanes; ++l)
        d[l] = static_cast<D>(loaded<S>(at + l * sizeof(S)));
    else
      for (unsigned l = 0; l < numLanes; ++l)
        d[l] = static_cast<D>(loaded<S>(at + l * count * sizeof(S)));
  }
}
// NOLINTEND(bugprone-signed-char-misuse)

template <class D, class S> static void storeRun(Warp &w, const Inst &i) {
  Lanes lanes;
  unsigned count = i.count;
  Layout layout = w.block->resolveLayout(w, i, i.op[0], sizeof(S) * count, Access::Write, lanes);
  if (layout == Layout::Stopped)
    return;
  std::byte *first = lanes.host[0];
  if constexpr (isQuad<D, S>)
    if (count == 4 && w.exec == allLanes && !lanes.contested) {
      if (layout == Layout::InOrder)
        return storeQuads(w, i, [=](unsigned l) { return reinterpret_cast<float *>(first + 16 * l); });
      return storeQuads(w, i, [&](unsigned l) { return reinterpret_cast<float *>(lanes.host[l]); });
    }
  auto put = [](std::byte *at, D value) {
    S narrow = static_cast<S>(value);
    std::memcpy(at, &narrow, sizeof(S));
  };
  for (unsigned k = 0; k < count; ++k) {
    const D *d = w.in<D>(i.op[1 + k]);
    std::byte *at = first + k * sizeof(S);
    if (sizeof(D) == sizeof(S) && count == 1 && layout == Layout::InOrder)
      std::memcpy(at, d, numLanes * sizeof(S));
    else if (layout == Layout::Scattered)
      activeLanes(w.exec & ~lanes.contested, [&](unsigned l) { put(lanes.host[l] + k * sizeof(S), d[l]); });
    else if (count == 1)
      for (unsigned l = 0; l < numLanes; ++l)
        put(at + l * sizeof(S), d[l]);
    else
      for (unsigned l = 0; l < numLanes; ++l)
        put(at + l * count * sizeof(S), d[l]);
  }
  activeLanes(lanes.contested, [&](unsigned l) {
    std::byte value[32];
    for (unsigned k = 0; k < count; ++k)
      put(value + k * sizeof(S), w.in<D>(i.op[1 + k])[l]);
    w.block->settle(w, i, l, sizeof(S) * count, lanes, value);
  });
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
/// Blocks run side by side, unless they pass on what others are to see.
static void takeHints(Decoder &d, const Inst &i) {
  bool ordered = d.has("acquire") || d.has("release"), inBlock = d.has("cta");
  if (ordered && !inBlock && i.space != Space::Shared)
    d.communicates();
  for (std::string_view hint : {"weak",
                                "volatile",
                                "relaxed",
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
  takeHints(d, i);
  unsigned count = 1u << d.oneOf({"v1", "v2", "v4", "v8"}, 0);
  // A policy of the cache comes as an operand of its own.
  size_t hints = d.has("L2::cache_hint");
  Type t = d.type();
  if (!d.operands(2 + hints, 2 + hints))
    return;
  d.address(isLoad ? 1 : 0, i);
  i.kind = classOf(i.space, isLoad);
  if (!isLoad && (i.space == Space::Const || i.space == Space::Param))
    return d.fail("'" + d.spelled() + "': this space is read only");
  const Operand &value = d.operand(isLoad ? 0 : 1);
  bool isVector = value.kind == Operand::Vector;
  const Operand *first = isVector ? value.elements.data() : &value;
  if ((isVector ? value.elements.size() : 1) != count || bytesOf(t) * count > 32)
    return d.fail("'" + d.spelled() + "': " + std::to_string(count) +
                  " elements of together at most 32 bytes expected");
  // All elements are in registers of one width; the narrowest that holds the type where there is none.
  Type width = t;
  for (unsigned k = 0; k < count; ++k)
    width = d.registerType(first[k], width);
  if (width == Type::Pred || bytesOf(width) < bytesOf(t))
    return d.fail("'" + d.spelled() + "': a register of at least " + std::to_string(8 * bytesOf(t)) + " bits expected");
  for (unsigned k = 0; k < count; ++k)
    isLoad ? d.out(first[k], width) : d.in(first[k], width);
  d.touches(i, bytesOf(t) * count);
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

/// A policy is a number that says nothing here.
static void buildPolicy(Decoder &d, Inst &i) {
  i.kind = Class::Move;
  for (std::string_view word :
       {"fractional", "range", "global", "L2::evict_last", "L2::evict_first", "L2::evict_normal", "L2::evict_unchanged",
        "L2::evict_last", "L2::evict_first", "L2::evict_unchanged"})
    d.has(word);
  d.type();
  if (!d.operands(1, 4))
    return;
  d.out(0, Type::B64);
  d.constant(0, Type::B64);
  i.run = mapUnary<uint64_t, uint64_t, [](uint64_t a) { return a; }>;
}

std::span<const Builder> memoryBuilders() {
  static constexpr Builder table[] = {{"ld", buildAccess<true>},
                                      {"ldu", buildAccess<true>},
                                      {"st", buildAccess<false>},
                                      {"prefetch", buildPrefetch},
                                      {"createpolicy", buildPolicy}};
  return table;
}

} // namespace nncc::emu
