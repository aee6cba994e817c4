//===- Program.h - a kernel, decoded once ------------------------------------------------------------------------===//

#ifndef NNCCEMU_PROGRAM_H
#define NNCCEMU_PROGRAM_H

#include "nnccemu/Machine.h"

namespace nncc::emu {

struct Warp;
struct Inst;
using Handler = void (*)(Warp &, const Inst &);

/// Where the 32 lanes of an operand are in the file of the warp, which holds registers and constants alike.
using Slot = uint32_t;
inline constexpr Slot noSlot = UINT32_MAX;
inline constexpr uint32_t nowhere = UINT32_MAX;

enum class Flow : uint8_t { Next, Branch, BranchIndexed, Exit, Barrier, Wait, Stop };

struct Inst {
  Handler run = nullptr;
  const Slot *op = nullptr;
  uint32_t index = 0;    ///< of itself
  uint32_t straight = 0; ///< instructions from here on that nothing but the end of their run leads away from, or into
  uint32_t line = 0;
  Slot guard = noSlot;
  bool guardNegated = false;
  Flow flow = Flow::Next;
  Class kind = Class::Move;
  // Memory.
  ptx::Space space = ptx::Space::Generic;
  bool wideAddress = false;
  uint8_t bytes = 0; ///< of an element
  uint8_t count = 1; ///< elements
  uint8_t mode = 0;  ///< what the handler makes of it
  int64_t offset = 0;
  // Control flow. The targets of an indexed branch are in `op`, behind the index.
  uint32_t target = nowhere, reconverge = nowhere;
};

enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NwarpId,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  DynamicShared,
  TotalShared,
  SmId,
  NsmId,
  One,  ///< of what there is one: clusters have one block
  Zero, ///< its index
  Count
};

/// A constant, in every lane.
struct Constant {
  Slot slot;
  unsigned bytes;
  uint64_t value;
};

struct Program {
  std::string name;
  std::vector<ptx::Variable> params;
  std::vector<uint32_t> paramOffsets;
  uint32_t paramBytes = 0;
  uint64_t sharedBytes = 0; ///< static; what the launch adds begins at dynamicOffset
  uint64_t dynamicOffset = 0;
  uint64_t localBytes = 0;
  unsigned reqThreads[3] = {0, 0, 0};
  unsigned maxThreads = 0;
  unsigned sharedGranule = 4; ///< no access of shared memory is smaller, up to 4 bytes
  /// Blocks may tell each other something: they run one after the other, in their order, so that no result depends on the host.
  bool communicates = false;

  std::vector<Inst> code; ///< closed by an Exit
  std::vector<Slot> slots;
  uint32_t fileBytes = 0; ///< registers and constants of a warp
  std::vector<Constant> constants;
  std::vector<std::pair<Special, Slot>> specials;
  /// First byte and bytes of what a kernel may read before it has written it: zero when a block begins.
  std::vector<std::pair<Slot, uint32_t>> registers;
};

/// Generic addresses of what is not global begin here; an address inside is the offset in its space.
inline constexpr uint64_t sharedWindow = uint64_t(1) << 40, localWindow = uint64_t(2) << 40,
                          paramWindow = uint64_t(3) << 40;
inline constexpr uint64_t windowBytes = uint64_t(1) << 32;

/// Sets `reconverge` of every branch to its immediate post-dominator.
void findReconvergence(Program &program);
/// Sets `straight`, once it is known where lanes meet.
void findStraightRuns(Program &program);

} // namespace nncc::emu

#endif
