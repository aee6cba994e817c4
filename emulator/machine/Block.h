//===- Block.h - one block of threads, from its start to its end -------------------------------------------------===//

#ifndef NNCCEMU_BLOCK_H
#define NNCCEMU_BLOCK_H

#include "DeviceMemory.h"
#include "Shadow.h"
#include "Warp.h"

namespace nncc::emu {

using Access = Shadow::Access;
using ptx::Space;

/// Addresses of the lanes that access memory, and where the bytes are on the host.
struct Lanes {
  uint64_t address[numLanes];
  std::byte *host[numLanes];
};

struct Block {
  Block(const Program &program, DeviceMemory &memory, const LaunchShape &shape, const Checks &checks,
        Counters &counters, std::vector<std::byte> params);

  /// False where it stopped; `trap` says why.
  bool run(std::array<unsigned, 3> position);

  /// Checks an access of all executing lanes and finds its bytes; false where it stops the launch.
  bool resolve(Warp &w, const Inst &i, Slot address, unsigned size, Access access, Lanes &lanes);
  bool resolveShared(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  bool resolveGlobal(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  /// cp.async: the bytes are there at once, but belong to the copy until it is waited for.
  bool resolveAsync(Warp &w, const Inst &i, Slot address, unsigned size, Lanes &lanes);

  const Program &program;
  DeviceMemory &memory;
  const LaunchShape &shape;
  const Checks &checks;
  Counters &counters;
  std::optional<Trap> trap;

  std::vector<std::byte> params;
  std::vector<std::byte> shared;
  Shadow shadow;
  std::vector<Warp> warps;
  std::array<unsigned, 3> position{};
  unsigned threads;

private:
  struct Barrier {
    unsigned expected = 0; ///< threads
    unsigned arrived = 0;
    uint32_t waiting = 0, passing = 0; ///< warps
    uint32_t votes = 0, voters = 0;
  };

  void start();
  void fillSpecials(Warp &w);
  void runWarp(Warp &w);
  void branch(Warp &w, const Inst &i, uint32_t taken, uint32_t target);
  void branchIndexed(Warp &w, const Inst &i, uint32_t lanes);
  void exitLanes(Warp &w, uint32_t lanes);
  void resume(Warp &w);
  bool barrier(Warp &w, const Inst &i);
  void complete(Barrier &b);
  void reportDeadlock();
  bool resolveWindow(Warp &w, const Inst &i, uint32_t mask, Space space, unsigned size, Access access, Lanes &lanes);
  bool resolveLocal(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  bool resolveParam(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  bool aligned(Warp &w, const Inst &i, uint32_t mask, unsigned size, const Lanes &lanes);
  void countSectors(uint32_t mask, const Lanes &lanes);
  void countConflicts(uint32_t mask, unsigned size, const Lanes &lanes);

  std::vector<std::byte> files;
  std::vector<std::byte> local;
  std::vector<uint8_t> localKnown;
  Barrier barriers[16];
  uint64_t executed = 0;
  Allocation *lastAllocation = nullptr;
};

} // namespace nncc::emu

#endif
