//===- Block.h - one block of threads, from its start to its end -------------------------------------------------===//

#ifndef NNCCEMU_BLOCK_H
#define NNCCEMU_BLOCK_H

#include "DeviceMemory.h"
#include "Phases.h"
#include "Shadow.h"
#include "Warp.h"

namespace nncc::emu {

using Access = Shadow::Access;
using ptx::Space;

/// Addresses of the lanes that access memory, and where the bytes are on the host.
struct Lanes {
  alignas(64) uint64_t address[numLanes];
  std::byte *host[numLanes]; ///< the first one alone where lanes are not scattered
  /// Lanes whose write of shared memory races with others' writes: right where all write the same, see Block::settle.
  uint32_t contested = 0;
};

/// How the bytes of a warp's access lie. What is not scattered is executed by all lanes.
enum class Layout : uint8_t { Stopped, Scattered, Uniform, InOrder };

/// What all blocks of a launch have in common.
struct Launch {
  const Program &program;
  DeviceMemory &memory;
  const LaunchShape &shape;
  const Checks &checks;
  const std::vector<std::byte> &params;
};

/// Runs blocks one after the other, on one thread of the host.
struct Block {
  explicit Block(const Launch &launch);

  /// False where it stopped; `trap` says why.
  bool run(std::array<unsigned, 3> position);
  /// Adds what all its blocks have done.
  void addTo(Counters &sum) const;

  /// Checks an access of all executing lanes and finds its bytes; false where it stops the launch.
  bool resolve(Warp &w, const Inst &i, Slot address, unsigned size, Access access, Lanes &lanes);
  /// The same, with short ways for what most accesses look like.
  Layout resolveLayout(Warp &w, const Inst &i, Slot address, unsigned size, Access access, Lanes &lanes);
  bool resolveShared(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  bool resolveGlobal(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  /// After all other lanes have written: a contested lane must find there what it would write.
  bool settle(Warp &w, const Inst &i, unsigned lane, unsigned size, const Lanes &lanes, const std::byte *value);
  /// cp.async: the bytes are there at once, but belong to the copy until it is waited for.
  bool resolveAsync(Warp &w, const Inst &i, Slot address, unsigned size, Lanes &lanes);

  /// The address in shared memory that a lane names, by an address of it or a generic one; beyond it where it is none.
  uint64_t sharedAddress(const Warp &w, const Inst &i, Slot address, unsigned lane) const;
  /// One lane's copy from global to shared memory, of a multiple of 16 bytes; false where it stops the launch.
  bool copyBulk(Warp &w, const Inst &i, unsigned lane, uint64_t to, uint64_t from, uint32_t bytes);

  /// Instructions that the block has executed.
  uint64_t elapsed() const { return executed; }

  const Program &program;
  DeviceMemory &memory;
  const LaunchShape &shape;
  const Checks &checks;
  std::optional<Trap> trap;
  bool stopped = false; ///< whether there is a trap

  const std::vector<std::byte> &params;
  std::vector<std::byte> shared;
  Shadow shadow;
  Phases phases;
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
  void fillSpecials(Warp &w, bool ofPosition);
  void runWarp(Warp &w);
  void runStraight(Warp &w, const Inst *i);
  void branch(Warp &w, const Inst &i, uint32_t taken, uint32_t target);
  void branchIndexed(Warp &w, const Inst &i, uint32_t lanes);
  void exitLanes(Warp &w, uint32_t lanes);
  void resume(Warp &w);
  bool barrier(Warp &w, const Inst &i);
  void complete(Barrier &b);
  void reportDeadlock();
  void note(uint32_t first, uint32_t count) {
    ++entered[first];
    --entered[first + count];
    executed += count;
  }

  Layout layoutGlobal(const Inst &i, uint64_t address, unsigned size, uint64_t bytes, Access access, Lanes &lanes);
  Layout layoutShared(Warp &w, uint64_t address, unsigned size, uint64_t bytes, Access access, Lanes &lanes);
  bool resolveLanes(Warp &w, const Inst &i, unsigned size, Access access, Lanes &lanes);
  bool resolveWindow(Warp &w, const Inst &i, uint32_t mask, Space space, unsigned size, Access access, Lanes &lanes);
  bool resolveLocal(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  bool resolveParam(Warp &w, const Inst &i, uint32_t mask, unsigned size, Access access, Lanes &lanes);
  bool aligned(Warp &w, const Inst &i, uint32_t mask, unsigned size, const Lanes &lanes);
  void countSectors(uint32_t mask, const Lanes &lanes);
  void countConflicts(uint32_t mask, unsigned size, const Lanes &lanes);

  std::vector<std::byte> files;
  std::vector<std::byte> local;
  std::vector<uint8_t> localKnown;
  std::vector<Allocation *> recent; ///< where an instruction found its bytes last
  /// How often instructions were executed, as differences: `entered[k]` times more than the one before.
  std::vector<int64_t> entered;
  uint64_t idleLanes = 0; ///< of executed instructions
  Counters counters;      ///< but for those of instructions
  Barrier barriers[16];
  uint64_t executed = 0; ///< by this block
};

} // namespace nncc::emu

#endif
