//===- Program.h - a kernel, decoded once ------------------------------------------------------------------------===//

#ifndef NNCCEMU_PROGRAM_H
#define NNCCEMU_PROGRAM_H

#include "nnccemu/Machine.h"

namespace nncc::emu {

struct Warp;
struct Inst;
using Handler = void (*)(Warp &, const Inst &);

/// Where the 32 lanes of an operand are: twice the offset, plus 1 where it is in the pool of constants rather than in the registers of the warp.
using Slot = uint32_t;
inline constexpr Slot noSlot = UINT32_MAX;
inline constexpr uint32_t nowhere = UINT32_MAX;

enum class Flow : uint8_t { Next, Branch, BranchIndexed, Exit, Barrier, Stop };

struct Inst {
  Handler run = nullptr;
  const Slot *op = nullptr;
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
  Count
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

  std::vector<Inst> code; ///< closed by an Exit
  std::vector<Slot> slots;
  uint32_t fileBytes = 0; ///< registers of a warp
  std::vector<std::byte> constants;
  std::vector<std::pair<Special, Slot>> specials;
};

/// Generic addresses of what is not global begin here; an address inside is the offset in its space.
inline constexpr uint64_t sharedWindow = uint64_t(1) << 40, localWindow = uint64_t(2) << 40,
                          paramWindow = uint64_t(3) << 40;
inline constexpr uint64_t windowBytes = uint64_t(1) << 32;

/// Sets `reconverge` of every branch to its immediate post-dominator.
void findReconvergence(Program &program);

} // namespace nncc::emu

#endif
