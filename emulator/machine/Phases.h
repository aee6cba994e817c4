//===- Phases.h - the mbarrier objects of a block ----------------------------------------------------------------===//

#ifndef NNCCEMU_PHASES_H
#define NNCCEMU_PHASES_H

#include "Shadow.h"
#include "Warp.h"
#include <unordered_map>

namespace nncc::emu {

/// An mbarrier: a phase ends when so many have arrived and all bytes that were announced have come.
struct Mbarrier {
  uint32_t expected = 0;         ///< arrivals of a phase
  int64_t pending = 0;           ///< arrivals that lack in this phase
  int64_t bytes = 0;             ///< announced and not yet come
  uint64_t phase = 0;            ///< phases that have ended
  Shadow::Clock arrived, done;   ///< what those of this phase, and of the one before, know
  std::vector<AsyncCopy> copies; ///< that end with this phase
  std::vector<AsyncCopy>
      landed; ///< that ended with one which nobody has waited for yet: their targets are still not to be touched
};

/// By their shared addresses.
struct Phases {
  std::unordered_map<uint32_t, Mbarrier> barriers;
  uint64_t futile = 0; ///< waits in a row that found nothing new
};

} // namespace nncc::emu

#endif
