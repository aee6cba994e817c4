//===- Async.cpp - cp.async and its groups -----------------------------------------------------------------------===//

#include "Block.h"
#include "Decoder.h"

namespace nncc::emu {

/// op: shared address, global address, low and high half of its offset, source size or noSlot. What the source lacks is zero.
static void copyRun(Warp &w, const Inst &i) {
  Block &block = *w.block;
  Lanes to, from;
  unsigned size = i.bytes;
  if (!block.resolveAsync(w, i, i.op[0], size, to))
    return;
  const uint64_t *source = w.in<uint64_t>(i.op[1]);
  uint64_t offset = i.op[2] | uint64_t(i.op[3]) << 32;
  const uint32_t *length = i.op[4] == noSlot ? nullptr : w.in<uint32_t>(i.op[4]);
  uint32_t whole = 0;
  activeLanes(w.exec, [&](unsigned l) {
    uint32_t bytes = length ? std::min(length[l], size) : size;
    from.address[l] = source[l] + offset;
    if (from.address[l] % size)
      return w.trap(i, l,
                    "misaligned: cp.async of " + std::to_string(size) + " bytes from address " +
                        std::to_string(from.address[l]));
    whole |= uint32_t(bytes == size) << l;
    std::memset(to.host[l], 0, size);
    if (bytes && bytes != size && block.resolveGlobal(w, i, 1u << l, bytes, Access::Read, from))
      std::memcpy(to.host[l], from.host[l], bytes);
  });
  if (block.stopped || (whole && !block.resolveGlobal(w, i, whole, size, Access::Read, from)))
    return;
  activeLanes(whole, [&](unsigned l) { std::memcpy(to.host[l], from.host[l], size); });
  activeLanes(w.exec, [&](unsigned l) {
    w.uncommitted.push_back(
        {static_cast<uint32_t>(to.host[l] - block.shared.data()), size, static_cast<uint16_t>(w.thread(l))});
  });
}

/// Groups are counted for the whole warp, so its threads must be together.
static bool converged(Warp &w, const Inst &i) {
  if (w.exec != w.live)
    w.trap(i, static_cast<unsigned>(std::countr_zero(w.exec)),
           "divergence at a cp.async group: the threads of a warp must be together");
  return w.exec == w.live;
}

static void commitRun(Warp &w, const Inst &i) {
  if (converged(w, i))
    w.groups.push_back(std::move(w.uncommitted));
  w.uncommitted.clear();
}

static void waitRun(Warp &w, const Inst &i) {
  if (!converged(w, i))
    return;
  size_t pending = i.target, done = w.groups.size() > pending ? w.groups.size() - pending : 0;
  if (i.mode) {
    w.groups.push_back(std::move(w.uncommitted));
    w.uncommitted.clear();
    done = w.groups.size();
  }
  for (size_t g = 0; g < done; ++g)
    for (const AsyncCopy &copy : w.groups[g])
      w.block->shadow.endAsync(copy.shared, copy.bytes, copy.thread, w.block->shadow.now());
  w.groups.erase(w.groups.begin(), w.groups.begin() + static_cast<std::ptrdiff_t>(done));
}

static void buildCopy(Decoder &d, Inst &i) {
  i.kind = Class::Async;
  if (!d.has("async"))
    return d.fail("'" + d.spelled() + "' is no instruction that this machine has");
  if (d.has("mbarrier"))
    return buildAsyncArrive(d, i);
  if (d.has("bulk"))
    return buildBulk(d, i);
  if (d.has("commit_group")) {
    d.operands(0, 0);
    i.run = commitRun;
    return;
  }
  if (d.has("wait_all")) {
    d.operands(0, 0);
    i.mode = 1;
    i.run = waitRun;
    return;
  }
  if (d.has("wait_group")) {
    if (d.operands(1, 1))
      i.target = static_cast<uint32_t>(d.immediate(0, 1 << 16));
    i.run = waitRun;
    return;
  }
  bool bypass = d.oneOf({"ca", "cg"}, -1) == 1;
  if (!(d.has("shared") || d.has("shared::cta")) || !d.has("global"))
    return d.fail("'" + d.spelled() + "': cp.async goes from .global to .shared");
  d.oneOf({"L2::64B", "L2::128B", "L2::256B"}, 0);
  bool hinted = d.has("L2::cache_hint");
  if (!d.operands(3 + hinted, 4 + hinted))
    return;
  i.bytes = static_cast<uint8_t>(d.immediate(2, 16));
  if ((i.bytes != 4 && i.bytes != 8 && i.bytes != 16) || (bypass && i.bytes != 16))
    return d.fail("'" + d.spelled() + "' copies " + (bypass ? "16" : "4, 8 or 16") + " bytes, not " +
                  std::to_string(i.bytes));
  Inst source;
  source.space = Space::Global;
  i.space = Space::Shared;
  d.address(0, i);
  d.touches(i, i.bytes);
  d.address(1, source);
  d.slot(static_cast<Slot>(source.offset));
  d.slot(static_cast<Slot>(source.offset >> 32));
  d.numOperands() - hinted == 4 ? d.in(3, Type::B32) : d.slot(noSlot);
  i.run = copyRun;
}

std::span<const Builder> asyncBuilders() {
  static constexpr Builder table[] = {{"cp", buildCopy}};
  return table;
}

} // namespace nncc::emu
